import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../../protocol/clock.ts";

interface FakeTimer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number;
  #wall: number;
  /** In the order they were started, which breaks ties. */
  #timers = new Set<FakeTimer>();

  /** `wall` is in ms since the epoch, default 2023-11-14T22:13:20Z. */
  constructor({ now = 0, wall = 1_700_000_000_000 } = {}) {
    this.#now = now;
    this.#wall = wall;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#wall;
  }

  setTimeout(callback: () => void, delay: number): Timer {
    // A delay that is no number would otherwise never be due, unnoticed.
    if (!(delay >= 0 && delay <= 2 ** 31 - 1)) {
      throw new RangeError(`A timer cannot wait ${delay} ms`);
    }
    const timer: FakeTimer = { at: this.#now + delay, callback };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: Timer): void {
    this.#timers.delete(timer as FakeTimer);
  }

  /** How many timers are running. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer is due; undefined without any. */
  get untilNext(): number | undefined {
    const next = this.#next();
    return next && next.at - this.#now;
  }

  /**
   * Lets `ms` go by: runs the timers that fall due in the order of their times,
   * those that they start included, and lets what each sets off settle.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (;;) {
      const timer = this.#next();
      if (!timer || timer.at > end) break;
      this.#timers.delete(timer);
      this.#move(Math.max(0, timer.at - this.#now));
      timer.callback();
      await settle();
    }
    this.#move(end - this.#now);
  }

  /** Somebody sets the clock: the wall time jumps by `ms`, nothing else. */
  step(ms: number): void {
    this.#wall += ms;
  }

  #next(): FakeTimer | undefined {
    let next: FakeTimer | undefined;
    for (const timer of this.#timers) {
      if (!next || timer.at < next.at) next = timer;
    }
    return next;
  }

  #move(ms: number): void {
    this.#now += ms;
    this.#wall += ms;
  }
}

/** One turn of the event loop: every chain of microtasks runs to its end. */
function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
