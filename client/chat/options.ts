import { isUsername } from "../../protocol/chat/text.ts";
import { checkClock, type Clock } from "../../protocol/clock.ts";
import {
  badOption,
  bytes,
  checkFunction,
  checkHostname,
  checkNames,
  checkNumbers,
  count,
  milliseconds,
} from "../../protocol/options.ts";
import { type Dial, dialTcp } from "../dial.ts";
import { BACKOFF_OPTIONS } from "../options.ts";
import type { ClientOfflineReason } from "../signals.ts";
import type { ChatEvent } from "./events.ts";

/** How a {@linkcode ChatClient} is made. Times in ms, sizes in bytes. */
export interface ChatClientOptions {
  /** The username: 3 to 14 of `A-Z a-z 0-9 _`. */
  name: string;
  /** The server's address, default `"127.0.0.1"`. */
  hostname?: string;
  /** The server's port, default 1337. */
  port?: number;
  /**
   * How long the server may leave a command without an answer before the
   * connection is given up, default 10,000 ms.
   */
  timeout?: number;
  /**
   * How long the server may say nothing at all before the connection is given
   * up; more than its heartbeat. Default 120,000 ms.
   */
  silence?: number;
  /** How long one dial attempt may take, default 10,000 ms. */
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
  /** The most written at once, default 65,536 bytes. */
  transmissionBuffer?: number;
  /** What may be used up. */
  limits?: {
    /** A line that is sent, default 4,096 bytes: the server's limit. */
    lineBytes?: number;
    /** A line that is received, default 65,536 bytes. */
    receivedBytes?: number;
    /** Commands that wait for the connection or an answer, default 1,000. */
    queued?: number;
    /** What waits to be written, default 1,048,576 bytes. */
    queueBytes?: number;
    /** Users whose keys are kept, default 10,000. */
    contacts?: number;
  };
  /** Called with each event. */
  onEvent?: (event: ChatEvent) => void;
  /** Called at each transition to online. */
  onOnline?: () => void;
  /** Called at each transition to offline, with the reason. */
  onOffline?: (reason: ClientOfflineReason) => void;
  /** What tells the time, default the machine's clock. */
  clock?: Clock;
  /** Gives numbers from 0 up to 1, default `Math.random`; never for keys. */
  random?: () => number;
  /** Opens connections, default TCP. */
  dial?: Dial;
}

/** What bounds one command. */
export interface ChatCommandOptions {
  /** Ends the waiting; the promise rejects with `ABORTED`. */
  signal?: AbortSignal | undefined;
}

/** What the numeric options allow. */
export const CHAT_CLIENT_OPTIONS = {
  port: count(1_337, 1, 65_535),
  timeout: milliseconds(10_000),
  silence: milliseconds(120_000, { unlimited: true }),
  connectTimeout: milliseconds(10_000),
  attempts: count(Infinity, 1, 1_000_000, { unlimited: true }),
  transmissionBuffer: bytes(65_536, 1_024, 67_108_864),
};

/** What `limits` allows. */
export const CHAT_CLIENT_LIMITS = {
  // The announcement of our public key has to fit.
  lineBytes: bytes(4_096, 512, 1_048_576),
  receivedBytes: bytes(65_536, 1_024, 67_108_864),
  queued: count(1_000, 1, 1_000_000),
  queueBytes: bytes(1_048_576, 4_096, 268_435_456),
  contacts: count(10_000, 1, 1_000_000),
};

const NAMES = [
  "name",
  "hostname",
  ...Object.keys(CHAT_CLIENT_OPTIONS),
  "backoff",
  "limits",
  "onEvent",
  "onOnline",
  "onOffline",
  "clock",
  "random",
  "dial",
];

/** The options with every default filled in and every range checked. */
// deno-lint-ignore explicit-module-boundary-types explicit-function-return-type
export function checkChatClientOptions(options: ChatClientOptions) {
  checkNames("", options ?? null, NAMES);
  const {
    name,
    hostname,
    backoff,
    limits,
    onEvent,
    onOnline,
    onOffline,
    clock,
    random,
    dial,
    ...numbers
  } = options;
  return {
    name: checkUsername("name", name),
    hostname: checkHostname("hostname", hostname, "127.0.0.1"),
    backoff: checkNumbers("backoff", backoff, BACKOFF_OPTIONS),
    limits: checkNumbers("limits", limits, CHAT_CLIENT_LIMITS),
    onEvent: checkFunction("onEvent", onEvent),
    onOnline: checkFunction("onOnline", onOnline),
    onOffline: checkFunction("onOffline", onOffline),
    clock: checkClock(clock),
    random: checkFunction("random", random) ?? Math.random,
    dial: checkFunction("dial", dial) ?? dialTcp,
    ...checkNumbers("", numbers, CHAT_CLIENT_OPTIONS),
  };
}

/** The checked options. */
export type ChatClientSettings = ReturnType<typeof checkChatClientOptions>;

/**
 * Returns a username.
 *
 * @throws {CypherError} `BAD_OPTION` if it is none.
 */
export function checkUsername(option: string, name: string): string {
  if (typeof name === "string" && isUsername(name)) return name;
  throw badOption(option, "3 to 14 of A-Z a-z 0-9 _", name);
}
