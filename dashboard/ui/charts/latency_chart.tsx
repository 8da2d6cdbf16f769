import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type uPlot from "uplot";
import type { Sample } from "../../contract.ts";
import { latency } from "../format/number.ts";
import { now } from "../state/clock.ts";
import { rem } from "../state/layout.ts";
import { samples } from "../state/store.ts";
import { valueAxis } from "./axis.ts";
import { Caption, TimeAxis } from "./caption.tsx";
import { colours } from "./colours.ts";
import { Plot } from "./plot.tsx";
import {
  type Ceiling,
  ceiling,
  decades,
  decadeSplits,
  pushApart,
} from "./scale.ts";
import { largest, lone, series, smallest, span } from "./series.ts";

const NAMES = ["p50", "p90", "p99"] as const;
const PICKS = NAMES.map((name) => (sample: Sample) => sample[name]);
const WIDTHS = [2, 1, 1.25];

/** Three percentiles on a log axis, their names at the lines' ends. */
export function LatencyChart() {
  const index = useSignal<number | null>(null);
  const labels = useSignal<readonly number[]>([]);
  const top = useRef<Ceiling | null>(null);
  const range = useRef<[number, number]>([-1, 2]);
  const list = samples.value;
  const data = useMemo(() => {
    const columns = series(list, ...PICKS);
    const lines = columns.slice(1) as (number | null)[][];
    const low = smallest(...lines);
    if (low !== null) {
      const [from, to] = decades(low, largest(...lines));
      top.current = ceiling(top.current, to, now.peek());
      range.current = [
        Math.min(from, top.current.value - 2),
        top.current.value,
      ];
    }
    return columns;
  }, [list]);
  const lines = data.slice(1) as (number | null)[][];

  const place = (self: uPlot) => {
    const ends = lines.length === 0 ? [] : NAMES.map((_, i) => {
      const end = lastOf(self.data[i + 1] ?? []);
      return end === null ? null : self.valToPos(end, "y");
    });
    const known = ends.every((end) => end !== null) ? ends as number[] : [];
    const gap = 11 * rem.peek() / 16;
    labels.value = pushApart(known, gap, self.over.clientHeight);
  };

  const build = (size: number) => ({
    padding: [0.375 * size, 1.75 * size, 0.375 * size, 0] as [
      number,
      number,
      number,
      number,
    ],
    scales: {
      y: {
        distr: 3 as const,
        range: (): [number, number] => [
          10 ** range.current[0],
          10 ** range.current[1],
        ],
      },
    },
    axes: [valueAxis(size, "y", () => decadeSplits(range.current))],
    series: NAMES.map((name, i) => ({
      stroke: () => colours.value.data,
      width: (WIDTHS[i] ?? 1) * size / 16,
      points: {
        show: false,
        filter: (self: uPlot, i: number) => lone(self.data[i] ?? []),
        size: ((WIDTHS[i] ?? 1) + 1.5) * size / 16,
        width: 0,
        fill: () => colours.value.data,
      },
      ...(name === "p99" ? { dash: [3 * size / 16, 2 * size / 16] } : {}),
    })),
    draw: (self: uPlot) => requestAnimationFrame(() => place(self)),
  });

  const at = index.value;
  const offset = 0.375 * rem.value;
  return (
    <figure class="chart">
      <Caption
        title={at === null ? "Latency in ms, log scale, 15 min" : "Latency"}
        time={at === null ? undefined : data[0][at]}
        values={at !== null &&
          NAMES.map((name, i) => (
            <span key={name} class="caption-value">
              {name} {latency(lines[i]?.[at] ?? null)}
            </span>
          ))}
      />
      <div
        class="chart-box chart-latency"
        role="img"
        aria-label={`Latency, last 15 minutes: ${
          NAMES.map((name, i) => `${name} ${span(lines[i] ?? [], latency)}`)
            .join("; ")
        }`}
      >
        <Plot
          data={data as uPlot.AlignedData}
          build={build}
          hover={(i) => index.value = i}
        />
        {labels.value.map((y, i) => (
          <span
            key={NAMES[i]}
            class="line-name"
            style={{ top: `${y + offset}px` }}
          >
            {NAMES[i]}
          </span>
        ))}
        <TimeAxis />
      </div>
    </figure>
  );
}

/** The last value, if the line reaches the chart's end at all. */
function lastOf(values: ArrayLike<number | null | undefined>): number | null {
  for (let i = values.length - 1; i >= Math.max(0, values.length - 30); i--) {
    const value = values[i];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}
