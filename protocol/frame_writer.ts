import { FrameBatch, type FrameType } from "./frames.ts";
import type { RecordSealer } from "./records.ts";

/**
 * Sends the frames of one end of a session. Frames of the same tick become one
 * record and one write; while a write is under way, those that come meanwhile
 * wait for the next.
 */
export class FrameWriter {
  #sealer: RecordSealer;
  #write: (bytes: Uint8Array) => Promise<void>;
  #batch = new FrameBatch();
  #flushing: Promise<void> | undefined;

  /** `write` takes sealed bytes, and never rejects. */
  constructor(
    sealer: RecordSealer,
    write: (bytes: Uint8Array) => Promise<void>,
  ) {
    this.#sealer = sealer;
    this.#write = write;
  }

  /** How many bytes wait for a write that is under way. */
  get waiting(): number {
    return this.#batch.size;
  }

  /** Sends a frame with what else is sent in this tick. */
  send(type: FrameType, id: number, payload: Uint8Array | string = ""): void {
    this.#batch.add(type, id, payload);
    this.#flushing ??= Promise.resolve().then(() => this.#flush());
  }

  /** Resolves once everything sent so far is written. */
  async flushed(): Promise<void> {
    await this.#flushing;
  }

  async #flush(): Promise<void> {
    while (this.#batch.size > 0) {
      await this.#write(this.#sealer.seal(this.#batch.take()));
    }
    this.#flushing = undefined;
  }
}
