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
import {
  PACKET_LIMITS,
  PACKET_OPTIONS,
} from "../../protocol/packet/options.ts";
import { checkMonitor } from "../check_monitor.ts";
import { checkOnHandlerError } from "../log/handler_errors.ts";
import type { Monitor } from "../monitor.ts";
import type { PacketHandler, PacketHandlerErrorInfo } from "./handler.ts";

/** How a {@linkcode PacketServer} is made. Times in ms, sizes in bytes. */
export interface PacketServerOptions {
  /** Takes the messages; default: none does, they are acknowledged alone. */
  handler?: PacketHandler;
  /** The address to listen on, default `"127.0.0.1"`: this machine alone. */
  hostname?: string;
  /** The port, default 5000; 0 takes a free one, see `server.address`. */
  port?: number;
  /** The most a data packet may carry, default 1,024 bytes. */
  maxSize?: number;
  /** The largest window of a burst, default 32 packets. */
  windowSize?: number;
  /** How long a peer may be silent, default 60,000 ms. */
  timeout?: number;
  /** How long to be silent before sending a keep-alive, default 20,000 ms. */
  keepAlive?: number;
  /** How long to wait for an acknowledgement, default 2,000 ms. */
  ackTimeout?: number;
  /** How long a handshake may take, default 10,000 ms. */
  handshakeTimeout?: number;
  /** How often a packet is sent again, default 3 times. */
  maxRetransmissions?: number;
  /** The most read at once, default 65,536 bytes. */
  recvBuffer?: number;
  /** The most written at once, default 2,097,152 bytes. */
  transmissionBuffer?: number;
  /** What peers may use up. */
  limits?: {
    /** Open connections, default 20,000. */
    connections?: number;
    /** A message put together from its fragments, default 16,777,216 bytes. */
    messageBytes?: number;
    /**
     * Messages of one connection that wait for the handler, default 4,194,304
     * bytes; with more, the connection is not read from.
     */
    unhandledBytes?: number;
    /** Messages to one peer that are not acknowledged, default 1,000. */
    queued?: number;
    /** The bytes of those, default 67,108,864. */
    queuedBytes?: number;
  };
  /** Sees the connections; default: one of the server's own. */
  monitor?: Monitor;
  /**
   * Told what a handler threw. Default: it is printed on the standard error
   * with its stack, at most 100 a second; `() => {}` prints nothing.
   */
  onHandlerError?: (error: unknown, info: PacketHandlerErrorInfo) => void;
  /** What tells the time, default the machine's clock. */
  clock?: Clock;
  /** Names sessions, default `crypto.randomUUID`. */
  newSession?: () => string;
}

/** What the numeric options allow; the command line shares it. */
export const PACKET_SERVER_OPTIONS = {
  port: count(5_000, 0, 65_535),
  ...PACKET_OPTIONS,
};

/** What `limits` allows. */
export const PACKET_SERVER_LIMITS = {
  connections: count(20_000, 1, 1_000_000),
  ...PACKET_LIMITS,
  unhandledBytes: bytes(4_194_304, 1_024, 268_435_456),
};

/** What `stop({ grace })` allows. */
export const PACKET_GRACE = milliseconds(10_000, { min: 0 });

const NAMES = [
  "handler",
  "hostname",
  ...Object.keys(PACKET_SERVER_OPTIONS),
  "limits",
  "monitor",
  "onHandlerError",
  "clock",
  "newSession",
];

/** The options with every default filled in and every range checked. */
// deno-lint-ignore explicit-module-boundary-types explicit-function-return-type
export function checkPacketServerOptions(options: PacketServerOptions) {
  checkNames("", options ?? null, NAMES);
  const {
    handler,
    hostname,
    limits,
    monitor,
    onHandlerError,
    clock,
    newSession,
    ...numbers
  } = options;
  return {
    handler: checkFunction("handler", handler) ?? (() => {}),
    hostname: checkHostname("hostname", hostname, "127.0.0.1"),
    limits: checkNumbers("limits", limits, PACKET_SERVER_LIMITS),
    monitor: checkMonitor(monitor, checkClock(clock)),
    onHandlerError: checkOnHandlerError(onHandlerError),
    clock: checkClock(clock),
    newSession: checkFunction("newSession", newSession) ??
      (() => crypto.randomUUID()),
    ...checkNumbers("", numbers, PACKET_SERVER_OPTIONS),
  };
}

/** The checked options. */
export type PacketServerSettings = ReturnType<typeof checkPacketServerOptions>;
