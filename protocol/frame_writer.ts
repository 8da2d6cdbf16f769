import { FRAME, FrameBatch, type FrameType } from "./frames.ts";
import { RECORD_PLAIN, type RecordSealer } from "./records.ts";

/** How much is sealed and written at once, in bytes. */
const SLICE = 4 * RECORD_PLAIN;

/**
 * Sends the frames of one end of a session. Frames of the same tick become one
 * record and one write; while a write is under way, those that come meanwhile
 * wait for the next.
 */
export class FrameWriter {
  #sealer: RecordSealer;
  #write: (bytes: Uint8Array, progress: () => void) => Promise<void>;
  #progress: () => void;
  #batch = new FrameBatch();
  /** Whether the batch has anything but pings. */
  #telling = false;
  #flushing: Promise<void> | undefined;

  /**
   * `write` takes sealed bytes, and never rejects. `progress` is called
   * whenever the peer has taken some of what is being written, and there is
   * more: a sign of life, where no other can come through. A ping by itself is
   * none, in however many pieces it is written: it asks for one.
   */
  constructor(
    sealer: RecordSealer,
    write: (bytes: Uint8Array, progress: () => void) => Promise<void>,
    progress: () => void,
  ) {
    this.#sealer = sealer;
    this.#write = write;
    this.#progress = progress;
  }

  /** How many bytes wait for a write that is under way. */
  get waiting(): number {
    return this.#batch.size;
  }

  /** Sends a frame with what else is sent in this tick. */
  send(type: FrameType, id: number, payload: Uint8Array | string = ""): void {
    this.#batch.add(type, id, payload);
    if (type !== FRAME.ping) this.#telling = true;
    this.#flushing ??= Promise.resolve().then(() => this.#flush());
  }

  /** Resolves once everything sent so far is written. */
  async flushed(): Promise<void> {
    await this.#flushing;
  }

  async #flush(): Promise<void> {
    while (this.#batch.size > 0) {
      const plain = this.#batch.take();
      const progress = this.#telling ? this.#progress : () => {};
      this.#telling = false;
      // In slices, so that the peer opens one while the next is being sealed.
      for (let at = 0; at < plain.length; at += SLICE) {
        if (at > 0) progress();
        const sealed = this.#sealer.seal(plain.subarray(at, at + SLICE));
        await this.#write(sealed, progress);
      }
    }
    this.#flushing = undefined;
  }
}
