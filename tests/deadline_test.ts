import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { sleep, systemClock } from "../protocol/clock.ts";
import { Deadline } from "../protocol/deadline.ts";
import { FakeClock } from "./support/fake_clock.ts";

/** A deadline on a fake clock, with the times at which it passed. */
function start() {
  const clock = new FakeClock();
  const passed: number[] = [];
  const deadline = new Deadline(clock, () => passed.push(clock.now()));
  return { clock, passed, deadline };
}

Deno.test("a deadline passes once, at its time", async () => {
  const { clock, passed, deadline } = start();
  deadline.set(100);
  assertEquals(deadline.remaining, 100);
  await clock.advance(99);
  assertEquals([passed, deadline.remaining], [[], 1]);
  await clock.advance(1);
  assertEquals(passed, [100]);
  await clock.advance(10_000);
  assertEquals([passed, clock.pending], [[100], 0]);
});

Deno.test("a deadline that is moved passes at its last time", async () => {
  const { clock, passed, deadline } = start();
  deadline.set(100);
  for (let i = 0; i < 50; i++) {
    await clock.advance(60);
    deadline.set(100);
    assertEquals(deadline.remaining, 100);
  }
  assertEquals(passed, []);
  await clock.advance(100);
  assertEquals(passed, [50 * 60 + 100]);
});

Deno.test("a deadline that is brought forward passes early", async () => {
  const { clock, passed, deadline } = start();
  deadline.set(1_000);
  await clock.advance(10);
  deadline.set(5);
  await clock.advance(5);
  assertEquals([passed, clock.pending], [[15], 0]);
  await clock.advance(2_000);
  assertEquals(passed, [15]);
});

Deno.test("moving a deadline makes no timers", async () => {
  const { clock, deadline } = start();
  let made = 0;
  const { setTimeout } = clock;
  clock.setTimeout = (callback, delay) => {
    made++;
    return setTimeout.call(clock, callback, delay);
  };
  for (let i = 0; i < 1_000; i++) deadline.set(1_000 + i);
  assertEquals([made, clock.pending], [1, 1]);
  await clock.advance(1_000);
  assertEquals([made, clock.pending], [2, 1]);
  deadline.stop();
});

Deno.test("a cleared deadline does not pass, until it is set again", async () => {
  const { clock, passed, deadline } = start();
  deadline.set(100);
  deadline.clear();
  assertEquals(deadline.remaining, Infinity);
  await clock.advance(1_000);
  assertEquals(passed, []);
  deadline.set(50);
  await clock.advance(20);
  deadline.clear();
  deadline.set(50);
  await clock.advance(49);
  assertEquals(passed, []);
  await clock.advance(1);
  assertEquals(passed, [1_070]);
});

Deno.test("a stopped deadline leaves no timer", async () => {
  const { clock, passed, deadline } = start();
  deadline.stop();
  deadline.set(100);
  deadline.stop();
  deadline.stop();
  assertEquals([clock.pending, deadline.remaining], [0, Infinity]);
  await clock.advance(1_000);
  assertEquals(passed, []);
  deadline.set(10);
  await clock.advance(10);
  assertEquals(passed, [1_010]);
});

Deno.test("no deadline: Infinity", async () => {
  const { clock, passed, deadline } = start();
  assertEquals(deadline.remaining, Infinity);
  deadline.set(Infinity);
  assertEquals([deadline.remaining, clock.pending], [Infinity, 0]);
  deadline.set(10);
  deadline.set(Infinity);
  await clock.advance(1_000_000);
  assertEquals([passed, clock.pending], [[], 0]);
});

Deno.test("a deadline may be set anew when it passes", async () => {
  const clock = new FakeClock();
  const passed: number[] = [];
  const deadline = new Deadline(clock, () => {
    passed.push(clock.now());
    if (passed.length < 3) deadline.set(7);
  });
  deadline.set(10);
  await clock.advance(1_000);
  assertEquals(passed, [10, 17, 24]);
});

Deno.test("a clock that is set does not move a deadline", async () => {
  const { clock, passed, deadline } = start();
  deadline.set(100);
  clock.step(1e9);
  await clock.advance(99);
  assertEquals(passed, []);
  clock.step(-1e10);
  await clock.advance(1);
  assertEquals(passed, [100]);
});

Deno.test("a deadline on a clock with fractions does not pass early", async () => {
  const { clock, passed, deadline } = start();
  await clock.advance(0.4);
  deadline.set(10);
  await clock.advance(9.9);
  assertEquals(passed, []);
  await clock.advance(1.1);
  assertEquals(passed.length, 1);
  assert(passed[0]! >= 10.4 && passed[0]! <= 11.4);
});

Deno.test("any sets and clears: it passes when the last one says", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("set" as const), by: fc.nat(50) }),
    fc.record({ kind: fc.constant("advance" as const), by: fc.nat(50) }),
    fc.record({ kind: fc.constant("clear" as const), by: fc.constant(0) }),
    fc.record({ kind: fc.constant("stop" as const), by: fc.constant(0) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { clock, passed, deadline } = start();
      const expected: number[] = [];
      let at = Infinity;
      for (const { kind, by } of steps) {
        switch (kind) {
          case "set":
            at = clock.now() + by;
            deadline.set(by);
            break;
          case "advance":
            await clock.advance(by);
            if (at <= clock.now()) {
              expected.push(at);
              at = Infinity;
            }
            break;
          default:
            at = Infinity;
            deadline[kind]();
        }
        assertEquals(passed, expected);
        assertEquals(deadline.remaining, at - clock.now());
        assert(clock.pending <= 1);
      }
    }),
    { numRuns: 60 },
  );
});

Deno.test("sleep waits its time", async () => {
  const clock = new FakeClock();
  let awake = false;
  const sleeping = sleep(clock, 100).then(() => awake = true);
  await clock.advance(99);
  assertEquals(awake, false);
  await clock.advance(1);
  assertEquals([awake, clock.pending], [true, 0]);
  await sleeping;
});

Deno.test("sleep ends with its signal's reason, and leaves no timer", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const { signal } = controller;
  const sleeping = assertRejects(
    () => sleep(clock, 100, signal),
    RangeError,
    "enough",
  );
  assertEquals(clock.pending, 1);
  controller.abort(new RangeError("enough"));
  await sleeping;
  assertEquals(clock.pending, 0);
  await assertRejects(() => sleep(clock, 100, signal), RangeError, "enough");
  assertEquals(clock.pending, 0);
});

Deno.test("the system's clock tells the time", async () => {
  const before = systemClock.now();
  assert(Math.abs(systemClock.wall() - Date.now()) < 60_000);
  await sleep(systemClock, 0);
  assert(systemClock.now() >= before);
  const timer = systemClock.setTimeout(() => {}, 1_000_000);
  systemClock.clearTimeout(timer);
});

Deno.test("the fake clock runs what is due, in order, and nothing else", async () => {
  const clock = new FakeClock({ now: 5, wall: 1_000 });
  const ran: string[] = [];
  const note = (what: string) => () => {
    ran.push(`${what}@${clock.now()}`);
  };
  clock.setTimeout(note("b"), 20);
  clock.setTimeout(note("a"), 10);
  clock.setTimeout(note("c"), 20);
  const gone = clock.setTimeout(note("never"), 15);
  clock.setTimeout(note("later"), 100);
  clock.setTimeout(async () => {
    note("outer")();
    await Promise.resolve();
    await Promise.resolve();
    clock.setTimeout(note("inner"), 2);
  }, 12);
  clock.clearTimeout(gone);
  assertEquals([clock.pending, clock.untilNext], [5, 10]);
  await clock.advance(20);
  assertEquals(ran, ["a@15", "outer@17", "inner@19", "b@25", "c@25"]);
  assertEquals([clock.pending, clock.untilNext], [1, 80]);
  assertEquals([clock.now(), clock.wall()], [25, 1_020]);
  clock.step(-500);
  assertEquals([clock.now(), clock.wall()], [25, 520]);
});
