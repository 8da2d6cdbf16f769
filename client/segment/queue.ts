import type { Clock } from "../../protocol/clock.ts";
import { CypherError } from "../../protocol/errors.ts";
import { aborted } from "./errors.ts";

/** What one message may take. */
export interface SendOptions {
  /** Gives the message up. */
  signal?: AbortSignal | undefined;
  /** The most it may take in all, in ms, default `Infinity`. */
  deadline?: number | undefined;
}

/** A message that waits for its answer. */
interface Entry {
  readonly message: Uint8Array;
  readonly answer: PromiseWithResolvers<Uint8Array>;
  ended: boolean;
}

/** Whom a {@linkcode SendQueue} asks. */
export interface Sender {
  /** Makes sure that there is a connection. */
  open(): Promise<unknown>;
  /** Sends a message on it. */
  exchange(message: Uint8Array): Promise<Uint8Array>;
  /** The message under way was given up: its answer must not meet the next. */
  abandon(): void;
}

/** Messages go out one by one, each when the one before is settled. */
export class SendQueue {
  #clock: Clock;
  #limit: number;
  #sender: Sender;
  #entries: Entry[] = [];
  #pumping = false;
  /** The one that was handed to the connection. */
  #under: Entry | undefined;

  constructor(clock: Clock, limit: number, sender: Sender) {
    this.#clock = clock;
    this.#limit = limit;
    this.#sender = sender;
  }

  /** How many messages wait for their answers. */
  get size(): number {
    return this.#entries.length;
  }

  /**
   * Adds a message; resolves to its answer.
   *
   * @throws {CypherError} `QUEUE_FULL`, `ABORTED`, `DEADLINE`, or what the
   * sender threw.
   */
  async add(
    message: Uint8Array,
    { signal, deadline }: {
      signal?: AbortSignal | undefined;
      deadline: number;
    },
  ): Promise<Uint8Array> {
    if (signal?.aborted) throw aborted(signal);
    if (this.#entries.length >= this.#limit) {
      throw new CypherError(
        "QUEUE_FULL",
        `Cannot send the message: ${this.#limit} are waiting already`,
      );
    }
    const answer = Promise.withResolvers<Uint8Array>();
    const entry: Entry = { message, answer, ended: false };
    const abort = () => this.#giveUp(entry, aborted(signal!));
    const timer = deadline === Infinity
      ? undefined
      : this.#clock.setTimeout(() => {
        const late = `The message took over ${deadline} ms`;
        this.#giveUp(entry, new CypherError("DEADLINE", late));
      }, deadline);
    signal?.addEventListener("abort", abort);
    this.#entries.push(entry);
    this.#pump();
    try {
      return await answer.promise;
    } finally {
      if (timer !== undefined) this.#clock.clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Ends every message that waits. */
  failAll(error: unknown): void {
    for (const entry of [...this.#entries]) this.#end(entry, { error });
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#entries.length > 0) {
      try {
        await this.#sender.open();
      } catch (error) {
        // Nobody is there: that answers all of them.
        this.failAll(error);
        break;
      }
      const entry = this.#entries[0];
      if (entry) await this.#send(entry);
    }
    this.#pumping = false;
  }

  async #send(entry: Entry): Promise<void> {
    this.#under = entry;
    try {
      const answer = await this.#sender.exchange(entry.message);
      this.#end(entry, { answer });
    } catch (error) {
      this.#end(entry, { error });
    }
    this.#under = undefined;
  }

  #giveUp(entry: Entry, error: CypherError): void {
    if (entry.ended) return;
    this.#end(entry, { error });
    if (this.#under === entry) this.#sender.abandon();
  }

  /** The only place where a message ends; the first end counts. */
  #end(
    entry: Entry,
    outcome: { answer: Uint8Array } | { error: unknown },
  ): void {
    if (entry.ended) return;
    entry.ended = true;
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    if ("answer" in outcome) entry.answer.resolve(outcome.answer);
    else entry.answer.reject(outcome.error);
  }
}
