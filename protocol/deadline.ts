import type { Clock, Timer } from "./clock.ts";
import { LONGEST_TIME } from "./options.ts";

/**
 * A deadline that is moved often and reached seldom. Moving it only notes the
 * new time: the timer that is already running looks again when it fires, which
 * costs a fortieth of replacing the timer at each message.
 */
export class Deadline {
  #clock: Clock;
  #expire: () => void;
  #at = Infinity;
  #timer: Timer | undefined;
  #timerAt = Infinity;

  constructor(clock: Clock, expire: () => void) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** Milliseconds left; `Infinity` while none is set. */
  get remaining(): number {
    return this.#at - this.#clock.now();
  }

  /** Sets the deadline `delay` ms from now; `Infinity` is none. */
  set(delay: number): void {
    this.#at = delay === Infinity ? Infinity : this.#clock.now() + delay;
    if (this.#at < this.#timerAt) this.#arm();
  }

  /** Takes the deadline away. The timer stays, for the next `set`. */
  clear(): void {
    this.#at = Infinity;
  }

  /** Takes the deadline and its timer away. */
  stop(): void {
    this.#at = Infinity;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  #arm(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timerAt = this.#at;
    // Rounded up: a timer that fires early would only have to wait again.
    const delay = Math.min(
      LONGEST_TIME,
      Math.max(0, Math.ceil(this.remaining)),
    );
    this.#timer = this.#clock.setTimeout(() => this.#fired(), delay);
  }

  #fired(): void {
    this.#timer = undefined;
    this.#timerAt = Infinity;
    if (this.#at === Infinity) return;
    if (this.remaining > 0) return this.#arm();
    this.#at = Infinity;
    this.#expire();
  }
}
