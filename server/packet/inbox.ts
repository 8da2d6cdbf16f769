import type { MaybePromise } from "../../protocol/envelope.ts";

/** What a waiting task takes beside its message, roughly, in bytes. */
const OVERHEAD = 64;

/** What is to be done with a message; it does not throw. */
export type Task = () => MaybePromise<void>;

/**
 * Messages that are acknowledged and wait to be handled: in their order, each
 * after the one before is done.
 */
export class Inbox {
  #waiting: { readonly size: number; readonly task: Task }[] = [];
  #bytes = 0;
  #running: Promise<void> | undefined;
  #taken = Promise.withResolvers<void>();
  #dropped = Promise.withResolvers<void>();
  #isDropped = false;

  /** Whether nothing waits and nothing is being done. */
  get idle(): boolean {
    return this.#running === undefined;
  }

  /** Adds what is to be done with a message of `size` bytes. */
  push(size: number, task: Task): void {
    if (this.#isDropped) return;
    if (this.idle) {
      // Most handlers are done at once: then there is nothing to wait for.
      const doing = task();
      if (doing) this.#running = this.#run(doing);
      return;
    }
    this.#waiting.push({ size, task });
    this.#bytes += size + OVERHEAD;
  }

  /** Resolves once no more than `limit` bytes wait. */
  async below(limit: number): Promise<void> {
    while (this.#bytes > limit) await this.#taken.promise;
  }

  /** Resolves once everything is done, or dropped. */
  async done(): Promise<void> {
    while (this.#running && !this.#isDropped) {
      await Promise.race([this.#running, this.#dropped.promise]);
    }
  }

  /** Drops what waits, and waits for nothing; what is being done goes on. */
  drop(): void {
    this.#isDropped = true;
    this.#waiting = [];
    this.#bytes = 0;
    this.#dropped.resolve();
    this.#taken.resolve();
  }

  async #run(first: Promise<void>): Promise<void> {
    await first;
    for (let next; (next = this.#waiting.shift());) {
      this.#bytes -= next.size + OVERHEAD;
      this.#taken.resolve();
      this.#taken = Promise.withResolvers();
      await next.task();
    }
    this.#running = undefined;
  }
}
