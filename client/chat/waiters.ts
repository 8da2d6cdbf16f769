import { CypherError } from "../../protocol/errors.ts";

/** Those who wait for the connection. */
export class Waiters {
  #limit: number;
  #waiters = new Set<PromiseWithResolvers<void>>();

  /** `limit` is how many may wait. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Waits.
   *
   * @throws {CypherError} `QUEUE_FULL`, or what everybody is rejected with.
   */
  async add(): Promise<void> {
    if (this.#waiters.size >= this.#limit) {
      throw new CypherError(
        "QUEUE_FULL",
        `Cannot wait for the connection: ${this.#limit} do already`,
      );
    }
    const waiter = Promise.withResolvers<void>();
    this.#waiters.add(waiter);
    await waiter.promise;
  }

  /** The connection is there. */
  resolveAll(): void {
    for (const waiter of this.#take()) waiter.resolve();
  }

  /** There will be none. */
  rejectAll(error: CypherError): void {
    for (const waiter of this.#take()) waiter.reject(error);
  }

  #take(): Iterable<PromiseWithResolvers<void>> {
    const waiters = this.#waiters;
    this.#waiters = new Set();
    return waiters;
  }
}
