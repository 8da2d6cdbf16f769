import type { Signal } from "../server/signals.ts";

/** The last signals, in the order of their ids. */
export class SignalRing<S extends Signal = Signal> {
  #signals: S[] = [];
  #capacity: number;
  /** Where the oldest one is, once the ring is full. */
  #start = 0;
  #lost: number;

  /** Makes a ring for `capacity` signals, all of them after id `lost`. */
  constructor(capacity: number, lost: number) {
    this.#capacity = capacity;
    this.#lost = lost;
  }

  /** The last id that is not known any more. */
  get lost(): number {
    return this.#lost;
  }

  /** How many signals it holds. */
  get size(): number {
    return this.#signals.length;
  }

  /** Adds a signal; the oldest makes room for it. */
  push(signal: S): void {
    if (this.#signals.length < this.#capacity) {
      this.#signals.push(signal);
      return;
    }
    this.#lost = this.#signals[this.#start]!.id;
    this.#signals[this.#start] = signal;
    this.#start = (this.#start + 1) % this.#capacity;
  }

  /** Up to `limit` signals after an id, oldest first. */
  after(id: number, limit = Infinity): S[] {
    const first = this.#search(id);
    const count = Math.min(limit, this.size - first);
    return Array.from({ length: count }, (_, i) => this.#at(first + i));
  }

  /** The newest `count` signals, oldest first. */
  newest(count: number): S[] {
    const first = Math.max(0, this.size - count);
    return Array.from(
      { length: this.size - first },
      (_, i) => this.#at(first + i),
    );
  }

  /** Those that fit, oldest first. */
  filter(fits: (signal: S) => boolean): S[] {
    const { length } = this.#signals;
    return [
      ...this.#signals.slice(this.#start, length),
      ...this.#signals.slice(0, this.#start),
    ].filter(fits);
  }

  #at(index: number): S {
    return this.#signals[(this.#start + index) % this.#signals.length]!;
  }

  /** The place of the first signal after an id. */
  #search(id: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#at(middle).id > id) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
