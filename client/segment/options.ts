import { checkClock, type Clock } from "../../protocol/clock.ts";
import {
  badOption,
  bytes,
  checkFunction,
  checkHostname,
  checkNames,
  checkNumber,
  checkNumbers,
  count,
  milliseconds,
} from "../../protocol/options.ts";
import { LARGEST_BUFFER, type Version } from "../../protocol/segment/header.ts";
import { type Dial, dialTcp } from "../dial.ts";
import type { SegmentClientStep, SegmentOfflineReason } from "./signals.ts";

/** How a {@linkcode SegmentClient} is made. Times in ms, sizes in bytes. */
export interface SegmentClientOptions {
  /** The server's address, default `"127.0.0.1"`. */
  hostname?: string;
  /** The server's port, default 8888. */
  port?: number;
  /** The version to speak, default 1, which every server understands. */
  version?: Version;
  /**
   * The largest block that an answer may come in, default 4,096 bytes; at most
   * 65,535 in version 1. The server may choose less.
   */
  bufferSize?: number;
  /** How often a message may be sent again, by either side, default 3. */
  resends?: number;
  /** The pause from the second re-send of a handshake on, default 5,000 ms. */
  resendPause?: number;
  /** How long dialling may take, default 10,000 ms. */
  connectTimeout?: number;
  /** How long a handshake may take in all, default 30,000 ms. */
  handshakeTimeout?: number;
  /** How long a message's answer may take to be settled, default 30,000 ms. */
  timeout?: number;
  /** What may be used up. */
  limits?: {
    /** Messages waiting for their answers, default 1,000. */
    queued?: number;
  };
  /** Called when a handshake is done. */
  onOnline?: () => void;
  /** Called when the connection is gone, with the reason. */
  onOffline?: (reason: SegmentOfflineReason) => void;
  /** Called at each step of a handshake and of an answer. */
  onStep?: (step: SegmentClientStep) => void;
  /** What tells the time, default the machine's clock. */
  clock?: Clock;
  /** Gives numbers from 0 up to 1, default `Math.random`. */
  random?: () => number;
  /** Opens connections, default TCP. */
  dial?: Dial;
}

/** What the numeric options allow; the command line shares it. */
export const SEGMENT_CLIENT_OPTIONS = {
  port: count(8_888, 1, 65_535),
  bufferSize: bytes(4_096, 17, 16_777_216),
  resends: count(3, 0, 100),
  resendPause: milliseconds(5_000, { min: 0 }),
  connectTimeout: milliseconds(10_000),
  handshakeTimeout: milliseconds(30_000),
  timeout: milliseconds(30_000),
};

/** What `version` allows. */
export const SEGMENT_VERSION = count(1, 1, 2);

/** What `limits` allows. */
export const SEGMENT_CLIENT_LIMITS = { queued: count(1_000, 1, 1_000_000) };

const NAMES = [
  "hostname",
  "version",
  ...Object.keys(SEGMENT_CLIENT_OPTIONS),
  "limits",
  "onOnline",
  "onOffline",
  "onStep",
  "clock",
  "random",
  "dial",
];

/** The options with every default filled in and every range checked. */
// deno-lint-ignore explicit-module-boundary-types explicit-function-return-type
export function checkSegmentClientOptions(options: SegmentClientOptions) {
  checkNames("", options ?? null, NAMES);
  const {
    hostname,
    version: givenVersion,
    limits,
    onOnline,
    onOffline,
    onStep,
    clock,
    random,
    dial,
    ...numbers
  } = options;
  const version = checkNumber("version", givenVersion, SEGMENT_VERSION);
  const checked = checkNumbers("", numbers, SEGMENT_CLIENT_OPTIONS);
  if (version === 1 && checked.bufferSize > LARGEST_BUFFER[1]) {
    const requirement = "at most 65,535 bytes in version 1";
    throw badOption("bufferSize", requirement, checked.bufferSize);
  }
  return {
    hostname: checkHostname("hostname", hostname, "127.0.0.1"),
    version: version as Version,
    limits: checkNumbers("limits", limits, SEGMENT_CLIENT_LIMITS),
    onOnline: checkFunction("onOnline", onOnline),
    onOffline: checkFunction("onOffline", onOffline),
    onStep: checkFunction("onStep", onStep),
    clock: checkClock(clock),
    random: checkFunction("random", random) ?? Math.random,
    dial: checkFunction("dial", dial) ?? dialTcp,
    ...checked,
  };
}

/** The checked options. */
export type SegmentClientSettings = ReturnType<
  typeof checkSegmentClientOptions
>;
