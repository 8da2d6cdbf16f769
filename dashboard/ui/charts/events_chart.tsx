import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type uPlot from "uplot";
import type { Sample } from "../../contract.ts";
import { chipCount, plural } from "../format/number.ts";
import { samples } from "../state/store.ts";
import { Icon } from "../parts/icons.tsx";
import { Caption, TimeAxis } from "./caption.tsx";
import { type Colours, colours } from "./colours.ts";
import { Plot } from "./plot.tsx";
import { laneRange } from "./scale.ts";
import { buckets, largest, type Values } from "./series.ts";
import { Chart } from "./uplot.ts";

/** Sums per 15 s: sixty bars. */
const WIDTH = 15_000;

const LANES: readonly {
  readonly name: "offline" | "timeout" | "failure";
  readonly icon: "down" | "timeout" | "failure";
  readonly colour: keyof Colours;
}[] = [
  { name: "offline", icon: "down", colour: "ink2" },
  { name: "timeout", icon: "timeout", colour: "warn" },
  { name: "failure", icon: "failure", colour: "bad" },
];
const PICKS = LANES.map(({ name }) => (sample: Sample) => sample[name]);

/** Three lanes of bars: three scales in one plot. */
export function EventsChart() {
  const index = useSignal<number | null>(null);
  const list = samples.value;
  const data = useMemo(() => buckets(list, WIDTH, ...PICKS), [list]);
  const sums = LANES.map((_, i) =>
    ((data[i + 1] ?? []) as Values).reduce<number>(
      (sum, n) => sum + (n ?? 0),
      0,
    )
  );

  const build = (rem: number) => ({
    padding: [0, 0, 0.375 * rem, 0] as [number, number, number, number],
    scales: Object.fromEntries(LANES.map(({ name }, lane) => [name, {
      range: (self: uPlot): [number, number] =>
        laneRange(
          lane,
          LANES.length,
          largest((self.data[lane + 1] ?? []) as Values),
        ),
    }])),
    series: LANES.map(({ name, colour }) => ({
      scale: name,
      stroke: () => colours.value[colour],
      fill: () => colours.value[colour],
      width: 0,
      fillTo: 0,
      points: { show: false },
      paths: Chart.paths.bars!({ size: [0.75, 6 * rem / 16], gap: 0 }),
    })),
    draw: (self: uPlot) => baselines(self, rem),
  });

  const at = index.value;
  return (
    <figure class="chart">
      <Caption
        title="Events, 15 min"
        time={at === null ? undefined : (data[0][at] ?? 0) - WIDTH / 2000}
        values={at !== null &&
          LANES.map(({ name }, i) => (
            <span key={name} class={`caption-value tone-${name}`}>
              <Icon name={LANES[i]?.icon ?? "notice"} />
              {data[i + 1]?.[at] ?? 0}
            </span>
          ))}
      />
      <div
        class="chart-box chart-events"
        role="img"
        aria-label={`Events, last 15 minutes: ${sums[0]} offline, ${
          plural(sums[1] ?? 0, "timeout")
        }, ${plural(sums[2] ?? 0, "failure")}`}
      >
        <Plot
          data={data as uPlot.AlignedData}
          step={WIDTH}
          build={build}
          hover={(i) => index.value = i}
        />
        {LANES.map(({ name, icon }, i) => (
          <div key={name} class={`lane tone-${name}`}>
            <Icon name={icon} />
            <span>{name}</span>
            <b>{list.length === 0 ? "–" : chipCount(sums[i] ?? 0)}</b>
          </div>
        ))}
        <TimeAxis />
      </div>
    </figure>
  );
}

function baselines(self: uPlot, rem: number): void {
  const { ctx, bbox } = self;
  const pxRatio = Chart.pxRatio;
  ctx.save();
  ctx.fillStyle = colours.value.line;
  const height = Math.max(1, Math.round(rem / 16 * pxRatio));
  for (const { name } of LANES) {
    const y = Math.round(self.valToPos(0, name, true));
    ctx.fillRect(bbox.left, y, bbox.width, height);
  }
  ctx.restore();
}
