import type { Clock } from "../protocol/clock.ts";
import type { Figures, Sample } from "./contract.ts";
import { Latency } from "./latency.ts";

/** A sample's interval, in ms. */
const INTERVAL = 2_000;
/** How many samples are kept: 15 minutes of them. */
const SAMPLES_KEPT = 450;
/** How many intervals the figures reach back: ten seconds. */
const FIGURES_OVER = 5;
/** How many intervals make a minute. */
const MINUTE = 30;

/** What is counted besides requests. */
export type Counted = "offline" | "timeout" | "failure";

/** One interval's counts. */
class Interval {
  readonly latency = new Latency();
  requests = 0;
  bytes = 0;
  offline = 0;
  timeout = 0;
  failure = 0;

  reset(): void {
    this.latency.reset();
    this.requests = this.bytes = 0;
    this.offline = this.timeout = this.failure = 0;
  }
}

/**
 * Counts by intervals of two seconds. It has no timer: an interval ends when
 * somebody counts or asks after its time, so an idle server does nothing.
 */
export class Sampler {
  #clock: Clock;
  #connections = 0;
  #peak: { connections: number; at: number };
  #samples: Sample[] = [];
  #made = 0;
  #current = new Interval();
  /** The intervals before the current one that the figures still reach. */
  #before: Interval[] = [];
  /** The latencies of all of those. */
  #recent = new Latency();
  /** When the current interval ends, on the clock that never jumps. */
  #ends: number;
  /** Between these wall times it surely has not ended: no need to look. */
  #sureFrom = 0;
  #sureUntil = 0;

  constructor(clock: Clock, connections: number) {
    this.#clock = clock;
    this.#connections = connections;
    this.#peak = { connections, at: clock.wall() };
    this.#ends = clock.now() + INTERVAL;
  }

  /** A request has its answer, at `at` ms since the epoch. */
  request(at: number, latency: number, bytes: number): void {
    if (at < this.#sureFrom || at >= this.#sureUntil) this.roll();
    this.#current.requests++;
    this.#current.bytes += bytes;
    this.#current.latency.record(latency);
  }

  /** Something else has happened. */
  count(what: Counted): void {
    this.roll();
    this.#current[what]++;
  }

  /** The number of connections has changed. */
  connections(count: number): void {
    this.roll();
    this.#connections = count;
    if (count > this.#peak.connections) {
      this.#peak = { connections: count, at: this.#clock.wall() };
    }
  }

  /** How many samples there have been. */
  get made(): number {
    this.roll();
    return this.#made;
  }

  /**
   * The kept ones of the samples from number `first` to before number `end`,
   * oldest first. Numbers, as the wall clock that `at` is of can be set back.
   */
  samples(first = 0, end: number = this.made): Sample[] {
    const before = this.made - this.#samples.length;
    return this.#samples.slice(
      Math.max(0, first - before),
      Math.max(0, end - before),
    );
  }

  /** The tiles, over the last eight to ten seconds. */
  figures(): Figures {
    this.roll();
    const begun = this.#clock.now() - (this.#ends - INTERVAL);
    const time = (this.#before.length * INTERVAL + begun) / 1000;
    const intervals = [...this.#before, this.#current];
    const sum = (key: "requests" | "bytes") =>
      intervals.reduce((total, each) => total + each[key], 0);
    const latency = new Latency();
    latency.add(this.#recent);
    latency.add(this.#current.latency);
    // Right after the start a few ms would make a rate of thousands.
    const seconds = Math.max(time, 1);
    return {
      connections: this.#connections,
      peak: this.#peak,
      requests: sum("requests") / seconds,
      bytes: sum("bytes") / seconds,
      p50: latency.percentile(50),
      p99: latency.percentile(99),
      timeouts: this.#lastMinute("timeout"),
      failures: this.#lastMinute("failure"),
    };
  }

  /** Ends the intervals whose time is over. */
  roll(): void {
    const now = this.#clock.now();
    const wall = this.#clock.wall();
    if (now < this.#ends) {
      this.#sureFrom = wall;
      this.#sureUntil = wall + (this.#ends - now);
      return;
    }
    // After a long silence only the part that is shown is worth making; what
    // was counted before it ends up in the one sample too many.
    const skipped = Math.floor((now - this.#ends) / INTERVAL) - SAMPLES_KEPT;
    if (skipped > 0) this.#ends += skipped * INTERVAL;
    for (; this.#ends <= now; this.#ends += INTERVAL) {
      this.#end(wall - (now - this.#ends));
    }
  }

  #end(at: number): void {
    const { requests, bytes, latency, offline, timeout, failure } =
      this.#current;
    const seconds = INTERVAL / 1000;
    this.#made++;
    this.#samples.push({
      at: Math.round(at),
      connections: this.#connections,
      requests: requests / seconds,
      bytes: bytes / seconds,
      p50: latency.percentile(50),
      p90: latency.percentile(90),
      p99: latency.percentile(99),
      offline,
      timeout,
      failure,
    });
    if (this.#samples.length > SAMPLES_KEPT) this.#samples.shift();
    this.#before.push(this.#current);
    this.#current = this.#before.length < FIGURES_OVER
      ? new Interval()
      : this.#before.shift()!;
    this.#current.reset();
    this.#recent.reset();
    for (const each of this.#before) this.#recent.add(each.latency);
  }

  #lastMinute(what: "timeout" | "failure"): number {
    return this.#samples.slice(1 - MINUTE)
      .reduce((total, each) => total + each[what], this.#current[what]);
  }
}
