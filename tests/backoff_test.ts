import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { backoff } from "../client/backoff.ts";

const DEFAULTS = { first: 1_000, max: 10_000 };
/** The bounds of the first pauses, by the defaults. */
const BOUNDS = [1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000];

/** A seeded random number generator (mulberry32). */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ seed >>> 15, seed | 1);
    t ^= t + Math.imul(t ^ t >>> 7, t | 61);
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };
}

Deno.test("the bound doubles from the first pause up to the largest", () => {
  for (const [failures, bound] of BOUNDS.entries()) {
    assertEquals(backoff(failures, DEFAULTS, () => 0), 0);
    assertEquals(backoff(failures, DEFAULTS, () => 0.5), bound / 2);
    const most = backoff(failures, DEFAULTS, () => 1 - 2 ** -53);
    assert(most <= bound && most > bound * 0.999_999, `${most}`);
  }
});

Deno.test("pauses are spread evenly from 0 to their bound", () => {
  const random = seeded(20_251_120);
  for (const [failures, bound] of BOUNDS.entries()) {
    const rounds = 20_000;
    const tenths = new Array<number>(10).fill(0);
    for (let i = 0; i < rounds; i++) {
      const pause = backoff(failures, DEFAULTS, random);
      assert(pause >= 0 && pause < bound, `${pause} of ${bound}`);
      tenths[Math.floor(pause / bound * 10)]!++;
    }
    for (const count of tenths) {
      assert(count > 1_750 && count < 2_250, `${tenths}`);
    }
  }
});

Deno.test("the bound holds however many attempts failed", () => {
  for (const failures of [10, 31, 32, 53, 64, 1_023, 1_024, 1e6, 2 ** 53]) {
    assertEquals(backoff(failures, DEFAULTS, () => 0.5), 5_000);
    assertEquals(backoff(failures, DEFAULTS, () => 0), 0);
  }
});

Deno.test("any options: a finite pause within both bounds", () => {
  const time = fc.integer({ min: 1, max: 2 ** 31 - 1 });
  fc.assert(fc.property(
    time,
    time,
    fc.nat(5_000),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    (first, max, failures, number) => {
      const pause = backoff(failures, { first, max }, () => number);
      assert(pause >= 0 && pause <= max, `${pause}`);
      if (failures === 0) assert(pause <= first, `${pause}`);
    },
  ));
});
