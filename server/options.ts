import { checkClock, type Clock } from "../protocol/clock.ts";
import type { Request } from "../protocol/message.ts";
import {
  badOption,
  bytes,
  checkFunction,
  checkHostname,
  checkNames,
  checkNumber,
  checkNumbers,
  checkString,
  count,
  milliseconds,
  requireObject,
} from "../protocol/options.ts";
import { checkTracing, type Tracing } from "../protocol/tracing.ts";
import { ANSWERS_OPTIONS } from "./answers.ts";
import { checkMonitor } from "./check_monitor.ts";
import type { Handler, HandlerErrorInfo } from "./handler.ts";
import { cautious } from "./idempotent.ts";
import type { ServerKeys } from "./key_ring.ts";
import type { Listen } from "./listener.ts";
import { checkOnHandlerError } from "./log/handler_errors.ts";
import type { Monitor } from "./monitor.ts";
import { checkTlsKeys, type TlsKeys } from "./tls_keys.ts";
import { listenOn } from "./tls_listener.ts";

/** How a {@linkcode CypherServer} is made. Times in ms, sizes in bytes. */
export interface CypherServerOptions {
  /** Encrypts answers: 32 ASCII characters. The clients' decryption key. */
  encryptionKey: string;
  /** Decrypts requests: 32 ASCII characters. The clients' encryption key. */
  decryptionKey: string;
  /**
   * Answers the requests: a function, or the address of a module whose default
   * export, or export named `handler`, is one. Each of the `threads` imports
   * that for itself; it can export `idempotent` and `tracing` too.
   */
  handler: Handler | URL;
  /**
   * On how many threads a handler's module runs, default 1; 0 for one on each
   * core. They accept on one port, which takes Linux and --unstable-net. Limits
   * that are for all connections are shared out among them.
   */
  threads?: number;
  /**
   * How long a handler's module may take to load on a thread, default 30,000
   * ms. Over it the start fails; a thread that was to replace a dead one is
   * ended, and tried again.
   */
  loadTimeout?: number;
  /** The address to listen on, default `"127.0.0.1"`: this machine alone. */
  hostname?: string;
  /** The port, default 12345; 0 takes a free one, see `server.address`. */
  port?: number;
  /**
   * The longest a connection may go without a request, or without more of one
   * that is arriving, default 120,000 ms (classic wire; a session has
   * heartbeats).
   */
  timeout?: number;
  /**
   * How long a handler may take before the request is answered `DEADLINE`,
   * default `Infinity`. A handler that never returns to the event loop cannot
   * be interrupted.
   */
  deadline?: number;
  /**
   * How far a token's time may be from now, in ms, in either direction; more
   * than the longest time a client re-sends. Default `Infinity`: not judged.
   */
  maxAge?: number;
  /** The most read at once, default 65,536 bytes. */
  recvBuffer?: number;
  /** The most written at once, default 2,097,152 bytes. */
  transmissionBuffer?: number;
  /** Older pairs that are accepted too, newest first; default none. */
  olderKeys?: readonly ServerKeys[];
  /** Serves TLS, and nothing else on this port. */
  tls?: TlsKeys;
  /** Opens the listener, default TCP, or TLS if `tls` is given. */
  listen?: Listen;
  /** The wires that are accepted, default both. */
  wires?: readonly ("session" | "classic")[];
  /**
   * A file that remembers what was executed across restarts, a SQLite database
   * that is made at the first start; needs --allow-read and --allow-write for
   * it and the files beside it. Default none.
   */
  journal?: string;
  /**
   * Which requests may be executed twice: after a crash the journal lets them
   * run again instead of ending them in `OUTCOME_UNKNOWN`. Default: none.
   */
  idempotent?: (request: Request) => boolean;
  /**
   * How many requests a client may have in flight, default 256 (session). One
   * that confirms none of its answers is closed at two windows and 1,024.
   */
  window?: number;
  /** After how long a silence a ping is sent, default 15,000 ms (session). */
  heartbeat?: number;
  /** How many answers are remembered for clients that ask again. */
  answers?: {
    /** What the answers may take, default 67,108,864 bytes. */
    maxBytes?: number;
    /** How long a client that is away is remembered, default 600,000 ms. */
    maxAge?: number;
    /**
     * How many clients that are away are remembered, default 100,000; one that
     * leaves many gaps between its requests' ids counts as several.
     */
    clients?: number;
    /** How many requests are known to have been executed, default 1,000,000. */
    tokens?: number;
  };
  /** What peers may use up. */
  limits?: {
    /**
     * Open connections, default 20,000; over it the oldest that has not proven
     * to hold the keys is closed, or the new one if there is none.
     */
    connections?: number;
    /**
     * Those of one address, default 15,000; over it new ones are refused. An
     * IPv6 address counts with all of its /64. `Infinity` for any number, as
     * behind a proxy, where all peers have its address.
     */
    connectionsPerAddress?: number;
    /**
     * Tokens, handshakes and records that do not open, from one address in a
     * minute, default 60; over it that address is refused for `banTime`.
     * Connections that it has stay. `Infinity` refuses nobody.
     */
    badTokens?: number;
    /** How long such an address is refused, default 60,000 ms. */
    banTime?: number;
    /**
     * How long a message that has begun may take to arrive, default 5,000 ms,
     * and the longer the more of it has: see `messageRate`. `Infinity` for any
     * time.
     */
    messageTimeout?: number;
    /** How many bytes of it earn it another second, default 1,024. */
    messageRate?: number;
    /**
     * Requests whose handlers run, of all connections, default 65,536; over it
     * further ones wait until some have ended: on the session wire a `window`
     * of each connection, and `writeBufferBytes` of them, before no more are
     * read.
     */
    requests?: number;
    /** How deep a message's JSON may nest, default 64 levels. */
    depth?: number;
    /**
     * Connections that have not proven to hold the keys, default 20,000; over
     * it the oldest of them is closed.
     */
    unproven?: number;
    /**
     * What may be kept of what those have sent, default 67,108,864 bytes; over
     * it one that has the most is closed.
     */
    unprovenBytes?: number;
    /** Handshakes in progress, default 256; the oldest makes room (session). */
    handshakes?: number;
    /** How long a handshake may take, default 5,000 ms (session, TLS). */
    handshakeTimeout?: number;
    /** What may wait for a slow peer, default 4,194,304 bytes (session). */
    writeBufferBytes?: number;
    /** How long it may wait, default 10,000 ms (session). */
    writeTimeout?: number;
    /** A message on the wire, default 16,777,216 bytes. */
    messageBytes?: number;
  };
  /** Sees the connections; default: one of the server's own. */
  monitor?: Monitor;
  /**
   * Told what a handler threw, with the reference that is all its peer gets.
   * Default: both are printed on the standard error with the request's
   * operation and path, the error with its stack and its own message as it is;
   * at most 100 a second. `() => {}` prints nothing. Nobody is told of a
   * handler that was told to stop, and throws its signal's reason.
   */
  onHandlerError?: (error: unknown, info: HandlerErrorInfo) => void;
  /** Traces requests, see `@cypher/protocol/tracing`; default: nobody does. */
  tracing?: Tracing;
  /** What tells the time, default the machine's clock. */
  clock?: Clock;
}

/** What the numeric options allow; the command line shares it. */
export const SERVER_OPTIONS = {
  port: count(12_345, 0, 65_535),
  timeout: milliseconds(120_000, { unlimited: true }),
  deadline: milliseconds(Infinity, { unlimited: true }),
  maxAge: milliseconds(Infinity, {
    // Tokens tell the time in whole seconds.
    min: 1_000,
    max: 2 ** 53 - 1,
    unlimited: true,
  }),
  recvBuffer: bytes(65_536, 4_096, 67_108_864),
  transmissionBuffer: bytes(2_097_152, 1_024, 67_108_864),
  window: count(256, 1, 65_536),
  heartbeat: milliseconds(15_000),
  loadTimeout: milliseconds(30_000, { unlimited: true }),
};

/** What `threads` may be, for a handler's module; the command line shares it. */
export const THREADS = count(1, 0, 256);

/** What `limits` allows. */
export const SERVER_LIMITS = {
  connections: count(20_000, 1, 1_000_000),
  connectionsPerAddress: count(15_000, 1, 1_000_000, { unlimited: true }),
  badTokens: count(60, 1, 1_000_000, { unlimited: true }),
  banTime: milliseconds(60_000),
  messageTimeout: milliseconds(5_000, { unlimited: true }),
  messageRate: bytes(1_024, 1, 2 ** 30),
  requests: count(65_536, 1, 10_000_000, { unlimited: true }),
  depth: count(64, 1, 1_000),
  messageBytes: bytes(16_777_216, 1_024, 268_435_456),
  unproven: count(20_000, 1, 1_000_000),
  unprovenBytes: bytes(67_108_864, 1_024, 2 ** 40),
  handshakes: count(256, 1, 100_000),
  handshakeTimeout: milliseconds(5_000),
  writeBufferBytes: bytes(4_194_304, 1_024, 268_435_456),
  writeTimeout: milliseconds(10_000),
};

/** What `stop({ grace })` allows. */
export const GRACE = milliseconds(10_000, { min: 0 });

const NAMES = [
  "encryptionKey",
  "decryptionKey",
  "handler",
  "threads",
  "hostname",
  ...Object.keys(SERVER_OPTIONS),
  "olderKeys",
  "tls",
  "listen",
  "wires",
  "journal",
  "idempotent",
  "answers",
  "limits",
  "monitor",
  "onHandlerError",
  "tracing",
  "clock",
];

/** The options as {@linkcode checkServerOptions} leaves them. */
export type CheckedOptions = ReturnType<typeof checkServerOptions>;

/** The options with every default filled in and every range checked. */
// deno-lint-ignore explicit-module-boundary-types explicit-function-return-type
export function checkServerOptions(options: CypherServerOptions) {
  checkNames("", options ?? null, NAMES);
  const {
    encryptionKey,
    decryptionKey,
    handler,
    threads,
    hostname,
    olderKeys = [],
    tls,
    listen,
    wires = ["session", "classic"],
    journal,
    idempotent,
    answers,
    limits,
    monitor,
    onHandlerError,
    tracing,
    clock,
    ...numbers
  } = options;
  checkHandler(options);
  return {
    encryptionKey,
    decryptionKey,
    handler,
    threads: checkNumber("threads", threads, THREADS),
    hostname: checkHostname("hostname", hostname, "127.0.0.1"),
    olderKeys: checkOlderKeys(olderKeys),
    listen: checkFunction("listen", listen) ?? listenOn(checkTlsKeys(tls)),
    wires: checkWires(wires),
    journal: checkString("journal", journal, ""),
    tls,
    idempotent: cautious(checkFunction("idempotent", idempotent)),
    answers: checkNumbers("answers", answers, ANSWERS_OPTIONS),
    limits: checkNumbers("limits", limits, SERVER_LIMITS),
    monitor: checkMonitor(monitor, checkClock(clock)),
    onHandlerError: checkOnHandlerError(onHandlerError),
    tracing: checkTracing(tracing),
    clock: checkClock(clock),
    ...checkNumbers("", numbers, SERVER_OPTIONS),
  };
}

/** A function stays on its thread; so does all that is given beside it. */
function checkHandler(options: CypherServerOptions): void {
  const { handler } = options;
  const threads = checkNumber("threads", options.threads, THREADS);
  if (typeof handler === "function") {
    if (threads === 1) return;
    throw badOption("handler", "the URL of a module, for threads", handler);
  }
  if (!(handler instanceof URL)) {
    throw badOption("handler", "a function, or the URL of a module", handler);
  }
  for (const name of ["idempotent", "tracing"] as const) {
    if (options[name] === undefined) continue;
    throw badOption(name, "an export of handler's module", options[name]);
  }
  for (const name of ["listen", "clock"] as const) {
    if (options[name] === undefined) continue;
    throw badOption(name, "left out for a handler's module", options[name]);
  }
}

const WIRES: readonly string[] = ["session", "classic"];

function checkWires(wires: readonly string[]): readonly string[] {
  const known = Array.isArray(wires) && wires.length > 0 &&
    wires.every((wire) => WIRES.includes(wire));
  if (!known) {
    throw badOption("wires", 'a list of "session" and "classic"', wires);
  }
  return wires;
}

function checkOlderKeys(keys: readonly ServerKeys[]): readonly ServerKeys[] {
  // Not shown: somebody may have given a key in its place.
  if (!Array.isArray(keys)) throw badOption("olderKeys", "a list", typeof keys);
  for (const pair of keys) {
    requireObject("olderKeys", pair);
    checkNames("olderKeys", pair, ["encryptionKey", "decryptionKey"]);
  }
  return keys;
}
