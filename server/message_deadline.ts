import type { Clock } from "../protocol/clock.ts";
import { Deadline } from "../protocol/deadline.ts";

/** How fast a message has to arrive once it has begun. */
export interface MessagePace {
  /** What a message may take in any case, in ms; `Infinity` for any time. */
  readonly timeout: number;
  /** How many received bytes earn it another second. */
  readonly rate: number;
}

/**
 * Finds senders that are so slow that it must be on purpose. A message may take
 * the longer the more of it has arrived. What counts is the time in which more
 * of it was waited for, not the time in which nobody read.
 */
export class MessageDeadline {
  #clock: Clock;
  #pace: MessagePace;
  #deadline: Deadline;
  /** Bytes that have come since the message began; 0 while there is none. */
  #received = 0;
  /** How long more of it was waited for, in ms. */
  #spent = 0;
  #since = 0;
  /** What came last, in bytes. */
  #latest = 0;

  /** `expire` is called when a message takes too long. */
  constructor(clock: Clock, pace: MessagePace, expire: () => void) {
    this.#clock = clock;
    this.#pace = pace;
    this.#deadline = new Deadline(clock, expire);
  }

  /** More is waited for. */
  wait(): void {
    if (this.#received === 0) return;
    const { timeout, rate } = this.#pace;
    this.#since = this.#clock.now();
    this.#deadline.set(timeout + this.#received * 1_000 / rate - this.#spent);
  }

  /** So many bytes have come. */
  came(bytes: number): void {
    this.#latest = bytes;
    if (this.#received === 0) return;
    this.#received += bytes;
    this.#spent += this.#clock.now() - this.#since;
    this.#deadline.clear();
  }

  /**
   * Whether what came last has left a message unfinished, and whether it has
   * finished one before that.
   */
  left(unfinished: boolean, finished: boolean): void {
    if (unfinished && !finished && this.#received > 0) return;
    this.#received = unfinished ? this.#latest : 0;
    this.#spent = 0;
  }

  /** Waits no more, and frees the timer. */
  stop(): void {
    this.#received = 0;
    this.#deadline.stop();
  }
}
