import type { Clock } from "../../protocol/clock.ts";

/**
 * How fast a client may go: some lines at once, then so many a second.
 *
 * Source: the generic cell rate algorithm, ITU-T I.371, as virtual scheduling.
 */
export class Pace {
  #clock: Clock;
  #interval: number;
  #tolerance: number;
  /** When the next line is due if they come evenly; `now` at the least. */
  #due = -Infinity;

  /** `perSecond` lines, after the first `burst`. */
  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#interval = 1_000 / perSecond;
    this.#tolerance = (burst - 1) * this.#interval;
  }

  /** Counts a line; gives how long it has to wait, in ms. */
  take(): number {
    const now = this.#clock.now();
    const due = Math.max(this.#due, now);
    this.#due = due + this.#interval;
    return Math.max(0, due - this.#tolerance - now);
  }
}
