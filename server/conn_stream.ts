import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import type { Conn } from "../protocol/transport.ts";

/** What an idle connection reads into, and what a busy one does, in bytes. */
const IDLE = 1_024;
const BUSY = 65_536;

/** A connection as `node:tls` takes one. Closing it is left to its owner. */
export class ConnStream extends Duplex {
  #conn: Conn;
  #size = IDLE;
  #received = 0;
  #written = false;
  /** A read that was begun before anybody asked for it. */
  #ahead: Promise<Uint8Array | null> | undefined;
  #held: PromiseWithResolvers<void> | undefined;

  /** The stream ends with the peer's half: no wire serves on after that. */
  constructor(conn: Conn) {
    super({ allowHalfOpen: false });
    this.#conn = conn;
  }

  /** Told how much has come, with what the next read goes to, in bytes. */
  onReceived: (bytes: number) => void = () => {};

  /** Resolves once something has come, or never will. */
  async begun(): Promise<void> {
    this.#ahead = this.#receive();
    await this.#ahead.catch(() => {});
  }

  /** Whether anything was written. */
  get written(): boolean {
    return this.#written;
  }

  /** Reads no more; `node:tls` would take all that comes, paused or not. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  /** Reads on. */
  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  /** Called by the stream when it wants more. */
  override async _read(): Promise<void> {
    if (this.#held) await this.#held.promise;
    const reading = this.#ahead ?? this.#receive();
    this.#ahead = undefined;
    try {
      const chunk = await reading;
      this.onReceived(this.#received + this.#size);
      // What was told may have ended it.
      if (!this.destroyed) this.push(chunk);
    } catch (error) {
      this.destroy(error as Error);
    }
  }

  /** Called by the stream when there is something to write. */
  override _write(
    chunk: Uint8Array,
    _encoding: string,
    done: (error?: Error) => void,
  ): void {
    this.#written = true;
    this.#writeAll(chunk).then(() => done(), done);
  }

  /** Called by the stream when there is much: the records of one answer. */
  override _writev(
    chunks: { chunk: Uint8Array }[],
    done: (error?: Error) => void,
  ): void {
    const all = Buffer.concat(chunks.map(({ chunk }) => chunk));
    this._write(all, "", done);
  }

  /** Called by the stream when nothing more will be written. */
  override _final(done: (error?: Error) => void): void {
    this.#conn.closeWrite().then(() => done(), done);
  }

  async #receive(): Promise<Uint8Array | null> {
    const buffer = new Uint8Array(this.#size);
    const count = await this.#conn.read(buffer);
    this.#size = count === buffer.length
      ? Math.min(BUSY, 4 * buffer.length)
      : IDLE;
    if (count === null) return null;
    this.#received += count;
    return buffer.subarray(0, count);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      const count = await this.#conn.write(rest);
      rest = rest.subarray(count);
    }
  }
}
