import { assertEquals } from "@std/assert";
import {
  duration,
  idleTime,
  spokenDuration,
} from "../dashboard/ui/format/duration.ts";
import {
  clockSecond,
  moment,
  momentMinute,
} from "../dashboard/ui/format/moment.ts";
import {
  bytes,
  chipCount,
  count,
  latency,
  plural,
  rate,
} from "../dashboard/ui/format/number.ts";
import { peer, splitAddress, visible } from "../dashboard/ui/format/text.ts";

const S = 1000, M = 60 * S, H = 60 * M, D = 24 * H;

Deno.test("durations have two units and are floored", () => {
  for (
    const [ms, text] of [
      [-5, "0s"],
      [999, "0s"],
      [42 * S + 999, "42s"],
      [14 * M + 59 * S, "14m"],
      [H, "1h"],
      [2 * H + 14 * M + 59 * S, "2h 14m"],
      [6 * D + 4 * H, "6d 4h"],
      [3 * D + 59 * M, "3d"],
    ] as const
  ) assertEquals(duration(ms), text);
});

Deno.test("idle times keep their seconds below an hour", () => {
  assertEquals(idleTime(48 * S), "48s");
  assertEquals(idleTime(M + 6 * S), "1m 06s");
  assertEquals(idleTime(59 * M + 59 * S), "59m 59s");
  assertEquals(idleTime(2 * H + 6 * S), "2h");
});

Deno.test("spoken durations are whole words, the two largest", () => {
  assertEquals(spokenDuration(0), "0 seconds");
  assertEquals(spokenDuration(M + S), "1 minute 1 second");
  assertEquals(spokenDuration(106 * S), "1 minute 46 seconds");
  assertEquals(spokenDuration(2 * D + 3 * S), "2 days");
});

Deno.test("bytes are decimal with three digits", () => {
  for (
    const [n, text] of [
      [0, "0 B"],
      [140, "140 B"],
      [999, "999 B"],
      [999.6, "1.00 kB"],
      [9400, "9.40 kB"],
      [61.8e6, "61.8 MB"],
      [640e3, "640 kB"],
      [999_999, "1.00 MB"],
      [2.41e9, "2.41 GB"],
      [5e12, "5.00 TB"],
    ] as const
  ) assertEquals(bytes(n), text);
});

Deno.test("latency changes its precision, unknown is no zero", () => {
  for (
    const [ms, text] of [
      [null, "–"],
      [0.42, "0.42 ms"],
      [0.999, "1.0 ms"],
      [6.2, "6.2 ms"],
      [99.96, "100 ms"],
      [186, "186 ms"],
      [9999.6, "10.0 s"],
      [12_400, "12.4 s"],
    ] as const
  ) assertEquals(latency(ms), text);
});

Deno.test("counts are grouped, then shortened", () => {
  assertEquals(count(1_904_377), "1,904,377");
  assertEquals(count(9_999_999), "9,999,999");
  assertEquals(count(19_000_000), "19.0M");
  assertEquals(chipCount(999), "999");
  assertEquals(chipCount(1000), "1.0k");
  assertEquals(chipCount(999_960), "1.0M");
  assertEquals(rate(7.3), "7.3");
  assertEquals(rate(0), "0");
  assertEquals(rate(1 / 60), "<0.1");
  assertEquals(rate(0.05), "0.1");
  assertEquals(rate(9_999), "9,999");
  assertEquals(rate(12_800), "12.8k");
  assertEquals(plural(1, "request"), "1 request");
  assertEquals(plural(2, "request"), "2 requests");
});

Deno.test("moments say the day only when it is not today", () => {
  const now = new Date(2026, 10, 4, 14, 32, 7).getTime();
  const earlier = new Date(2026, 10, 3, 14, 31, 56).getTime();
  assertEquals(clockSecond(now), "14:32:07");
  assertEquals(moment(now, now), "14:32:07");
  assertEquals(momentMinute(now, now), "14:32");
  assertEquals(moment(earlier, now), "3 Nov 14:31");
});

Deno.test("a peer's text stays on its line and hides nothing", () => {
  assertEquals(visible("a\n\0\x7fb\x85"), "a␊␀␡b\ufffd");
  assertEquals(visible("x\u202Eevil\u200b"), "x\ufffdevil\ufffd");
  assertEquals(visible("<img onerror>"), "<img onerror>");
  assertEquals(visible("m".repeat(10_000)).length, 513);
  assertEquals(peer({ address: "10.0.0.1:5" }), "10.0.0.1:5");
  assertEquals(peer({ name: "", address: "10.0.0.1:5" }), "10.0.0.1:5");
});

Deno.test("an address is split before its port", () => {
  assertEquals(splitAddress("10.0.0.1:5"), { host: "10.0.0.1", port: ":5" });
  assertEquals(splitAddress("[::1]:80"), { host: "[::1]", port: ":80" });
  assertEquals(splitAddress("pipe"), { host: "pipe", port: "" });
});
