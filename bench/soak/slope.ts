/** A value at a time, in seconds. */
export interface Sample {
  readonly at: number;
  readonly value: number;
}

/** How fast something grows, in its unit per second. */
export interface Slope {
  readonly slope: number;
  /** Half the width of the slope's 95% interval. */
  readonly margin: number;
  /** The middle of the values. */
  readonly level: number;
}

/**
 * The line through some samples, by least squares. Neighbours are alike, which
 * makes a slope look surer than it is: the interval is that of as many samples
 * as tell anything new, from the correlation of each residual with the next.
 */
export function slopeOf(samples: readonly Sample[]): Slope {
  const times = samples.map(({ at }) => at);
  const values = samples.map(({ value }) => value);
  const [time, level] = [mean(times), mean(values)];
  const spread = sum(times, (at) => (at - time) ** 2);
  const slope = sum(
    samples,
    ({ at, value }) => (at - time) * (value - level),
  ) / spread;
  const residuals = samples.map(({ at, value }) =>
    value - level - slope * (at - time)
  );
  const square = sum(residuals, (one) => one ** 2);
  const next = sum(residuals.slice(1), (one, i) => one * residuals[i]!);
  const alike = square === 0 ? 0 : Math.max(0, next / square);
  const count = Math.max(3, samples.length * (1 - alike) / (1 + alike));
  // Student's t for 95%, to a percent from three samples more on.
  const t = 1.96 + 2.5 / (count - 2);
  const deviation = Math.sqrt(square / (count - 2) / spread);
  return { slope, margin: t * deviation, level };
}

/** The middle value of each run of so many samples, at its middle time. */
export function thinned(samples: readonly Sample[], by: number): Sample[] {
  return Array.from({ length: Math.floor(samples.length / by) }, (_, i) => {
    const run = samples.slice(i * by, (i + 1) * by);
    const sorted = run.toSorted((a, b) => a.value - b.value);
    return {
      at: mean(run.map(({ at }) => at)),
      value: sorted[Math.floor(by / 2)]!.value,
    };
  });
}

function mean(values: readonly number[]): number {
  return sum(values, (value) => value) / values.length;
}

function sum<T>(
  values: readonly T[],
  of: (value: T, index: number) => number,
): number {
  return values.reduce((all, value, i) => all + of(value, i), 0);
}
