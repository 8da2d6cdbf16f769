import { checkClock, type Clock } from "../../protocol/clock.ts";
import {
  bytes,
  checkFunction,
  checkHostname,
  checkNames,
  checkNumbers,
  count,
  milliseconds,
} from "../../protocol/options.ts";
import { checkMonitor } from "../check_monitor.ts";
import { checkOnHandlerError } from "../log/handler_errors.ts";
import type { Monitor } from "../monitor.ts";
import type { SegmentHandler, SegmentPeer } from "./handler.ts";
import type { SegmentServerStep } from "./steps.ts";

/** How a {@linkcode SegmentServer} is made. Times in ms, sizes in bytes. */
export interface SegmentServerOptions {
  /** Answers the messages; default: with the message itself. */
  handler?: SegmentHandler;
  /** The address to listen on, default `"127.0.0.1"`: this machine alone. */
  hostname?: string;
  /** The port, default 8888; 0 takes a free one, see `server.address`. */
  port?: number;
  /**
   * The size of an answer's block, default 65,535 bytes; a client that asks for
   * less gets less. The C client takes its own 4,096 for granted.
   */
  bufferSize?: number;
  /** How often a message may be sent again, by either side, default 3. */
  resends?: number;
  /** The pause from the second re-send of a handshake on, default 5,000 ms. */
  resendPause?: number;
  /** How long a handshake may take in all, default 30,000 ms. */
  handshakeTimeout?: number;
  /** The longest a client may go without a message, default 120,000 ms. */
  timeout?: number;
  /** How long a handler may take, default 30,000 ms. */
  deadline?: number;
  /** How long a client may take to judge an answer, default 10,000 ms. */
  statusTimeout?: number;
  /**
   * The pause after which a message counts as complete, default 10 ms: messages
   * have no length on the wire, and TCP may deliver them in parts.
   */
  settle?: number;
  /** What clients may use up. */
  limits?: {
    /** Open connections, default 20,000. */
    connections?: number;
    /**
     * Handshakes in progress, default 1,000; over it the oldest one is closed,
     * so that a flood of them shuts nobody out.
     */
    handshakes?: number;
    /** The largest buffer size that may be asked for, default 1,048,576 bytes. */
    bufferBytes?: number;
  };
  /** Sees the connections; default: one of the server's own. */
  monitor?: Monitor;
  /** Told each step of each client's. */
  onStep?: (step: SegmentServerStep) => void;
  /**
   * Told what a handler threw; its connection is closed. Default: it is printed
   * on the standard error with its stack, at most 100 a second; `() => {}`
   * prints nothing.
   */
  onHandlerError?: (error: unknown, peer: SegmentPeer) => void;
  /** What tells the time, default the machine's clock. */
  clock?: Clock;
  /** Gives numbers from 0 up to 1, default `Math.random`. */
  random?: () => number;
}

/** What the numeric options allow; the command line shares it. */
export const SEGMENT_SERVER_OPTIONS = {
  port: count(8_888, 0, 65_535),
  bufferSize: bytes(65_535, 17, 1_048_576),
  resends: count(3, 0, 100),
  resendPause: milliseconds(5_000, { min: 0 }),
  handshakeTimeout: milliseconds(30_000),
  timeout: milliseconds(120_000, { unlimited: true }),
  deadline: milliseconds(30_000),
  statusTimeout: milliseconds(10_000),
  settle: milliseconds(10, { max: 60_000 }),
};

/** What `limits` allows. */
export const SEGMENT_SERVER_LIMITS = {
  connections: count(20_000, 1, 1_000_000),
  handshakes: count(1_000, 1, 1_000_000),
  bufferBytes: bytes(1_048_576, 17, 16_777_216),
};

const NAMES = [
  "handler",
  "hostname",
  ...Object.keys(SEGMENT_SERVER_OPTIONS),
  "limits",
  "monitor",
  "onStep",
  "onHandlerError",
  "clock",
  "random",
];

/** The options with every default filled in and every range checked. */
// deno-lint-ignore explicit-module-boundary-types explicit-function-return-type
export function checkSegmentServerOptions(options: SegmentServerOptions) {
  checkNames("", options ?? null, NAMES);
  const {
    handler,
    hostname,
    limits,
    monitor,
    onStep,
    onHandlerError,
    clock,
    random,
    ...numbers
  } = options;
  return {
    handler: checkFunction("handler", handler),
    hostname: checkHostname("hostname", hostname, "127.0.0.1"),
    limits: checkNumbers("limits", limits, SEGMENT_SERVER_LIMITS),
    monitor: checkMonitor(monitor, checkClock(clock)),
    onStep: checkFunction("onStep", onStep),
    onHandlerError: checkOnHandlerError(onHandlerError),
    clock: checkClock(clock),
    random: checkFunction("random", random) ?? Math.random,
    ...checkNumbers("", numbers, SEGMENT_SERVER_OPTIONS),
  };
}

/** The checked options. */
export type SegmentServerSettings = ReturnType<
  typeof checkSegmentServerOptions
>;
