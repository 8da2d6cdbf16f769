import type { Signal } from "../server/signals.ts";

/** How many different labels one total tells apart. */
const LABELS = 64;

/** A count for each label; labels beyond the first 64 share `"other"`. */
export class Total {
  #counts = new Map<string, { count: number }>();
  /** The counter used last: nearly always it is the next one too. */
  #label: string | undefined;
  #last = { count: 0 };

  /** Counts one more, or so many. */
  add(label: string, count = 1): void {
    if (label !== this.#label) {
      this.#last = this.#counter(label);
      this.#label = label;
    }
    this.#last.count += count;
  }

  /** The labels and their counts. */
  entries(): [string, number][] {
    return Array.from(this.#counts, ([label, { count }]) => [label, count]);
  }

  #counter(label: string): { count: number } {
    const known = this.#counts.get(label);
    if (known) return known;
    if (this.#counts.size >= LABELS && label !== "other") {
      return this.#counter("other");
    }
    const counter = { count: 0 };
    this.#counts.set(label, counter);
    return counter;
  }
}

/** The upper bounds of the latency histogram, in ms. */
export const BOUNDS = [
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1_000,
  2_500,
  10_000,
  60_000,
];

/**
 * Latencies counted by bounds, as Prometheus wants them. A tenth of the cost
 * of its client's own histogram, which looks labels up that there are not.
 */
export class Buckets {
  /** How many were at most each bound and over the one before; then the rest. */
  readonly counts: number[] = [...BOUNDS, Infinity].map(() => 0);
  /** All of them together, in ms. */
  sum = 0;

  /** Counts a latency in ms. */
  add(latency: number): void {
    let bucket = 0;
    while (latency > BOUNDS[bucket]!) bucket++;
    this.counts[bucket]!++;
    this.sum += latency;
  }
}

/** What has happened since the start, for `/metrics`. */
export class Totals {
  readonly online = new Total();
  readonly offline = new Total();
  readonly requests = new Total();
  readonly latencies = new Buckets();
  readonly failures = new Total();
  readonly limits = new Total();
  timeouts = 0;
  repeated = 0;
  bytesIn = 0;
  bytesOut = 0;

  /** Counts a signal. */
  add(signal: Signal): void {
    switch (signal.kind) {
      case "request":
        this.requests.add(signal.status);
        this.latencies.add(signal.latency);
        this.bytesIn += signal.bytesIn;
        this.bytesOut += signal.bytesOut;
        if (signal.repeated) this.repeated++;
        return;
      case "online":
        return this.online.add(signal.wire);
      case "offline":
        return this.offline.add(signal.reason);
      case "failure":
        return this.failures.add(signal.code);
      case "limit":
        return this.limits.add(signal.limit, signal.count);
      case "timeout":
        this.timeouts++;
    }
  }
}
