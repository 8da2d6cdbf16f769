import type { Sample } from "../../contract.ts";

/** Samples are two seconds apart; more than this, in ms, is a gap. */
const GAP = 5000;

/** A column of a chart: null where nothing is known. */
export type Values = (number | null)[];

/**
 * Samples as uPlot wants them: times in seconds, then a column for each
 * `pick`. Where samples are missing, a null breaks the line.
 */
export function series(
  samples: readonly Sample[],
  ...picks: ((sample: Sample) => number | null)[]
): [number[], ...Values[]] {
  const times: number[] = [];
  const columns: Values[] = picks.map(() => []);
  let before = Infinity;
  for (const sample of samples) {
    if (sample.at - before > GAP) {
      times.push((before + 1) / 1000);
      for (const column of columns) column.push(null);
    }
    before = sample.at;
    times.push(sample.at / 1000);
    picks.forEach((pick, i) => columns[i]?.push(pick(sample)));
  }
  return [times, ...columns];
}

/**
 * Sums per `width` ms, aligned to the clock so that bars do not wander. A sum
 * of zero is null: nothing is drawn for it, not even a hairline.
 */
export function buckets(
  samples: readonly Sample[],
  width: number,
  ...picks: ((sample: Sample) => number)[]
): [number[], ...Values[]] {
  const sums = new Map<number, number[]>();
  for (const sample of samples) {
    const start = Math.floor((sample.at - 1) / width) * width;
    const row = sums.get(start) ?? picks.map(() => 0);
    picks.forEach((pick, i) => row[i] = (row[i] ?? 0) + pick(sample));
    sums.set(start, row);
  }
  const starts = [...sums.keys()];
  return [
    starts.map((start) => (start + width / 2) / 1000),
    ...picks.map((_, i) => starts.map((start) => sums.get(start)?.[i] || null)),
  ];
}

/** Where a value stands alone, so that no line shows it. */
export function lone(values: ArrayLike<number | null | undefined>): number[] {
  const known = (i: number) => typeof values[i] === "number";
  return Array.from(values, (_, i) => i)
    .filter((i) => known(i) && !known(i - 1) && !known(i + 1));
}

/** The largest value, 0 without any. */
export const largest = (...columns: (readonly (number | null)[])[]): number => {
  let max = 0;
  for (const column of columns) {
    for (const value of column) if (value !== null && value > max) max = value;
  }
  return max;
};

/** The smallest value above zero, or null. */
export const smallest = (
  ...columns: (readonly (number | null)[])[]
): number | null => {
  let min = Infinity;
  for (const column of columns) {
    for (const value of column) {
      if (value !== null && value > 0 && value < min) min = value;
    }
  }
  return min === Infinity ? null : min;
};

/** For the sentence of a chart: `9 to 14, now 11`. */
export function span(
  values: readonly (number | null)[],
  format: (n: number) => string,
): string {
  const known = values.filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) return "no data yet";
  const low = known.reduce((a, b) => Math.min(a, b));
  const high = known.reduce((a, b) => Math.max(a, b));
  return `${format(low)} to ${format(high)}, now ${format(last)}`;
}
