import type { RequestSignal } from "../server/signals.ts";
import type { RequestRow } from "./contract.ts";
import { percentileOf } from "./latency.ts";
import { bounded } from "./text.ts";

/** How many requests of a connection are kept. */
const REQUESTS_KEPT = 50;

const MINUTE = 60_000;

/** A connection's last requests: about 6 KB once there are fifty. */
export class RecentRequests {
  #rows: RequestRow[] = [];
  /** When each was heard of, on the clock that never jumps. */
  #heard: number[] = [];
  /** Where the oldest one is, once there are fifty. */
  #start = 0;

  /** Adds a request heard of `now`; the oldest makes room for it. */
  push(signal: RequestSignal, now: number): void {
    // The signal has twice the fields, and may be as long as a message.
    const row: RequestRow = {
      at: signal.at,
      path: bounded(signal.path),
      operation: bounded(signal.operation),
      status: bounded(signal.status),
      latency: signal.latency,
      bytesIn: signal.bytesIn,
      bytesOut: signal.bytesOut,
    };
    if (this.#rows.length < REQUESTS_KEPT) {
      this.#rows.push(row);
      this.#heard.push(now);
    } else {
      this.#rows[this.#start] = row;
      this.#heard[this.#start] = now;
      this.#start = (this.#start + 1) % REQUESTS_KEPT;
    }
  }

  /** The requests, newest first. */
  rows(): RequestRow[] {
    return [
      ...this.#rows.slice(this.#start),
      ...this.#rows.slice(0, this.#start),
    ].reverse();
  }

  /** The 99th percentile of their latency in ms; null without any. */
  p99(): number | null {
    return percentileOf(this.#rows.map(({ latency }) => latency), 99);
  }

  /**
   * Requests per second over the minute up to `now`. A connection that makes
   * over fifty a minute is judged by these fifty.
   */
  rate(now: number): number {
    const recent = this.#heard.filter((at) => now - at < MINUTE);
    const oldest = this.#heard[this.#start];
    if (recent.length < REQUESTS_KEPT || oldest === undefined) {
      return recent.length / (MINUTE / 1000);
    }
    return REQUESTS_KEPT / (Math.max(now - oldest, 1) / 1000);
  }
}
