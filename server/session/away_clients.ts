import type { Clock } from "../../protocol/clock.ts";
import { Deadline } from "../../protocol/deadline.ts";
import { FifoMap } from "../../protocol/fifo_map.ts";
import type { ClientRecord } from "./client_record.ts";

/** So many ranges of ids take as much memory as a client without any. */
const RANGES = 16;

/** A client that is away. */
interface Away {
  /** Since when, on the clock. */
  readonly since: number;
  /** As how many clients it counts: its ids may be in many ranges. */
  readonly weight: number;
}

/** For how long, and how many, clients that are away are remembered. */
export interface AwayLimits {
  clock: Clock;
  /** How long a client that is away is remembered, in ms. */
  maxAge: number;
  /**
   * How many clients that are away are remembered; those whose ids are in many
   * ranges count as several.
   */
  maxAway: number;
}

/** The clients that have no connection, and when each is to be forgotten. */
export class AwayClients {
  #limits: AwayLimits;
  #forget: (record: ClientRecord) => void;
  /** The longest away first. */
  #away = new FifoMap<ClientRecord, Away>();
  /** What those weigh in all. */
  #weight = 0;
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
    const weight = 1 + Math.floor(record.finished.ranges.length / RANGES);
    this.#away.add(record, { since: clock.now(), weight });
    this.#weight += weight;
    // But for itself, should it alone be too much: that is bounded.
    while (this.#weight > maxAway && this.#away.size > 1) {
      this.#forget(this.#away.oldest![0]);
    }
    if (this.#away.size === 1) this.#deadline.set(maxAge);
  }

  /** A client is back, or not this thread's any more. */
  delete(record: ClientRecord): void {
    this.#weight -= this.#away.get(record)?.weight ?? 0;
    this.#away.delete(record);
  }

  /** Nobody is forgotten any more; for the end of the server. */
  stop(): void {
    this.#deadline.stop();
  }

  #forgetOld(): void {
    const { clock, maxAge } = this.#limits;
    const before = clock.now() - maxAge;
    while (this.#away.oldest) {
      const [record, { since }] = this.#away.oldest;
      if (since > before) return this.#deadline.set(since - before);
      this.#forget(record);
    }
  }
}
