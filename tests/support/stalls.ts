import type { Page } from "playwright-core";

/** How often the clocks are looked at, in ms. */
const STEP = 20;
/** A timer this late, in ms, is no stall yet. */
const USUAL = 30;

/**
 * How long a busy machine let nothing happen, as two timers noticed: one in
 * this process, one in the page.
 */
export class Stalls {
  /** What `action` gives, and for how many ms it could not get on. */
  static async during<T>(
    page: Page,
    action: () => Promise<T>,
  ): Promise<{ result: T; stalled: number }> {
    let here = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      const late = performance.now() - last - STEP;
      if (late > USUAL) here += late;
      last = performance.now();
    }, STEP);
    await page.evaluate(([step, usual]) => {
      const stalls = (globalThis as { stalls?: number }) as { stalls: number };
      stalls.stalls = 0;
      let last = performance.now();
      setInterval(() => {
        const late = performance.now() - last - step;
        if (late > usual) stalls.stalls += late;
        last = performance.now();
      }, step);
    }, [STEP, USUAL] as const);
    try {
      const result = await action();
      const there = await page.evaluate(() =>
        (globalThis as unknown as { stalls: number }).stalls
      );
      return { result, stalled: Math.round(here + there) };
    } finally {
      clearInterval(timer);
    }
  }
}
