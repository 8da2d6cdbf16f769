import { useSignalEffect } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { serverNow } from "../state/clock.ts";
import { rem } from "../state/layout.ts";
import { samples } from "../state/store.ts";
import { colours } from "./colours.ts";
import { Chart } from "./uplot.ts";

/** What a chart adds to the frame that all charts share. */
export interface PlotOptions {
  readonly series: uPlot.Series[];
  readonly scales: uPlot.Scales;
  readonly axes?: uPlot.Axis[];
  /** Space in px above, right of, below and left of the plot. */
  readonly padding: [number, number, number, number];
  readonly draw?: (plot: uPlot) => void;
}

/** The last 15 minutes, in seconds. */
const RANGE = 900;

/**
 * A uPlot canvas that fills its box, follows theme, root font size and box,
 * and shares its crosshair with the other charts.
 */
export function Plot({ data, build, hover, step = 1 }: {
  readonly data: uPlot.AlignedData;
  /** What the time axis is rounded up to, in ms, so that bars stay whole. */
  readonly step?: number;
  /** Makes the options; called anew when the root font size changes. */
  readonly build: (rem: number) => PlotOptions;
  /** Told the index under the crosshair, or null. */
  readonly hover?: (index: number | null) => void;
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(data);
  latest.current = data;
  const size = rem.value;

  useLayoutEffect(() => {
    const target = box.current;
    if (!target) return;
    const options = frame(target, build(size), hover, step);
    const made = plot.current = new Chart(options, latest.current, target);
    const sizes = new ResizeObserver(() =>
      made.setSize({ width: target.clientWidth, height: target.clientHeight })
    );
    sizes.observe(target);
    return () => {
      sizes.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [size]);

  useLayoutEffect(() => plot.current?.setData(data), [data]);
  useSignalEffect(() => {
    void colours.value;
    plot.current?.redraw();
  });
  return <div class="plot" ref={box} />;
}

function frame(
  box: HTMLElement,
  { series, scales, axes = [], padding, draw }: PlotOptions,
  hover: ((index: number | null) => void) | undefined,
  step: number,
): uPlot.Options {
  return {
    width: box.clientWidth,
    height: box.clientHeight,
    padding,
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: false, y: false },
      sync: { key: "band" },
    },
    scales: { x: { time: true, range: () => lastMinutes(step) }, ...scales },
    series: [{}, ...series],
    axes: [{ show: false }, ...axes],
    hooks: {
      setCursor: [(self) => {
        const inside = (self.cursor.left ?? -1) >= 0;
        hover?.(inside ? self.cursor.idx ?? null : null);
      }],
      draw: draw ? [draw] : [],
    },
  };
}

/** Ends at the last sample; before the first, at this moment. */
function lastMinutes(step: number): [number, number] {
  const at = samples.peek().at(-1)?.at ?? serverNow();
  const end = Math.ceil(at / step) * step / 1000;
  return [end - RANGE, end];
}
