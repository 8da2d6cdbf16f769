const EMPTY = new Uint8Array(0);

/**
 * The bytes that have arrived and were not taken yet. A TCP read is neither a
 * block nor a message: what is taken depends on what is due.
 */
export class Intake {
  #limit: number;
  #buffer: Uint8Array = EMPTY;
  #size = 0;

  /** `limit` is the most that is ever held, in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many bytes are held. */
  get size(): number {
    return this.#size;
  }

  /** Adds what has arrived; false, and nothing added, if it is over the limit. */
  push(chunk: Uint8Array): boolean {
    const size = this.#size + chunk.length;
    if (size > this.#limit) return false;
    if (size > this.#buffer.length) {
      // Doubling, so that a peer that sends single bytes costs no more.
      const capacity = Math.min(this.#limit, Math.max(size, 2 * this.#size));
      const grown = new Uint8Array(capacity);
      grown.set(this.#buffer.subarray(0, this.#size));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#size);
    this.#size = size;
    return true;
  }

  /** Takes exactly `size` bytes, once they are there. */
  take(size: number): Uint8Array | undefined {
    if (size > this.#size) return undefined;
    const taken = this.#buffer.slice(0, size);
    this.#size -= size;
    // An idle connection holds no buffer.
    if (this.#size === 0) this.#buffer = EMPTY;
    else this.#buffer.copyWithin(0, size, size + this.#size);
    return taken;
  }

  /** Takes everything. */
  takeAll(): Uint8Array {
    return this.take(this.#size)!;
  }
}
