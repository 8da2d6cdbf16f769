import { assertEquals } from "@std/assert";
import { backMessage, retryDelay } from "../dashboard/ui/state/back.ts";
import * as clock from "../dashboard/ui/state/clock.ts";
import { News } from "../dashboard/ui/state/news.ts";

Deno.test("the way back says what was missed", () => {
  const missed = "Back. Nothing was missed.";
  const restarted = "Back. The server was restarted; counts start anew.";
  const lost = "Back. Some signals were lost; the view is fresh.";
  assertEquals(backMessage("snapshot", null, "a", false), null);
  assertEquals(backMessage("resume", "a", "a", true), missed);
  assertEquals(backMessage("resume", "a", "a", false), null);
  assertEquals(backMessage("reset", "a", "a", true), lost);
  assertEquals(backMessage("reset", "a", "a", false), lost);
  assertEquals(backMessage("reset", "a", "b", true), restarted);
  assertEquals(backMessage("snapshot", "a", "b", false), restarted);
});

Deno.test("tries grow rarer, to a limit", () => {
  assertEquals([1, 2, 3, 4, 5, 99].map(retryDelay), [
    1000,
    2000,
    3000,
    5000,
    8000,
    8000,
  ]);
});

/** How often the server gives a sign of life in these tests, in ms. */
const HEARTBEAT = 15_000;
const HOUR = 3_600_000;

/** News last heard at noon, and the hands of its two clocks. */
function atNoon() {
  const at = { steady: 5_000, wall: 12 * HOUR };
  const news = new News(() => at.steady, () => at.wall);
  news.hear();
  return { at, news, noon: at.wall };
}

/** What a machine can do to its two clocks, in ms. */
const PAST: readonly (readonly [
  what: string,
  steady: number,
  wall: number,
  silent: boolean,
  /** How old the view then is, as shown. */
  seen: number,
])[] = [
  ["a stream cut in use", 3_000, 3_000, false, 3_000],
  ["one heartbeat late", 16_000, 16_000, false, 16_000],
  ["one heartbeat missed", 16_001, 16_001, false, 0],
  ["almost two missed", 31_000, 31_000, false, 0],
  ["a stall", 31_001, 31_001, true, 0],
  ["a sleep, one clock standing", 200, 50 * HOUR, true, 0],
  ["a sleep, both clocks going", 50 * HOUR, 50 * HOUR, true, 0],
  ["a stall, the clock set back", 31_001, -HOUR, true, 0],
  ["a cut, the clock set back", 3_000, -HOUR, false, 3_000],
  ["a cut, the clock set ahead", 3_000, HOUR, true, 0],
];

for (const [what, steady, wall, silent, seen] of PAST) {
  Deno.test(`the view is as old as the last news: ${what}`, () => {
    const { at, news, noon } = atNoon();
    at.steady += steady;
    at.wall += wall;
    assertEquals(news.silent(HEARTBEAT), silent);
    assertEquals(news.viewFrom(HEARTBEAT) - noon, seen);
  });
}

Deno.test("a stream that is tried again is no news yet", () => {
  const { at, news, noon } = atNoon();
  at.steady += HOUR;
  at.wall += HOUR;
  news.listen();
  assertEquals(news.silent(HEARTBEAT), false);
  assertEquals(news.viewFrom(HEARTBEAT), noon);
  news.hear();
  assertEquals(news.viewFrom(HEARTBEAT), noon + HOUR);
});

Deno.test("the clock stands still while the server is gone", () => {
  const real = Date.now;
  let wall = 12 * HOUR;
  Date.now = () => wall;
  try {
    // This machine is an hour behind the server.
    clock.setClock(13 * HOUR, true);
    assertEquals(clock.serverNow(), 13 * HOUR);
    // It sleeps; then it turns out that the last news were ten seconds in.
    wall += 2 * HOUR;
    const seen = 13 * HOUR + 10_000;
    assertEquals(clock.stopClock(12 * HOUR + 10_000), seen);
    assertEquals([clock.serverNow(), clock.now.value], [seen, seen]);
    // Further tries that fail do not make the view newer.
    wall += 8_000;
    assertEquals(clock.stopClock(wall), seen);
    assertEquals(clock.serverNow(), seen);
    assertEquals(clock.runningNow(), 15 * HOUR + 8_000);
    clock.runClock();
    clock.setClock(14 * HOUR, true);
    assertEquals([clock.serverNow(), clock.now.value], [14 * HOUR, 14 * HOUR]);
  } finally {
    Date.now = real;
    clock.setClock(Date.now(), true);
  }
});

Deno.test("jitter does not move the clock, a clock that was set does", () => {
  const real = Date.now;
  Date.now = () => 12 * HOUR;
  try {
    clock.setClock(12 * HOUR, true);
    clock.setClock(12 * HOUR + 1_000);
    assertEquals(clock.serverNow(), 12 * HOUR);
    clock.setClock(12 * HOUR - 1_001);
    assertEquals(clock.serverNow(), 12 * HOUR - 1_001);
  } finally {
    Date.now = real;
    clock.setClock(Date.now(), true);
  }
});
