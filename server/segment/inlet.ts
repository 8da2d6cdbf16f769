import { type Clock, sleep } from "../../protocol/clock.ts";
import { BLOCK_SIZE } from "../../protocol/segment/block.ts";
import { Intake } from "../../protocol/segment/intake.ts";
import type { Connection } from "../connection.ts";

/** What a connection reads at once when nothing larger is due, in bytes. */
const SMALLEST_READ = 1_024;

/**
 * A connection's input: blocks of a known size, messages of an unknown one. At
 * most one read is under way, and it may outlast the wait that began it.
 */
export class Inlet {
  #connection: Connection;
  #clock: Clock;
  #settle: number;
  #intake: Intake;
  #ahead: Promise<Uint8Array | null> | undefined;

  /** `limit` is the largest message in bytes, `settle` is in ms. */
  constructor(
    connection: Connection,
    { clock, settle, limit }: { clock: Clock; settle: number; limit: number },
  ) {
    this.#connection = connection;
    this.#clock = clock;
    this.#settle = settle;
    // One more byte shows that a message is too large; a read may bring more
    // than is due.
    this.#intake = new Intake(Math.max(limit + 1, BLOCK_SIZE) + SMALLEST_READ);
  }

  /** The next `size` bytes; undefined if the peer goes before that. */
  async block(size: number): Promise<Uint8Array | undefined> {
    while (this.#intake.size < size) {
      if (!await this.#more(size - this.#intake.size)) return undefined;
    }
    return this.#intake.take(size);
  }

  /**
   * The next message: what has arrived by the time nothing more does. It may be
   * larger than `limit`, which is as far as it was read. Undefined if the peer
   * goes.
   */
  async message(limit: number): Promise<Uint8Array | undefined> {
    if (this.#intake.size === 0 && !await this.#more(1)) return undefined;
    while (this.#intake.size < limit) {
      const more = this.#more(limit + 1 - this.#intake.size);
      const quiet = new AbortController();
      const settled = sleep(this.#clock, this.#settle, quiet.signal)
        .then(() => "settled" as const, () => "more" as const);
      const first = await Promise.race([more, settled]);
      quiet.abort();
      if (first === false) return undefined;
      if (first === "settled") break;
    }
    return this.#intake.takeAll();
  }

  /** A pause in which nothing is due; false if the peer goes meanwhile. */
  async pause(delay: number): Promise<boolean> {
    const over = new AbortController();
    const pause = sleep(this.#clock, delay, over.signal)
      .then(() => true, () => false);
    const result = await Promise.race([pause, this.broken()]);
    over.abort();
    return result === true;
  }

  /**
   * Resolves when the peer goes, or sends what is not due. Never, if the peer
   * behaves.
   */
  async broken(): Promise<false> {
    if (this.#intake.size === 0) await this.#more(1);
    return false;
  }

  /** Waits for a read; false if the peer is gone. */
  #more(due: number): Promise<boolean> {
    this.#ahead ??= this.#connection.read(Math.max(SMALLEST_READ, due));
    return this.#take(this.#ahead);
  }

  async #take(reading: Promise<Uint8Array | null>): Promise<boolean> {
    const chunk = await reading;
    // Of all who wait for the same read, the first takes what it brought.
    if (this.#ahead === reading) {
      this.#ahead = undefined;
      if (chunk !== null) this.#intake.push(chunk);
    }
    return chunk !== null && !this.#connection.ended;
  }
}
