import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../../protocol/clock.ts";
import type { Transport } from "../../protocol/transport.ts";

/** Short times are over at the next turn of the event loop, long ones never. */
export const hastyClock: Clock = {
  now: () => 0,
  wall: () => 0,
  setTimeout: (callback, delay): Timer =>
    delay <= 10 ? setImmediate(callback) : 0,
  clearTimeout: () => {},
};

/** A peer whose every byte is known beforehand, and which then leaves. */
export class ScriptTransport implements Transport {
  /** How many bytes were written to it. */
  written = 0;
  /** How often something was read. */
  reads = 0;
  /** The most that was asked for in one read. */
  largestRead = 0;
  #chunks: Uint8Array[];
  #random: () => number;
  #closed = false;

  /** `chunks` come one after the other, with pauses that `random` chooses. */
  constructor(chunks: readonly Uint8Array[], random: () => number) {
    this.#chunks = [...chunks];
    this.#random = random;
  }

  async read(into: Uint8Array): Promise<number | null> {
    this.reads++;
    this.largestRead = Math.max(this.largestRead, into.length);
    // Long enough to count as the end of a message, or no time at all.
    if (this.#random() < 0.8) await turns(3);
    if (this.#closed) throw new Error("It was closed");
    const chunk = this.#chunks.shift();
    if (chunk === undefined) return null;
    const size = Math.min(chunk.length, into.length);
    into.set(chunk.subarray(0, size));
    if (size < chunk.length) this.#chunks.unshift(chunk.subarray(size));
    return size;
  }

  write(bytes: Uint8Array): Promise<void> {
    this.written += bytes.length;
    return Promise.resolve();
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#closed = true;
  }
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}
