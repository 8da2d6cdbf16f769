import { withoutControls } from "../../protocol/chat/text.ts";
import { checkClock, type Clock } from "../../protocol/clock.ts";
import {
  badOption,
  bytes,
  checkHostname,
  checkNames,
  checkNumbers,
  checkString,
  count,
  milliseconds,
} from "../../protocol/options.ts";
import { checkMonitor } from "../check_monitor.ts";
import type { Monitor } from "../monitor.ts";

/** How a {@linkcode ChatServer} is made. Times in ms, sizes in bytes. */
export interface ChatServerOptions {
  /** The address to listen on, default `"127.0.0.1"`: this machine alone. */
  hostname?: string;
  /** The port, default 1337; 0 takes a free one, see `server.address`. */
  port?: number;
  /** What `INIT` says to whoever connects; one line. */
  greeting?: string;
  /** How often each client is sent `PING`, default 30,000 ms. */
  heartbeat?: number;
  /** How long a client may take to answer `PONG`, default 15,000 ms. */
  pongTimeout?: number;
  /** How long a client may take to log in, default 120,000 ms. */
  loginTimeout?: number;
  /** The most written at once, default 65,536 bytes. */
  transmissionBuffer?: number;
  /** What clients may use up. */
  limits?: {
    /** Open connections, default 1,000. */
    connections?: number;
    /** A client's line, default 4,096 bytes; over it `FAIL00` comes back. */
    lineBytes?: number;
    /** How many lines a second a client may send, default 20. */
    linesPerSecond?: number;
    /** How many lines it may send at once before it is slowed, default 100. */
    burst?: number;
    /** What waits for a client that does not read, default 262,144 bytes. */
    queueBytes?: number;
  };
  /** Sees the connections; default: one of the server's own. */
  monitor?: Monitor;
  /** What tells the time, default the machine's clock. */
  clock?: Clock;
}

/** A day: longer timers would be no use, and their sums overflow. */
const DAY = 86_400_000;

/** What the numeric options allow; the command line shares it. */
export const CHAT_SERVER_OPTIONS = {
  port: count(1_337, 0, 65_535),
  heartbeat: milliseconds(30_000, { max: DAY }),
  pongTimeout: milliseconds(15_000, { max: DAY }),
  loginTimeout: milliseconds(120_000, { max: DAY }),
  transmissionBuffer: bytes(65_536, 1_024, 67_108_864),
};

/** What `limits` allows. */
export const CHAT_SERVER_LIMITS = {
  connections: count(1_000, 1, 1_000_000),
  lineBytes: bytes(4_096, 64, 1_048_576),
  linesPerSecond: count(20, 1, 1_000_000),
  burst: count(100, 1, 1_000_000),
  queueBytes: bytes(262_144, 1_024, 268_435_456),
};

/** What `stop({ grace })` allows. */
export const CHAT_GRACE = milliseconds(10_000, { min: 0 });

const NAMES = [
  "hostname",
  "greeting",
  ...Object.keys(CHAT_SERVER_OPTIONS),
  "limits",
  "monitor",
  "clock",
];

/** The options with every default filled in and every range checked. */
// deno-lint-ignore explicit-module-boundary-types explicit-function-return-type
export function checkChatServerOptions(options: ChatServerOptions) {
  checkNames("", options, NAMES);
  const {
    hostname,
    greeting,
    limits,
    monitor,
    clock,
    ...numbers
  } = options;
  const checked = checkNumbers("limits", limits, CHAT_SERVER_LIMITS);
  // What one line can set off must fit: the line, a command and a username.
  if (checked.queueBytes < checked.lineBytes + 64) {
    throw badOption(
      "limits.queueBytes",
      "at least 64 bytes more than limits.lineBytes",
      checked.queueBytes,
    );
  }
  return {
    hostname: checkHostname("hostname", hostname, "127.0.0.1"),
    greeting: checkGreeting(greeting),
    limits: checked,
    monitor: checkMonitor(monitor, checkClock(clock)),
    clock: checkClock(clock),
    ...checkNumbers("", numbers, CHAT_SERVER_OPTIONS),
  };
}

/** The checked options. */
export type ChatServerSettings = ReturnType<typeof checkChatServerOptions>;

function checkGreeting(given: string | undefined): string {
  const fallback = "Welcome. IDENT <username> logs in";
  const greeting = checkString("greeting", given, fallback);
  if (withoutControls(greeting) === greeting) return greeting;
  throw badOption("greeting", "one line without control characters", greeting);
}
