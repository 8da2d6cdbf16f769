import type { Conn } from "../../protocol/transport.ts";

/** A connection whose peer says these chunks, and then closes. */
export class Script implements Conn {
  /** How many bytes were written to it. */
  written = 0;
  /** How many bytes were read from it. */
  taken = 0;
  #chunks: Uint8Array[];
  #deaf: boolean;

  /** `deaf`: the peer reads nothing, so no write ever ends. */
  constructor(chunks: Uint8Array[], { deaf = false } = {}) {
    this.#chunks = chunks.slice();
    this.#deaf = deaf;
  }

  read(into: Uint8Array): Promise<number | null> {
    const chunk = this.#chunks.shift();
    if (!chunk) return Promise.resolve(null);
    const part = chunk.subarray(0, into.length);
    into.set(part);
    if (part.length < chunk.length) {
      this.#chunks.unshift(chunk.subarray(part.length));
    }
    this.taken += part.length;
    return Promise.resolve(part.length);
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#deaf) return this.#closed.promise;
    this.written += bytes.length;
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#chunks = [];
    this.#closed.reject(new Deno.errors.BadResource("closed"));
  }

  #closed = closing();
}

function closing(): PromiseWithResolvers<number> {
  const closed = Promise.withResolvers<number>();
  // Nobody may be writing.
  closed.promise.catch(() => {});
  return closed;
}
