import { FRAME, FrameBatch, type FrameType } from "./frames.ts";
import { RECORD_PLAIN, type RecordSealer } from "./records.ts";

/** How much is sealed and written at once, in bytes. */
const SLICE = 4 * RECORD_PLAIN;
/**
 * How much need not wait for the end of its tick, in bytes. With many requests
 * in flight the peer then works on these while the rest is being made, instead
 * of each end waiting for the other's whole batch (measured: 1.6 times the
 * rate with 64 in flight; half or twice as much was slower).
 */
const ENOUGH = 4_096;

/**
 * Sends the frames of one end of a session. Frames of the same tick become one
 * record and one write, or a few if they are many; while a write is under way,
 * those that come meanwhile wait for the next.
 */
export class FrameWriter {
  #sealer: RecordSealer;
  #write: (bytes: Uint8Array, progress: () => void) => Promise<void>;
  #progress: () => void;
  #written: () => void;
  #batch = new FrameBatch();
  /** Whether the batch has anything but pings. */
  #telling = false;
  /** From the first frame on until nothing is left to write. */
  #flushing: Promise<void> | undefined;
  #writing = false;

  /**
   * `write` takes sealed bytes, and never rejects. `progress` is called
   * whenever the peer has taken some of what is being written, and there is
   * more: a sign of life, where no other can come through. A ping by itself is
   * none, in however many pieces it is written: it asks for one. `written` is
   * called after each write.
   */
  constructor(
    sealer: RecordSealer,
    write: (bytes: Uint8Array, progress: () => void) => Promise<void>,
    progress: () => void,
    written: () => void,
  ) {
    this.#sealer = sealer;
    this.#write = write;
    this.#progress = progress;
    this.#written = written;
  }

  /** How many bytes wait for a write that is under way. */
  get waiting(): number {
    return this.#batch.size;
  }

  /** Sends a frame with what else is sent in this tick. */
  send(type: FrameType, id: number, payload: Uint8Array | string = ""): void {
    this.#batch.add(type, id, payload);
    if (type !== FRAME.ping) this.#telling = true;
    if (this.#writing) return;
    if (this.#batch.size >= ENOUGH) this.#flushing = this.#flush();
    else this.#flushing ??= Promise.resolve().then(() => this.#endTick());
  }

  /** Resolves once everything sent so far is written. */
  async flushed(): Promise<void> {
    await this.#flushing;
  }

  #endTick(): Promise<void> | undefined {
    return this.#writing ? this.#flushing : this.#flush();
  }

  async #flush(): Promise<void> {
    this.#writing = true;
    while (this.#batch.size > 0) {
      const plain = this.#batch.take();
      const progress = this.#telling ? this.#progress : () => {};
      this.#telling = false;
      // In slices, so that the peer opens one while the next is being sealed.
      for (let at = 0; at < plain.length; at += SLICE) {
        if (at > 0) progress();
        const sealed = this.#sealer.seal(plain.subarray(at, at + SLICE));
        await this.#write(sealed, progress);
        this.#written();
      }
    }
    this.#writing = false;
    this.#flushing = undefined;
  }
}
