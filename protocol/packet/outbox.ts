/**
 * Writes packets in their order, one write at a time: what gathers while a
 * write is under way, or within one turn of the program, goes out as one.
 */
export class Outbox {
  #write: (bytes: Uint8Array) => Promise<void>;
  #waiting: Uint8Array[] = [];
  #pending = 0;
  #writing: Promise<void> | undefined;

  /** `write` writes all it is given, and does not reject. */
  constructor(write: (bytes: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  /** How many bytes are not written. */
  get pending(): number {
    return this.#pending;
  }

  /** Adds a packet. */
  push(bytes: Uint8Array): void {
    this.#waiting.push(bytes);
    this.#pending += bytes.length;
    this.#writing ??= this.#run();
  }

  /** Resolves once everything is written. */
  async flushed(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #run(): Promise<void> {
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const bytes = join(this.#waiting);
      this.#waiting = [];
      await this.#write(bytes);
      this.#pending -= bytes.length;
    }
    this.#writing = undefined;
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const joined = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
