import { checkClock, type Clock } from "../../protocol/clock.ts";
import {
  badOption,
  checkFunction,
  checkHostname,
  checkNames,
  checkNumbers,
  count,
  milliseconds,
} from "../../protocol/options.ts";
import { MODES, type PacketMode } from "../../protocol/packet/handshake.ts";
import {
  PACKET_LIMITS,
  PACKET_OPTIONS,
} from "../../protocol/packet/options.ts";
import { type Dial, dialTcp } from "../dial.ts";
import type { PacketOfflineReason } from "./signals.ts";

/** How a {@linkcode PacketClient} is made. Times in ms, sizes in bytes. */
export interface PacketClientOptions {
  /** The server's address, default `"127.0.0.1"`. */
  hostname?: string;
  /** The server's port, default 5000. */
  port?: number;
  /** How data is sent, default `"step-by-step"`. */
  mode?: PacketMode;
  /** Who to say that one is: 1 to 256 characters; default: nobody. */
  clientId?: string;
  /** The most a data packet may carry, default 1,024 bytes. */
  maxSize?: number;
  /** The largest window of a burst, default 32 packets. */
  windowSize?: number;
  /** How long the server may be silent, default 60,000 ms. */
  timeout?: number;
  /** How long to be silent before sending a keep-alive, default 20,000 ms. */
  keepAlive?: number;
  /** How long to wait for an acknowledgement, default 2,000 ms. */
  ackTimeout?: number;
  /** How long dialling may take, default 10,000 ms. */
  connectTimeout?: number;
  /** How long the handshake may take after that, default 10,000 ms. */
  handshakeTimeout?: number;
  /** How often a packet is sent again, default 3 times. */
  maxRetransmissions?: number;
  /** The most read at once, default 65,536 bytes. */
  recvBuffer?: number;
  /** The most written at once, default 2,097,152 bytes. */
  transmissionBuffer?: number;
  /** What may be used up. */
  limits?: {
    /** A message put together from its fragments, default 16,777,216 bytes. */
    messageBytes?: number;
    /** Messages that are not acknowledged, default 1,000. */
    queued?: number;
    /** The bytes of those, default 67,108,864. */
    queuedBytes?: number;
  };
  /** Called with each message from the server, in their order. */
  onMessage?: (message: Uint8Array) => void;
  /** Called at each transition to online. */
  onOnline?: () => void;
  /** Called at each transition to offline, with the reason. */
  onOffline?: (reason: PacketOfflineReason) => void;
  /** What tells the time, default the machine's clock. */
  clock?: Clock;
  /** Opens connections, default TCP. */
  dial?: Dial;
}

/** What the numeric options allow; the command line shares it. */
export const PACKET_CLIENT_OPTIONS = {
  port: count(5_000, 1, 65_535),
  connectTimeout: milliseconds(10_000),
  ...PACKET_OPTIONS,
};

const LONGEST_ID = 256;

const NAMES = [
  "hostname",
  "mode",
  "clientId",
  ...Object.keys(PACKET_CLIENT_OPTIONS),
  "limits",
  "onMessage",
  "onOnline",
  "onOffline",
  "clock",
  "dial",
];

/** The options with every default filled in and every range checked. */
// deno-lint-ignore explicit-module-boundary-types explicit-function-return-type
export function checkPacketClientOptions(options: PacketClientOptions) {
  checkNames("", options ?? null, NAMES);
  const {
    hostname,
    mode = "step-by-step",
    clientId,
    limits,
    onMessage,
    onOnline,
    onOffline,
    clock,
    dial,
    ...numbers
  } = options;
  if (!MODES.includes(mode)) {
    throw badOption("mode", '"step-by-step" or "burst"', mode);
  }
  if (
    clientId !== undefined &&
    (typeof clientId !== "string" || clientId === "" ||
      clientId.length > LONGEST_ID)
  ) throw badOption("clientId", "a string of 1 to 256 characters", clientId);
  return {
    hostname: checkHostname("hostname", hostname, "127.0.0.1"),
    mode,
    clientId,
    limits: checkNumbers("limits", limits, PACKET_LIMITS),
    onMessage: checkFunction("onMessage", onMessage),
    onOnline: checkFunction("onOnline", onOnline),
    onOffline: checkFunction("onOffline", onOffline),
    clock: checkClock(clock),
    dial: checkFunction("dial", dial) ?? dialTcp,
    ...checkNumbers("", numbers, PACKET_CLIENT_OPTIONS),
  };
}

/** The checked options. */
export type PacketClientSettings = ReturnType<typeof checkPacketClientOptions>;
