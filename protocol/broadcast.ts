import { checkNames, checkNumber, checkSignal, count } from "./options.ts";

const CAPACITY = count(10_000, 1, 10_000_000);

/** How a {@linkcode Subscription} is made. */
export interface SubscribeOptions {
  /** Ends the subscription. */
  signal?: AbortSignal | undefined;
  /**
   * How many values may wait to be taken, default 10,000. Over it the oldest
   * are dropped and counted in {@linkcode Subscription.dropped}.
   */
  capacity?: number | undefined;
}

/**
 * Hands each published value to every subscriber. Publishing never waits:
 * a subscriber that does not keep up loses its oldest values.
 */
export class Broadcast<T> {
  #listeners = new Set<{ readonly call: (value: T) => void }>();
  #subscriptions = new Set<Subscription<T>>();
  #closed = false;

  /** Whether anybody would see a published value. */
  get watched(): boolean {
    return this.#listeners.size > 0;
  }

  /**
   * Hands a value to everybody. What a listener throws is reported as if nobody
   * had caught it, and keeps nothing from the others or from the publisher.
   */
  publish(value: T): void {
    for (const listener of this.#listeners) {
      try {
        listener.call(value);
      } catch (error) {
        reportError(error);
      }
    }
  }

  /** Calls `listener` with each value, at once; returns what ends that. */
  listen(listener: (value: T) => void): () => void {
    // Wrapped, so that the same function can listen twice.
    const entry = { call: listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /**
   * Values from now on, as an async iterable. `listen` may be another way to
   * listen, default {@linkcode Broadcast.listen}.
   *
   * @throws {CypherError} `BAD_OPTION` if an option is not right.
   */
  subscribe(
    options: SubscribeOptions = {},
    listen: Broadcast<T>["listen"] = (listener) => this.listen(listener),
  ): Subscription<T> {
    checkNames("", options, ["signal", "capacity"]);
    checkSignal(options.signal);
    const capacity = checkNumber("capacity", options.capacity, CAPACITY);
    const subscription = new Subscription<T>(capacity, () => {
      unlisten();
      options.signal?.removeEventListener("abort", end);
      this.#subscriptions.delete(subscription);
    });
    const unlisten = listen((value) => subscription.push(value));
    const end = () => subscription.end();
    this.#subscriptions.add(subscription);
    options.signal?.addEventListener("abort", end);
    if (options.signal?.aborted || this.#closed) end();
    return subscription;
  }

  /** Ends every subscription, after what it still holds. */
  close(): void {
    this.#closed = true;
    for (const subscription of this.#subscriptions) subscription.end();
  }
}

/** A bounded stream of values; ends with `return()`, `await using` or `break`. */
export class Subscription<T>
  implements AsyncIterableIterator<T, undefined, void>, AsyncDisposable {
  /** How many values were lost because nobody took them in time. */
  dropped = 0;
  #values: T[] = [];
  #waiting: ((result: IteratorResult<T, undefined>) => void)[] = [];
  #ended = false;
  #capacity: number;
  #onEnd: () => void;

  /** Made by {@linkcode Broadcast.subscribe}. */
  constructor(capacity: number, onEnd: () => void) {
    this.#capacity = capacity;
    this.#onEnd = onEnd;
  }

  /** Adds a value. */
  push(value: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) return waiting({ done: false, value });
    this.#values.push(value);
    if (this.#values.length > this.#capacity) {
      this.#values.shift();
      this.dropped++;
    }
  }

  /** Ends the stream once what it holds is taken. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
    for (const waiting of this.#waiting.splice(0)) {
      waiting({ done: true, value: undefined });
    }
  }

  /** The next value, waiting for it if there is none yet. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#values.length > 0) {
      return Promise.resolve({ done: false, value: this.#values.shift()! });
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Ends the stream and drops what it holds. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.end();
    this.#values = [];
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The stream itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the stream. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
