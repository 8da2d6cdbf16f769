import type { Clock } from "../protocol/clock.ts";
import { CypherError } from "../protocol/errors.ts";
import type { Viewer } from "./snapshot.ts";

/** The most bytes handed over at once: what waits beyond is ours to drop. */
const PIECE = 32_768;

/** How an {@linkcode EventStream} is made. */
export interface EventStreamOptions {
  /** Whether it carries `request` signals. */
  readonly requests: boolean;
  /** Who it is for. */
  readonly viewer: Viewer;
  /** Whether who it is for may still see it. */
  readonly valid: () => boolean;
  /** What may wait to be read besides the first event, in bytes. */
  readonly limit: number;
  readonly clock: Clock;
  /** Called once it is over, whoever ended it, and whether it was dropped. */
  readonly onEnd: (stream: EventStream, dropped: boolean) => void;
}

/**
 * One subscriber. Waiting bytes are references to what all subscribers share;
 * pieces of them are copied on only when the connection takes more.
 */
export class EventStream {
  /** What its client names when it says that it is still reading. */
  readonly id: string = crypto.randomUUID();
  readonly requests: boolean;
  readonly viewer: Viewer;
  readonly valid: () => boolean;
  /** The number of the last signal it was sent. */
  cursor = 0;
  /** The response's body. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #queue: Uint8Array<ArrayBuffer>[] = [];
  #queued = 0;
  /** How much of what is queued belongs to the first event. */
  #opening = 0;
  #limit: number;
  #clock: Clock;
  #alive: number;
  #wanted: (() => void) | undefined;
  #over = false;
  #onEnd: (stream: EventStream, dropped: boolean) => void;

  constructor(options: EventStreamOptions) {
    const { requests, viewer, valid, limit, clock, onEnd } = options;
    this.requests = requests;
    this.viewer = viewer;
    this.valid = valid;
    this.#limit = limit;
    this.#clock = clock;
    this.#alive = clock.now();
    this.#onEnd = onEnd;
    this.body = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#pull(),
      cancel: () => this.#end(),
    }, { highWaterMark: 0 });
  }

  /** How much waits to be read, in bytes. */
  get queued(): number {
    return this.#queued;
  }

  /** Queues the first event, which the limit does not count. */
  open(chunks: readonly Uint8Array<ArrayBuffer>[]): void {
    for (const chunk of chunks) {
      this.#opening += chunk.length;
      this.#add(chunk);
    }
  }

  /**
   * Queues bytes. What waits besides the first event stays under the limit, or
   * is a single event; over it the stream is dropped.
   */
  push(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#over) return;
    const waiting = this.#queued - this.#opening;
    if (waiting > 0 && waiting + bytes.length > this.#limit) {
      return this.drop("too much waits for it");
    }
    this.#add(bytes);
  }

  /** Its client has shown that it still reads. */
  keep(): void {
    this.#alive = this.#clock.now();
  }

  /** How long ago its client was last known to read, in ms. */
  get silence(): number {
    return this.#clock.now() - this.#alive;
  }

  /** Ends it after what waits. */
  close(): void {
    if (this.#over) return;
    const rest = this.#queue;
    this.#end();
    for (const chunk of rest) this.#controller.enqueue(chunk);
    this.#controller.close();
  }

  /**
   * Ends it at once. Only an error makes the HTTP server close the connection
   * as well: after a proper end it would keep it for a further request.
   */
  drop(why: string): void {
    if (this.#over) return;
    this.#end(true);
    this.#controller.error(
      new CypherError("CLOSED", `A dashboard's stream was dropped: ${why}`),
    );
  }

  #add(bytes: Uint8Array<ArrayBuffer>): void {
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    this.#wanted?.();
  }

  async #pull(): Promise<void> {
    if (this.#queue.length === 0) {
      await new Promise<void>((resolve) => this.#wanted = resolve);
      this.#wanted = undefined;
    }
    const chunk = this.#queue[0];
    if (chunk === undefined || this.#over) return;
    const piece = chunk.subarray(0, PIECE);
    if (piece.length === chunk.length) this.#queue.shift();
    else this.#queue[0] = chunk.subarray(PIECE);
    this.#queued -= piece.length;
    if (this.#opening > 0) {
      // A long first event on a slow line: its progress is a sign of life.
      this.#opening = Math.max(0, this.#opening - piece.length);
      this.keep();
    }
    this.#controller.enqueue(piece);
  }

  #end(dropped = false): void {
    if (this.#over) return;
    this.#over = true;
    this.#queue = [];
    this.#queued = this.#opening = 0;
    this.#wanted?.();
    this.#onEnd(this, dropped);
  }
}
