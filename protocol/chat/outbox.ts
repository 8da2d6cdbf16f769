/** How an {@linkcode Outbox} is made. */
export interface OutboxOptions {
  /** Writes all of `bytes`; must not reject. */
  write(bytes: Uint8Array): Promise<void>;
  /** The most that may wait, in bytes, what is being written included. */
  limit: number;
}

/**
 * What is to be written, in order and one write at a time. What comes while a
 * write is under way goes out together in the next.
 */
export class Outbox {
  #options: OutboxOptions;
  #queue: Uint8Array[] = [];
  #pending = 0;
  #writing: Promise<void> | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** How many bytes wait, what is being written included. */
  get pending(): number {
    return this.#pending;
  }

  /** Resolves once nothing waits. */
  get flushed(): Promise<void> {
    return this.#writing ?? Promise.resolve();
  }

  /** Adds `bytes`, unless that would be over the limit: then false. */
  push(bytes: Uint8Array): boolean {
    if (this.#pending + bytes.length > this.#options.limit) return false;
    this.#pending += bytes.length;
    this.#queue.push(bytes);
    this.#writing ??= this.#run();
    return true;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = concat(this.#queue);
      this.#queue = [];
      await this.#options.write(batch);
      this.#pending -= batch.length;
    }
    this.#writing = undefined;
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
