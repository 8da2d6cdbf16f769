import { SEQUENCES } from "./packet.ts";

/** What a packet's number makes of it. */
export type Arrival<T> =
  /** It is new: acknowledge it. `ready` is what can be delivered now. */
  | { readonly kind: "new"; readonly ready: readonly T[] }
  /** It was here before: acknowledge it again, deliver nothing. */
  | { readonly kind: "repeated" }
  /** It is beyond the window: nobody sends this, so its number is damaged. */
  | { readonly kind: "outside" };

/**
 * Brings sequenced packets into their order: what comes too early is held until
 * the gap before it is filled, within the window. The first number is 0.
 */
export class Arrivals<T> {
  #window: number;
  #expected = 0;
  #held = new Map<number, T>();

  /** `window` is how many numbers from the expected one on are taken. */
  constructor(window: number) {
    this.#window = window;
  }

  /** How many packets wait for one before them. */
  get held(): number {
    return this.#held.size;
  }

  /** Takes a packet. */
  take(sequence: number, item: T): Arrival<T> {
    const ahead = (sequence - this.#expected + SEQUENCES) % SEQUENCES;
    // What is behind is at most a window behind, and windows are far smaller
    // than half of the numbers.
    if (ahead >= SEQUENCES - this.#window) return { kind: "repeated" };
    if (ahead >= this.#window) return { kind: "outside" };
    if (ahead > 0 && this.#held.has(sequence)) return { kind: "repeated" };
    this.#held.set(sequence, item);
    const ready: T[] = [];
    while (this.#held.has(this.#expected)) {
      ready.push(this.#held.get(this.#expected)!);
      this.#held.delete(this.#expected);
      this.#expected = (this.#expected + 1) % SEQUENCES;
    }
    return { kind: "new", ready };
  }
}
