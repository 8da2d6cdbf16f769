import type uPlot from "uplot";
import { colours } from "./colours.ts";

/** Gridlines with labels flush with the figures above. */
export function valueAxis(
  rem: number,
  scale: string,
  splits: (self: uPlot) => number[],
): uPlot.Axis {
  return {
    scale,
    side: 3,
    size: 1.75 * rem,
    gap: 0,
    align: 1,
    alignTo: 2,
    font: `${0.6875 * rem}px ${getComputedStyle(document.body).fontFamily}`,
    stroke: () => colours.value.ink3,
    ticks: { show: false },
    border: { show: false },
    grid: {
      stroke: () => colours.value.line,
      width: rem / 16,
      filter: (_, all) => all,
    },
    filter: (_, all) => all,
    splits,
    values: (_, all) => all.map(axisNumber),
  };
}

/** As short as the margin is narrow: `0.1`, `150`, `1.2k`. */
const axisNumber = (value: number): string =>
  value >= 1e6
    ? `${value / 1e6}M`
    : value >= 1000
    ? `${value / 1000}k`
    : String(Number(value.toPrecision(3)));
