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
  #written = false;
  #held: PromiseWithResolvers<void> | undefined;

  /** The stream ends with the peer's half: no wire serves on after that. */
  constructor(conn: Conn) {
    super({ allowHalfOpen: false });
    this.#conn = conn;
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
    const buffer = new Uint8Array(this.#size);
    try {
      const count = await this.#conn.read(buffer);
      this.#size = count === buffer.length
        ? Math.min(BUSY, 4 * buffer.length)
        : IDLE;
      this.push(count === null ? null : buffer.subarray(0, count));
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

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.#conn.write(bytes.subarray(at));
    }
  }
}
