/** What an idle connection reads into, in bytes: there may be thousands. */
const SMALLEST = 1_024;
/** By how much it grows and shrinks. */
const STEP = 4;

/**
 * How much a connection reads at once. Grows with every read that fills it;
 * shrinks after two in a row that leave most of it empty. One is no sign: the
 * end of a large message often comes by itself.
 */
export class ReadSize {
  #most: number;
  #bytes = SMALLEST;
  /** Whether the last read left most of it empty. */
  #loose = false;

  /** `most` is the largest that it may be, in bytes. */
  constructor(most: number) {
    this.#most = most;
  }

  /** How much to read next, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** So many bytes came of those that were asked for. */
  took(count: number): void {
    const loose = count < this.#bytes / STEP;
    if (count === this.#bytes) {
      this.#bytes = Math.min(this.#most, STEP * this.#bytes);
    } else if (loose && this.#loose) {
      this.#bytes = Math.max(SMALLEST, Math.floor(this.#bytes / STEP));
    }
    this.#loose = loose;
  }
}
