const LF = 10;
const CR = 13;
const EMPTY = new Uint8Array(0);
/** A byte order mark is text like any other: nothing is dropped unseen. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** One line of a stream, without what ended it. */
export type Line =
  /** A line of text. */
  | { readonly kind: "text"; readonly text: string; readonly bytes: number }
  /** A line that is not UTF-8. */
  | { readonly kind: "not-utf8"; readonly bytes: number }
  /** A line over the limit: told once, then skipped up to its end. */
  | { readonly kind: "too-long"; readonly bytes: number };

/**
 * Splits a byte stream into the lines that LF, or CRLF, ends. Each byte is
 * scanned once, whatever the chunking, and at most one line's limit is kept.
 */
export class LineSplitter {
  #limit: number;
  #buffer: Uint8Array = EMPTY;
  #pending = 0;
  #skipping = false;

  /** `limit` is the longest line in bytes, what ends it not counted. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many bytes of an unfinished line are held. */
  get pending(): number {
    return this.#pending;
  }

  /** Takes the next chunk and returns the lines it completed. */
  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(LF, start);
      const last = end === -1;
      this.#add(chunk.subarray(start, last ? undefined : end), last, lines);
      if (last) return lines;
      start = end + 1;
    }
  }

  /** Adds to the line that has begun; `open` if its end is still to come. */
  #add(part: Uint8Array, open: boolean, lines: Line[]): void {
    if (!this.#skipping) {
      const line = open ? this.#keep(part) : this.#complete(part);
      if (line) lines.push(line);
    }
    if (!open) this.#skipping = false;
  }

  #complete(tail: Uint8Array): Line | undefined {
    if (this.#pending === 0) return this.#read(tail);
    const over = this.#keep(tail);
    if (over) return over;
    const line = this.#read(this.#buffer.subarray(0, this.#pending));
    this.#forget();
    return line;
  }

  #read(bytes: Uint8Array): Line {
    const line = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
    const size = line.length;
    if (size > this.#limit) return { kind: "too-long", bytes: size };
    try {
      return { kind: "text", text: utf8.decode(line), bytes: size };
    } catch {
      return { kind: "not-utf8", bytes: size };
    }
  }

  #keep(part: Uint8Array): Line | undefined {
    const size = this.#pending + part.length;
    // One byte more than the limit may still turn out to be a CR.
    if (size > this.#limit + 1) {
      this.#skipping = true;
      this.#forget();
      return { kind: "too-long", bytes: size };
    }
    if (size > this.#buffer.length) {
      const doubled = Math.max(size, 2 * this.#pending);
      const grown = new Uint8Array(Math.min(this.#limit + 1, doubled));
      grown.set(this.#buffer.subarray(0, this.#pending));
      this.#buffer = grown;
    }
    this.#buffer.set(part, this.#pending);
    this.#pending = size;
    return undefined;
  }

  #forget(): void {
    this.#buffer = EMPTY;
    this.#pending = 0;
  }
}
