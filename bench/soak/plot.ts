import { type Sample, thinned } from "./slope.ts";

/** A line of the plot. */
export interface Line {
  readonly title: string;
  readonly colour: string;
  readonly samples: readonly Sample[];
}

const WIDTH = 800;
const HEIGHT = 360;
const LEFT = 64;
const RIGHT = 16;
const TOP = 32;
const BOTTOM = 40;
/** More points than this would not be seen. */
const POINTS = 600;
const MIB = 2 ** 20;

/** Bytes over time, as an SVG: from 0, so that a slope looks as it is. */
export function plotOf(lines: readonly Line[]): string {
  const all = lines.flatMap(({ samples }) => samples);
  const end = Math.max(...all.map(({ at }) => at));
  const step = niceStep(Math.max(...all.map(({ value }) => value)) / MIB / 4);
  const top = step * 5 * MIB;
  const x = (at: number) => LEFT + (WIDTH - LEFT - RIGHT) * at / end;
  const y = (value: number) =>
    HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top;
  const grid = [0, 1, 2, 3, 4, 5].map((i) => {
    const at = y(i * step * MIB).toFixed(1);
    return `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#ddd"/>
<text x="${LEFT - 8}" y="${at}" text-anchor="end" dy="4">${i * step}</text>`;
  });
  const hours = end > 7_200;
  const ticks = [0, 1, 2, 3, 4, 5].map((i) => {
    const at = end * i / 5;
    const text = (at / (hours ? 3_600 : 60)).toFixed(1);
    return `<text x="${x(at).toFixed(1)}" y="${
      HEIGHT - 20
    }" text-anchor="middle">${text}</text>`;
  });
  const paths = lines.map(({ title, colour, samples }, i) => {
    const by = Math.max(1, Math.ceil(samples.length / POINTS));
    const points = thinned(samples, by)
      .map(({ at, value }) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`);
    return `<path d="M${
      points.join("L")
    }" fill="none" stroke="${colour}" stroke-width="1.5"/>
<text x="${LEFT + 220 * i}" y="18" fill="${colour}">${title}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#444">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
${[...grid, ...ticks, ...paths].join("\n")}
<text x="${WIDTH - RIGHT}" y="${HEIGHT - 4}" text-anchor="end">${
    hours ? "hours" : "minutes"
  }; MiB</text>
</svg>
`;
}

/** The same in one line of text, from 0 to its largest. */
export function sparkline(samples: readonly Sample[], width = 60): string {
  const by = Math.max(1, Math.ceil(samples.length / width));
  const points = thinned(samples, by).map(({ value }) => value);
  const most = Math.max(...points);
  return points.map((value) => "▁▂▃▄▅▆▇█"[Math.round(7 * value / most)])
    .join("");
}

/** 1, 2 or 5 times a power of ten, not below `least`. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((by) => by * power).find((step) => step >= least)!;
}
