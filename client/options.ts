import {
  checkAuthorities,
  checkCertificate,
} from "../protocol/certificates.ts";
import { checkClock, type Clock } from "../protocol/clock.ts";
import { NAME_LENGTH, UNPRINTABLE } from "../protocol/fields.ts";
import {
  badOption,
  bytes,
  checkFunction,
  checkHostname,
  checkNames,
  checkNumbers,
  checkString,
  count,
  milliseconds,
  requireObject,
} from "../protocol/options.ts";
import { checkTracing, type Tracing } from "../protocol/tracing.ts";
import { type Dial, dialTcp } from "./dial.ts";
import { type ClientTls, dialTls } from "./dial_tls.ts";
import type { ClientOfflineReason } from "./signals.ts";

/** How a {@linkcode CypherClient} is made. Times in ms, sizes in bytes. */
export interface CypherClientOptions {
  /** Encrypts requests: 32 ASCII characters. The server's decryption key. */
  encryptionKey: string;
  /** Decrypts answers: 32 ASCII characters. The server's encryption key. */
  decryptionKey: string;
  /** The server's address, default `"127.0.0.1"`. */
  hostname?: string;
  /** The server's port, default 12345. */
  port?: number;
  /** The wire to speak, default `"session"`; `"classic"` for Python peers. */
  wire?: "classic" | "session";
  /**
   * What people call this client, in 1 to 128 printable characters; shown by
   * the server (session wire).
   */
  name?: string;
  /**
   * What becomes of requests that were written when the server forgets this
   * client: they reject with `OUTCOME_UNKNOWN` (`"reject"`, the default) or are
   * sent again and may be executed twice (`"resend"`). Session wire.
   */
  onRestart?: "reject" | "resend";
  /**
   * How long to wait for an answer before reconnecting and sending the request
   * again, default 60,000 ms (classic wire; a session has heartbeats).
   */
  timeout?: number;
  /** How long a dial, or the handshake after it, may take: 10,000 ms. */
  connectTimeout?: number;
  /** How many dial attempts in a row may fail, default `Infinity`. */
  attempts?: number;
  /** The pauses between dial attempts, each a random part of its bound. */
  backoff?: {
    /** The bound of the first pause, default 1,000 ms; it doubles each time. */
    first?: number;
    /** The largest bound, default 10,000 ms. */
    max?: number;
  };
  /**
   * How often in a row the server may close the connection instead of answering
   * one request before that rejects with `NO_ANSWER`, default 10 (classic wire).
   */
  maxUnanswered?: number;
  /** How far an answer's time may be from now, in ms; default `Infinity`. */
  maxAge?: number;
  /** The most read at once, default 65,536 bytes. */
  recvBuffer?: number;
  /** The most written at once, default 2,097,152 bytes. */
  transmissionBuffer?: number;
  /** What may be used up. */
  limits?: {
    /** How deep an answer's JSON may nest, default 64 levels. */
    depth?: number;
    /** A message on the wire, default 16,777,216 bytes. */
    messageBytes?: number;
    /** Requests waiting for their answers, default 10,000. */
    queued?: number;
  };
  /** Called at each transition to online. */
  onOnline?: () => void;
  /** Called at each transition to offline, with the reason. */
  onOffline?: (reason: ClientOfflineReason) => void;
  /** Traces requests, see `@cypher/protocol/tracing`; default: nobody does. */
  tracing?: Tracing;
  /** What tells the time, default the machine's clock. */
  clock?: Clock;
  /** Gives numbers from 0 up to 1, default `Math.random`. */
  random?: () => number;
  /** Connects over TLS, and never without; `{}` trusts the usual authorities. */
  tls?: ClientTls;
  /** Opens connections, default TCP, or TLS if `tls` is given. */
  dial?: Dial;
}

/** What the numeric options allow; the command line shares it. */
export const CLIENT_OPTIONS = {
  port: count(12_345, 1, 65_535),
  timeout: milliseconds(60_000),
  connectTimeout: milliseconds(10_000),
  attempts: count(Infinity, 1, 1_000_000, { unlimited: true }),
  maxUnanswered: count(10, 1, 1_000_000, { unlimited: true }),
  maxAge: milliseconds(Infinity, {
    // Tokens tell the time in whole seconds.
    min: 1_000,
    max: 2 ** 53 - 1,
    unlimited: true,
  }),
  recvBuffer: bytes(65_536, 4_096, 67_108_864),
  transmissionBuffer: bytes(2_097_152, 1_024, 67_108_864),
};

/** What `backoff` allows. */
export const BACKOFF_OPTIONS = {
  first: milliseconds(1_000),
  max: milliseconds(10_000),
};

/** What `limits` allows. */
export const CLIENT_LIMITS = {
  depth: count(64, 1, 1_000),
  messageBytes: bytes(16_777_216, 1_024, 268_435_456),
  queued: count(10_000, 1, 1_000_000),
};

/** What a request's `deadline` allows. */
export const DEADLINE = milliseconds(Infinity, { unlimited: true });

const NAMES = [
  "encryptionKey",
  "decryptionKey",
  "hostname",
  "wire",
  "name",
  "onRestart",
  ...Object.keys(CLIENT_OPTIONS),
  "backoff",
  "limits",
  "onOnline",
  "onOffline",
  "tracing",
  "clock",
  "random",
  "tls",
  "dial",
];

/** The options with every default filled in and every range checked. */
// deno-lint-ignore explicit-module-boundary-types explicit-function-return-type
export function checkClientOptions(options: CypherClientOptions) {
  checkNames("", options ?? null, NAMES);
  const {
    encryptionKey,
    decryptionKey,
    hostname,
    wire = "session",
    name,
    onRestart = "reject",
    backoff,
    limits,
    onOnline,
    onOffline,
    tracing,
    clock,
    random,
    tls,
    dial,
    ...numbers
  } = options;
  if (wire !== "classic" && wire !== "session") {
    throw badOption("wire", '"classic" or "session"', wire);
  }
  if (onRestart !== "reject" && onRestart !== "resend") {
    throw badOption("onRestart", '"reject" or "resend"', onRestart);
  }
  return {
    encryptionKey,
    decryptionKey,
    hostname: checkHostname("hostname", hostname, "127.0.0.1"),
    wire,
    name: checkName(name),
    onRestart,
    backoff: checkNumbers("backoff", backoff, BACKOFF_OPTIONS),
    limits: checkNumbers("limits", limits, CLIENT_LIMITS),
    onOnline: checkFunction("onOnline", onOnline),
    onOffline: checkFunction("onOffline", onOffline),
    tracing: checkTracing(tracing),
    clock: checkClock(clock),
    random: checkFunction("random", random) ?? Math.random,
    dial: checkFunction("dial", dial) ?? dialOf(tls),
    ...checkNumbers("", numbers, CLIENT_OPTIONS),
  };
}

/** Checked here, as it is written on each connection anew. */
function checkName(name: string | undefined): string | undefined {
  if (name === undefined) return name;
  const good = typeof name === "string" && name !== "" &&
    name.length <= NAME_LENGTH && !UNPRINTABLE.test(name);
  if (good) return name;
  throw badOption("name", `1 to ${NAME_LENGTH} printable characters`, name);
}

function dialOf(tls: ClientTls | undefined): Dial {
  if (tls === undefined) return dialTcp;
  requireObject("tls", tls);
  checkNames("tls", tls, ["caCerts", "serverName", "cert", "key"]);
  const { caCerts = [], serverName, cert, key } = tls;
  if (!Array.isArray(caCerts)) {
    // Not shown: somebody may have mistaken a key for it.
    throw badOption("tls.caCerts", "a list of PEM texts", typeof caCerts);
  }
  if (caCerts.length > 0) checkAuthorities("tls.caCerts", caCerts);
  checkString("tls.serverName", serverName, "");
  if (cert !== undefined || key !== undefined) {
    checkCertificate("tls", cert, key);
    if (serverName !== undefined) {
      // Deno.connectTls takes one name for both.
      const alone = "left out together with tls.cert: it is the hostname then";
      throw badOption("tls.serverName", alone, serverName);
    }
  }
  return dialTls(tls);
}

/** The checked options. */
export type ClientSettings = ReturnType<typeof checkClientOptions>;
