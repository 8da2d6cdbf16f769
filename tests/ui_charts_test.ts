import { assertEquals } from "@std/assert";
import type { Sample } from "../dashboard/contract.ts";
import {
  type Ceiling,
  ceiling,
  decades,
  decadeSplits,
  laneRange,
  pushApart,
  roundUp,
} from "../dashboard/ui/charts/scale.ts";
import {
  buckets,
  largest,
  lone,
  series,
  smallest,
  span,
} from "../dashboard/ui/charts/series.ts";

const sample = (at: number, part: Partial<Sample> = {}): Sample => ({
  at,
  connections: 1,
  requests: 0,
  bytes: 0,
  p50: null,
  p90: null,
  p99: null,
  offline: 0,
  timeout: 0,
  failure: 0,
  ...part,
});

Deno.test("a gap in the samples is a gap in the line", () => {
  const samples = [sample(2000), sample(4000), sample(20_000)];
  assertEquals(series(samples, (one) => one.connections), [
    [2, 4, 4.001, 20],
    [1, 1, null, 1],
  ]);
});

Deno.test("a value that stands alone is found, for its dot", () => {
  assertEquals(lone([]), []);
  assertEquals(lone([5]), [0]);
  assertEquals(lone([1, null, 2, 3, null, 0, undefined, 4]), [0, 5, 7]);
});

Deno.test("events are summed by the clock, and none is not drawn", () => {
  const samples = [
    sample(15_000, { offline: 1 }),
    sample(16_000, { offline: 2 }),
    sample(30_000, { offline: 3 }),
    sample(32_000),
  ];
  assertEquals(buckets(samples, 15_000, (one) => one.offline), [
    [7.5, 22.5, 37.5],
    [1, 5, null],
  ]);
});

Deno.test("extremes skip the unknown", () => {
  assertEquals(largest([null, 3], [5]), 5);
  assertEquals(largest(), 0);
  assertEquals(smallest([null, 3, 0], [5]), 3);
  assertEquals(smallest([null]), null);
  assertEquals(span([9, null, 14, 11], String), "9 to 14, now 11");
  assertEquals(span([], String), "no data yet");
});

Deno.test("maxima are round, and so are their halves", () => {
  for (
    const [max, round] of [
      [0, 2],
      [2, 2],
      [3, 4],
      [9, 10],
      [11, 12],
      [14, 16],
      [231, 300],
      [953, 1000],
      [10_001, 12_000],
    ] as const
  ) assertEquals(roundUp(max), round);
});

Deno.test("a ceiling rises at once and sinks after a minute", () => {
  let at: Ceiling = ceiling(null, 16, 0);
  at = ceiling(at, 30, 1000);
  assertEquals(at.value, 30);
  at = ceiling(at, 16, 2000);
  assertEquals(ceiling(at, 16, 61_999).value, 30);
  assertEquals(ceiling(at, 16, 62_000).value, 16);
  // Needing it again in between starts the minute anew.
  at = ceiling(ceiling(at, 30, 40_000), 16, 41_000);
  assertEquals(ceiling(at, 16, 62_000).value, 30);
});

Deno.test("a log axis shows whole decades, four lines at most", () => {
  assertEquals(decades(0.3, 12), [-1, 2]);
  assertEquals(decadeSplits([-1, 2]), [0.1, 1, 10, 100]);
  assertEquals(decades(1, 10), [-1, 1]);
  assertEquals(decadeSplits([-1, 4]), [0.1, 10, 1000]);
});

Deno.test("labels are pushed apart and stay inside", () => {
  assertEquals(pushApart([10, 40, 80], 11, 100), [10, 40, 80]);
  assertEquals(pushApart([40, 38, 10], 11, 100), [49, 38, 10]);
  assertEquals(pushApart([99, 98, 97], 11, 100), [100, 89, 78]);
  // A p99 is never below a p50, whatever they share.
  assertEquals(pushApart([50, 50, 50], 11, 100), [72, 61, 50]);
  assertEquals(pushApart([50, 50, 20], 11, 100), [61, 50, 20]);
});

Deno.test("lanes share a plot without touching", () => {
  for (const lane of [0, 1, 2]) {
    const [from, to] = laneRange(lane, 3, 5);
    const share = (value: number) => (value - from) / (to - from);
    assertEquals(Math.round(share(0) * 300), (2 - lane) * 100);
    assertEquals(share(5) < (3 - lane) / 3, true);
  }
});
