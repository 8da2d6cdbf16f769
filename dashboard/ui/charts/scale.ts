/** Maxima whose half reads well too. */
const STEPS = [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10];

/** The next round number at or above `max` whose half is whole, at least 2. */
export function roundUp(max: number): number {
  if (max <= 2) return 2;
  const size = 10 ** Math.floor(Math.log10(max));
  for (const step of STEPS) {
    const round = Math.round(step * size * 10) / 10;
    if (round >= max && round % 2 === 0) return round;
  }
  return size * 10;
}

/** The decades around `min` and `max`: at most three, so four gridlines. */
export function decades(min: number, max: number): [number, number] {
  const high = Math.max(0, Math.ceil(Math.log10(max) - 1e-9));
  const low = Math.floor(Math.log10(min) + 1e-9);
  return [Math.max(Math.min(low, high - 2), high - 5), high];
}

/** The powers of ten to draw between two exponents: four at most. */
export function decadeSplits([low, high]: readonly [number, number]): number[] {
  const every = high - low > 3 ? 2 : 1;
  const splits: number[] = [];
  for (let e = low; e <= high; e += every) splits.push(10 ** e);
  return splits;
}

/** A limit that grows at once and shrinks only after a while. */
export interface Ceiling {
  readonly value: number;
  /** Since when less would do, in ms; null while it would not. */
  readonly since: number | null;
}

/** How long a smaller maximum must do before the axis shrinks, in ms. */
const PATIENCE = 60_000;

/** The ceiling after `wanted` was asked for at `now`. */
export function ceiling(
  before: Ceiling | null,
  wanted: number,
  now: number,
): Ceiling {
  if (before === null || wanted > before.value) {
    return { value: wanted, since: null };
  }
  if (wanted === before.value) return { value: wanted, since: null };
  const since = before.since ?? now;
  return now - since >= PATIENCE
    ? { value: wanted, since: null }
    : { value: before.value, since };
}

/**
 * Where labels go so that they do not overlap: at least `gap` apart, in their
 * order, as near as possible to where they belong, and not below `bottom`. Of
 * two at one height the later is put above: a p99 is never below a p50.
 */
export function pushApart(
  wanted: readonly number[],
  gap: number,
  bottom: number,
): number[] {
  const order = wanted.map((_, i) => i)
    .sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0) || b - a);
  const placed = [...wanted];
  let limit = -Infinity;
  for (const i of order) {
    placed[i] = Math.max(wanted[i] ?? 0, limit);
    limit = (placed[i] ?? 0) + gap;
  }
  limit = bottom;
  for (const i of order.reverse()) {
    placed[i] = Math.min(placed[i] ?? 0, limit);
    limit = (placed[i] ?? 0) - gap;
  }
  return placed;
}

/** A lane's scale in one plot of several: its zero and top within the whole. */
export function laneRange(
  lane: number,
  lanes: number,
  max: number,
): [number, number] {
  const base = (lanes - 1 - lane) / lanes;
  const all = Math.max(1, max) / (0.78 / lanes);
  return [-base * all, (1 - base) * all];
}
