/** What stands for a value that is not known: never a zero. */
export const UNKNOWN = "–";

/** A number and its unit, for places that set them in different sizes. */
export interface Measure {
  readonly value: string;
  readonly unit: string;
}

/** Three significant digits, never more decimals than that leaves. */
function three(n: number): string {
  return n < 9.995 ? n.toFixed(2) : n < 99.95 ? n.toFixed(1) : n.toFixed(0);
}

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const SHORT: [number, string][] = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];

function shorten(n: number): string {
  for (const [size, unit] of SHORT) {
    // Rounding must not give `1000k` where `1.0M` is meant.
    if (n >= size * 0.9995) {
      const scaled = n / size;
      return (scaled < 99.95 ? scaled.toFixed(1) : scaled.toFixed(0)) + unit;
    }
  }
  return GROUPED.format(n);
}

/** Grouped digits: `1,904,377`. */
export const exact = (n: number): string => GROUPED.format(n);

/** A count: grouped up to 9,999,999, then `19.0M`. */
export const count = (n: number): string => n < 1e7 ? exact(n) : shorten(n);

/** A chip's count: shortened from 1,000. */
export const chipCount = (n: number): string =>
  n < 1000 ? String(n) : shorten(n);

/** A rate: one decimal below 10, `<0.1`, shortened from 10,000. */
export function rate(n: number): string {
  if (n >= 1e4) return shorten(n);
  // One request a minute is not none.
  if (n > 0 && n < 0.05) return "<0.1";
  if (n > 0 && n < 9.95) return n.toFixed(1);
  return exact(n);
}

const BYTES: [number, string][] = [
  [1e12, "TB"],
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
];

/** Decimal bytes, three digits: `140 B`, `9.40 kB`, `2.41 GB`. */
export function byteMeasure(n: number): Measure {
  for (const [size, unit] of BYTES) {
    if (n >= size * 0.9995) return { value: three(n / size), unit };
  }
  return { value: String(Math.round(n)), unit: "B" };
}

/** See {@linkcode byteMeasure}. */
export function bytes(n: number): string {
  const { value, unit } = byteMeasure(n);
  return `${value} ${unit}`;
}

/** Latency: `<0.01 ms`, `0.42 ms`, `6.2 ms`, `186 ms`, `12.4 s`. */
export function latencyMeasure(ms: number | null): Measure {
  if (ms === null) return { value: UNKNOWN, unit: "" };
  // An answer always takes time, if less than can be shown.
  if (ms < 0.005) return { value: "<0.01", unit: "ms" };
  if (ms < 0.995) return { value: ms.toFixed(2), unit: "ms" };
  if (ms < 99.95) return { value: ms.toFixed(1), unit: "ms" };
  if (ms < 9999.5) return { value: ms.toFixed(0), unit: "ms" };
  return { value: (ms / 1000).toFixed(1), unit: "s" };
}

/** See {@linkcode latencyMeasure}. */
export function latency(ms: number | null): string {
  const { value, unit } = latencyMeasure(ms);
  return unit ? `${value} ${unit}` : value;
}

/** `1 request`, `2 requests`. */
export const plural = (n: number, noun: string): string =>
  `${exact(n)} ${noun}${n === 1 ? "" : "s"}`;
