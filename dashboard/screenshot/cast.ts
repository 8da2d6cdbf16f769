/** Who is in the README's picture, and what befell them. */
import type { OfflineReason } from "../../server/signals.ts";

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A peer of the story. */
export interface Character {
  readonly name?: string;
  readonly address: string;
  readonly wire: string;
  /** How long it has been there at the end, in ms. */
  readonly since: number;
  /** Requests per second. */
  readonly rate: number;
  /** Its usual latency in ms. */
  readonly latency: number;
  readonly requests: number;
  readonly failures: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** For how long it has been silent at the end, in ms. */
  readonly idle?: number;
  readonly timeout?: number;
  readonly active?: number;
}

/** Who is there. */
// deno-fmt-ignore
export const CAST: readonly Character[] = [
  { name: "cnc-mill-a", address: "10.0.4.21:40112", wire: "session", since: 6 * DAY + 4 * HOUR, rate: 62, latency: 0.38, requests: 1_904_377, failures: 12, bytesIn: 812e6, bytesOut: 2.41e9 },
  { name: "plc-line-4", address: "10.0.4.40:33018", wire: "packet", since: DAY + 7 * HOUR, rate: 48, latency: 0.42, requests: 402_118, failures: 0, bytesIn: 96.4e6, bytesOut: 31e6, timeout: 60_000 },
  { name: "scale-west", address: "10.0.4.33:58820", wire: "classic", since: 3 * HOUR + 2 * MINUTE, rate: 21, latency: 1.1, requests: 21_940, failures: 0, bytesIn: 5.13e6, bytesOut: 6.02e6, timeout: 120_000 },
  { name: "press-07", address: "10.0.4.17:51544", wire: "session", since: 2 * HOUR + 14 * MINUTE, rate: 40, latency: 0.41, requests: 48_201, failures: 3, bytesIn: 14.2e6, bytesOut: 61.8e6, active: 2 },
  { name: "dock-cam-3", address: "10.0.4.61:39984", wire: "classic", since: HOUR + 51 * MINUTE, rate: 0, latency: 0.52, requests: 8_455, failures: 0, bytesIn: 2.21e6, bytesOut: 640e3, idle: 21_000, timeout: 120_000 },
  { name: "hvac-roof", address: "10.0.6.4:51002", wire: "classic", since: HOUR + 20 * MINUTE, rate: 0, latency: 1.9, requests: 160, failures: 2, bytesIn: 41.6e3, bytesOut: 58.2e3, idle: 105_000, timeout: 120_000 },
  { address: "10.0.4.52:44210", wire: "classic", since: 31 * MINUTE, rate: 0, latency: 1.4, requests: 62, failures: 0, bytesIn: 16.1e3, bytesOut: 22.5e3, idle: 48_000, timeout: 120_000 },
  { name: "agv-11", address: "10.0.5.11:49731", wire: "session", since: 4 * MINUTE + 10 * SECOND, rate: 13, latency: 2.6, requests: 3_110, failures: 41, bytesIn: 2.9e6, bytesOut: 7.75e6 },
  { name: "grace", address: "10.0.7.14:60418", wire: "chat", since: MINUTE + 27 * SECOND, rate: 0, latency: 0.31, requests: 27, failures: 1, bytesIn: 2.2e3, bytesOut: 48e3, idle: 33_000, timeout: 300_000 },
  { name: "ada", address: "10.0.7.9:60122", wire: "chat", since: 2 * SECOND, rate: 0, latency: 0.29, requests: 3, failures: 0, bytesIn: 214, bytesOut: 1_120, idle: 1_000, timeout: 300_000 },
];

/** Who has left, how long before the end, in ms. */
// deno-fmt-ignore
export const LEFT: readonly (Character & { readonly ago: number; readonly reason: OfflineReason })[] = [
  { name: "line-2-probe", address: "10.0.4.90:41200", wire: "session", since: 15 * MINUTE, ago: 9 * MINUTE, reason: "peer-closed", rate: 6, latency: 0.6, requests: 2_160, failures: 0, bytesIn: 1e6, bytesOut: 1e6 },
  { name: "line-3-probe", address: "10.0.4.91:41201", wire: "session", since: 11 * MINUTE, ago: 8 * MINUTE, reason: "peer-reset", rate: 6, latency: 0.6, requests: 1_010, failures: 0, bytesIn: 1e6, bytesOut: 1e6 },
  { address: "10.0.9.200:41876", wire: "classic", since: 2 * MINUTE + 55 * SECOND, ago: 2 * MINUTE + 54 * SECOND, reason: "bad-token", rate: 0, latency: 0, requests: 0, failures: 1, bytesIn: 140, bytesOut: 0 },
  { name: "agv-09", address: "10.0.5.9:49102", wire: "session", since: 14 * MINUTE, ago: 66 * SECOND, reason: "peer-reset", rate: 9, latency: 1.2, requests: 7_022, failures: 4, bytesIn: 4.7e6, bytesOut: 12.3e6 },
  { name: "label-printer", address: "10.0.4.71:50190", wire: "classic", since: 14 * MINUTE, ago: 12 * SECOND, reason: "timeout", rate: 0, latency: 2, requests: 88, failures: 0, bytesIn: 22.9e3, bytesOut: 31.7e3, timeout: 120_000 },
];

/** Failures before the end: how long, in ms, whose, and what. */
export const FAILURES:
  readonly (readonly [number, string, string, string, string])[] = [
    [13 * MINUTE, "press-07", "DEADLINE", "READ", "/FORCE"],
    [8 * MINUTE + 20_000, "agv-09", "HANDLER_FAILED", "UPDATE", "/ROUTE"],
    [8 * MINUTE, "agv-09", "HANDLER_FAILED", "UPDATE", "/ROUTE"],
    [3 * MINUTE + 48_000, "hvac-roof", "DEADLINE", "READ", "/FANS"],
    [2 * MINUTE, "agv-11", "NOT_FOUND", "READ", "/DOCK/9"],
    [24_000, "agv-11", "HANDLER_FAILED", "UPDATE", "/ROUTE"],
  ];
