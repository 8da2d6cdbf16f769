import type { Clock } from "../../protocol/clock.ts";
import { Deadline } from "../../protocol/deadline.ts";
import { FifoMap } from "../../protocol/fifo_map.ts";
import type { ClientRecord } from "./client_record.ts";

/** For how long, and how many, clients that are away are remembered. */
export interface AwayLimits {
  clock: Clock;
  /** How long a client that is away is remembered, in ms. */
  maxAge: number;
  /** How many clients that are away are remembered. */
  maxAway: number;
}

/** The clients that have no connection, and when each is to be forgotten. */
export class AwayClients {
  #limits: AwayLimits;
  #forget: (record: ClientRecord) => void;
  /** When each went, the longest away first. */
  #since = new FifoMap<ClientRecord, number>();
  #deadline: Deadline;

  /** `forget` is called for one that is away for too long, or one too many. */
  constructor(limits: AwayLimits, forget: (record: ClientRecord) => void) {
    this.#limits = limits;
    this.#forget = forget;
    this.#deadline = new Deadline(limits.clock, () => this.#forgetOld());
  }

  /** A client has gone away. */
  add(record: ClientRecord): void {
    const { clock, maxAge, maxAway } = this.#limits;
    this.#since.add(record, clock.now());
    if (this.#since.size > maxAway) this.#forget(this.#since.oldest![0]);
    if (this.#since.size === 1) this.#deadline.set(maxAge);
  }

  /** A client is back, or not this thread's any more. */
  delete(record: ClientRecord): void {
    this.#since.delete(record);
  }

  /** Nobody is forgotten any more; for the end of the server. */
  stop(): void {
    this.#deadline.stop();
  }

  #forgetOld(): void {
    const { clock, maxAge } = this.#limits;
    const before = clock.now() - maxAge;
    while (this.#since.oldest) {
      const [record, since] = this.#since.oldest;
      if (since > before) return this.#deadline.set(since - before);
      this.#forget(record);
    }
  }
}
