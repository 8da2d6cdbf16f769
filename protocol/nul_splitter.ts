const NUL = 0;
const EMPTY = new Uint8Array(0);

/**
 * Splits a byte stream into the messages that NUL bytes end. Each byte is
 * scanned once, whatever the chunking, and at most one message's limit is kept.
 */
export class NulSplitter {
  #limit: number;
  #buffer: Uint8Array = EMPTY;
  #pending = 0;
  #overflowed = false;

  /** `limit` is the largest message in bytes, its NUL not counted. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many bytes of an unfinished message are held. */
  get pending(): number {
    return this.#pending;
  }

  /** How many bytes of memory an unfinished message takes. */
  get held(): number {
    return this.#buffer.length;
  }

  /** Whether a message was over the limit: nothing more will come out. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /**
   * Takes the next chunk and returns the messages it completed, without their
   * NUL. They may be views of `chunk`: use them before it is overwritten.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const messages: Uint8Array[] = [];
    let start = 0;
    while (!this.#overflowed) {
      const end = chunk.indexOf(NUL, start);
      if (end === -1) break;
      const message = this.#complete(chunk.subarray(start, end));
      if (message) messages.push(message);
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return messages;
  }

  #complete(tail: Uint8Array): Uint8Array | undefined {
    if (this.#pending === 0 && tail.length <= this.#limit) return tail;
    if (!this.#keep(tail)) return undefined;
    const message = this.#buffer.subarray(0, this.#pending);
    this.#forget();
    return message;
  }

  /** Adds to the unfinished message; false if that would be over the limit. */
  #keep(part: Uint8Array): boolean {
    const size = this.#pending + part.length;
    if (this.#overflowed || size > this.#limit) {
      this.#overflowed = true;
      this.#forget();
      return false;
    }
    if (size > this.#buffer.length) {
      // Doubling, so that a peer sending single bytes costs no more than one
      // sending kilobytes; never past the limit.
      const capacity = Math.min(this.#limit, Math.max(size, 2 * this.#pending));
      const grown = new Uint8Array(capacity);
      grown.set(this.#buffer.subarray(0, this.#pending));
      this.#buffer = grown;
    }
    this.#buffer.set(part, this.#pending);
    this.#pending = size;
    return true;
  }

  #forget(): void {
    this.#buffer = EMPTY;
    this.#pending = 0;
  }
}
