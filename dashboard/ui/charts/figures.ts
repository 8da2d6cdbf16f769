import type { Figures, Sample } from "../../contract.ts";
import { iso, momentMinute } from "../format/moment.ts";
import {
  byteMeasure,
  count,
  exact,
  latencyMeasure,
  type Measure,
  rate,
} from "../format/number.ts";

/** What one of the eight figures shows. */
export interface FigureSpec {
  readonly label: string;
  readonly value: (now: Figures) => number | null;
  /** How it reads; the value itself goes into `title`. */
  readonly measure: (value: number | null) => Measure;
  /** More to the label, once it is known. */
  readonly more?: (now: Figures, at: number) => string;
  readonly title?: (now: Figures) => string;
  /** What the sparkline draws; without it there is none. */
  readonly spark?: (sample: Sample) => number | null;
  /** Whether it draws ticks, for events. */
  readonly ticks?: true;
}

const plain = (value: number | null): Measure => ({
  value: count(value ?? 0),
  unit: "",
});

export const WHO: readonly FigureSpec[] = [
  {
    label: "Connections",
    value: (now) => now.connections,
    measure: plain,
    spark: (sample) => sample.connections,
  },
  {
    label: "Peak",
    value: ({ peak }) => peak.connections,
    measure: plain,
    more: ({ peak }, at) =>
      peak.connections > 0 ? `, at ${momentMinute(peak.at, at)}` : "",
    title: ({ peak }) => `${exact(peak.connections)}, ${iso(peak.at)}`,
  },
];

export const ASKED: readonly FigureSpec[] = [
  {
    label: "Requests",
    value: (now) => now.requests,
    measure: (value) => ({ value: rate(value ?? 0), unit: "/s" }),
    spark: (sample) => sample.requests,
  },
  {
    label: "Traffic",
    value: (now) => now.bytes,
    measure: (value) => {
      const measure = byteMeasure(value ?? 0);
      return { ...measure, unit: `${measure.unit}/s` };
    },
    spark: (sample) => sample.bytes,
  },
];

export const SPEED: readonly FigureSpec[] = [
  {
    label: "Latency p50",
    value: (now) => now.p50,
    measure: latencyMeasure,
    spark: (sample) => sample.p50,
  },
  {
    label: "Latency p99",
    value: (now) => now.p99,
    measure: latencyMeasure,
    spark: (sample) => sample.p99,
  },
];

export const WRONG: readonly FigureSpec[] = [
  {
    label: "Timeouts, 1 min",
    value: (now) => now.timeouts,
    measure: plain,
    spark: (sample) => sample.timeout,
    ticks: true,
  },
  {
    label: "Failures, 1 min",
    value: (now) => now.failures,
    measure: plain,
    spark: (sample) => sample.failure,
    ticks: true,
  },
];
