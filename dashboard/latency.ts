import { build, type Histogram } from "hdr-histogram-js";

/** An hour in microseconds; what takes longer counts as an hour. */
const LONGEST = 3_600_000_000;

/**
 * Latency percentiles, within 1% of the truth, from 14 KB however many values
 * there are.
 */
export class Latency {
  // Plain counters: the library's WebAssembly flavour has to be awaited and is
  // no faster for single values.
  #histogram: Histogram = build({
    bitBucketSize: 32,
    autoResize: false,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LONGEST,
    numberOfSignificantValueDigits: 2,
  });

  /** Adds a latency in ms. */
  record(latency: number): void {
    const micros = Math.round(latency * 1000);
    this.#histogram.recordValue(
      micros > 0 ? Math.min(micros, LONGEST) : 0,
    );
  }

  /** Adds all that another one holds. */
  add(other: Latency): void {
    if (other.#histogram.totalCount > 0) this.#histogram.add(other.#histogram);
  }

  /** A percentile, from 0 to 100, in ms; null if there are no values. */
  percentile(percentile: number): number | null {
    return this.#histogram.totalCount === 0
      ? null
      : this.#histogram.getValueAtPercentile(percentile) / 1000;
  }

  /** Forgets all values. */
  reset(): void {
    if (this.#histogram.totalCount > 0) this.#histogram.reset();
  }
}

/** One percentile of a few values in ms; null if there are none. */
export function percentileOf(
  latencies: readonly number[],
  percentile: number,
): number | null {
  const latency = new Latency();
  for (const value of latencies) latency.record(value);
  return latency.percentile(percentile);
}
