import { CypherError } from "./errors.ts";

const EMPTY = new Uint8Array(0);

/**
 * Splits a byte stream into units that each follow their own length, which is
 * big-endian. Whatever the chunking, each byte is copied less than three times,
 * and no more memory is held than four times what has arrived, or one unit.
 */
export class LengthSplitter implements IterableIterator<Uint8Array> {
  #prefix: number;
  #check: (length: number) => void;
  #chunk: Uint8Array = EMPTY;
  #at = 0;
  #buffer: Uint8Array = EMPTY;
  #pending = 0;
  /** How long the pending unit is as far as is known, with its prefix. */
  #goal: number;

  /**
   * `prefix` is how many bytes a length has. `check` is told each length before
   * anything is kept of its unit, and throws if it is not to be; 0 never is.
   */
  constructor(prefix: 2 | 4, check: (length: number) => void) {
    this.#prefix = prefix;
    this.#check = check;
    this.#goal = prefix;
  }

  /** How many bytes of memory an unfinished unit takes. */
  get held(): number {
    return this.#buffer.length;
  }

  /**
   * Takes the next chunk, and iterates over the units that it completes, without
   * their length; they are views of `chunk` where they were whole in it. Once
   * `check` has thrown, or the loop was left early, there is no going on.
   */
  push(chunk: Uint8Array): this {
    this.#chunk = chunk;
    this.#at = 0;
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Uint8Array, undefined> {
    const chunk = this.#chunk;
    while (this.#at < chunk.length) {
      const at = this.#at;
      if (this.#pending === 0 && at + this.#prefix <= chunk.length) {
        const size = this.#prefix + this.#lengthAt(chunk, at);
        const end = at + size;
        if (end <= chunk.length) {
          this.#at = end;
          return { done: false, value: chunk.subarray(at + this.#prefix, end) };
        }
        this.#goal = size;
      }
      const end = Math.min(at + this.#goal - this.#pending, chunk.length);
      this.#keep(chunk.subarray(at, end));
      this.#at = end;
      if (this.#pending < this.#goal) break;
      if (this.#goal > this.#prefix) {
        return { done: false, value: this.#complete() };
      }
      this.#goal += this.#lengthAt(this.#buffer, 0);
    }
    this.#chunk = EMPTY;
    return { done: true, value: undefined };
  }

  #lengthAt(bytes: Uint8Array, at: number): number {
    let length = 0;
    for (let i = 0; i < this.#prefix; i++) {
      length = length * 256 + bytes[at + i]!;
    }
    this.#check(length);
    return length;
  }

  #keep(part: Uint8Array): void {
    const size = this.#pending + part.length;
    if (size > this.#buffer.length) {
      // A length is only a promise: memory grows with what has arrived. By four,
      // as a large unit comes in pieces of much the same size.
      const grown = new Uint8Array(
        Math.min(this.#goal, Math.max(size, 4 * this.#pending)),
      );
      grown.set(this.#buffer.subarray(0, this.#pending));
      this.#buffer = grown;
    }
    this.#buffer.set(part, this.#pending);
    this.#pending = size;
  }

  #complete(): Uint8Array {
    const unit = this.#buffer.subarray(this.#prefix, this.#goal);
    // The unit is the caller's, and an idle connection holds nothing.
    this.#buffer = EMPTY;
    this.#pending = 0;
    this.#goal = this.#prefix;
    return unit;
  }
}

/** The error for bytes that come after what ended their stream. */
export function brokenStream(): CypherError {
  return new CypherError(
    "BAD_MESSAGE",
    "Cannot read on: the stream has ended at an error before",
  );
}
