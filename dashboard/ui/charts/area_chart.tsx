import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type uPlot from "uplot";
import type { Sample } from "../../contract.ts";
import { now } from "../state/clock.ts";
import { samples } from "../state/store.ts";
import { Caption, TimeAxis } from "./caption.tsx";
import { valueAxis } from "./axis.ts";
import { colours } from "./colours.ts";
import { Plot } from "./plot.tsx";
import { type Ceiling, ceiling, roundUp } from "./scale.ts";
import { largest, series, span } from "./series.ts";
import { Chart } from "./uplot.ts";

/** One value over time, as an area above zero. */
export function AreaChart({ title, pick, stepped = false, format }: {
  readonly title: string;
  readonly pick: (sample: Sample) => number;
  readonly stepped?: boolean;
  readonly format: (value: number) => string;
}) {
  const index = useSignal<number | null>(null);
  const top = useRef<Ceiling | null>(null);
  const list = samples.value;
  const data = useMemo(() => {
    const columns = series(list, pick);
    const max = largest(...columns.slice(1) as (number | null)[][]);
    top.current = ceiling(top.current, roundUp(max), now.peek());
    return columns;
  }, [list]);
  const limit = () => top.current?.value ?? 2;

  const build = (rem: number) => ({
    padding: [0.375 * rem, 0, 0.375 * rem, 0] as [
      number,
      number,
      number,
      number,
    ],
    scales: { y: { range: (): [number, number] => [0, limit()] } },
    axes: [
      valueAxis(rem, "y", () => [0, limit() / 2, limit()]),
    ],
    series: [{
      stroke: () => colours.value.data,
      fill: () => colours.value.area,
      width: 1.5 * rem / 16,
      points: { show: false },
      ...(stepped ? { paths: Chart.paths.stepped!({ align: 1 }) } : {}),
    }],
  });

  const at = index.value;
  const value = at === null ? null : data[1]?.[at] ?? null;
  return (
    <figure class="chart">
      <Caption
        title={`${title}, 15 min`}
        time={at === null ? undefined : data[0][at]}
        values={value === null ? "–" : format(value)}
      />
      <div
        class="chart-box"
        role="img"
        aria-label={`${title}, last 15 minutes: ${span(data[1] ?? [], format)}`}
      >
        <Plot
          data={data as uPlot.AlignedData}
          build={build}
          hover={(i) => index.value = i}
        />
        <TimeAxis />
      </div>
    </figure>
  );
}
