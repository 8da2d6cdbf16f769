import type { Sample } from "../../contract.ts";

/** Sixty seconds of two. */
const POINTS = 30;
const WIDTH = 48;
const HEIGHT = 18;
/** Where ticks stand, on a pixel. */
const BASE = HEIGHT - 1.5;

/** The last minute as a line, or for events as ticks. Decorative. */
export function Sparkline({ samples, pick, ticks = false }: {
  readonly samples: readonly Sample[];
  readonly pick: (sample: Sample) => number | null;
  readonly ticks?: boolean;
}) {
  const values = samples.slice(-POINTS).map(pick);
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {ticks && <path class="base" d={`M0 ${BASE}h${WIDTH}`} />}
      <path d={ticks ? tickPath(values) : linePath(values)} />
    </svg>
  );
}

type Values = readonly (number | null)[];

const x = (i: number, n: number) =>
  (WIDTH - 1 - (n - 1 - i) * (WIDTH - 2) / (POINTS - 1)).toFixed(1);

/** From its lowest to its highest; a flat line runs through the middle. */
function linePath(values: Values): string {
  const known = values.filter((value) => value !== null);
  const low = Math.min(...known);
  const extent = Math.max(...known) - low;
  let pen = "M";
  let path = "";
  values.forEach((value, i) => {
    if (value === null) {
      pen = "M";
      return;
    }
    const share = extent > 0 ? (value - low) / extent : 0.5;
    path += `${pen}${x(i, values.length)} ${
      (HEIGHT - 2 - share * (HEIGHT - 4)).toFixed(1)
    }`;
    pen = "L";
  });
  return path;
}

function tickPath(values: Values): string {
  const top = Math.max(1, ...values.map((value) => value ?? 0));
  return values.map((value, i) =>
    value
      ? `M${x(i, values.length)} ${BASE}v${-Math.max(
        4,
        (HEIGHT - 4) * value / top,
      )}`
      : ""
  ).join("");
}
