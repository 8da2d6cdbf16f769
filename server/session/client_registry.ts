import type { AnsweredSet } from "../../protocol/answered.ts";
import type { Clock } from "../../protocol/clock.ts";
import { Deadline } from "../../protocol/deadline.ts";
import { ClientRecord, type Ending, type Owner } from "./client_record.ts";

/** What one kept ending costs beside its text, in bytes. */
const OVERHEAD = 200;

/** How a {@linkcode ClientRegistry} is made. */
export interface ClientRegistryOptions {
  clock: Clock;
  /** How many requests a client may have in flight. */
  window: number;
  /** What kept answers may take in all, in bytes. */
  maxBytes: number;
  /** How long a client that is away is remembered, in ms. */
  maxAge: number;
  /** How many clients that are away are remembered. */
  maxAway: number;
}

/**
 * Every client that the server remembers. Answers are kept until they are
 * confirmed, the oldest given up first when they take too much room; a client
 * is forgotten when it has been away for too long.
 */
export class ClientRegistry {
  #options: ClientRegistryOptions;
  #records = new Map<string, ClientRecord>();
  #kept = new Map<Ending, { record: ClientRecord; id: number }>();
  #bytes = 0;
  /** When each client that is away went, the longest away first. */
  #away = new Map<ClientRecord, number>();
  #forget: Deadline;

  constructor(options: ClientRegistryOptions) {
    this.#options = options;
    this.#forget = new Deadline(options.clock, () => this.#forgetOld());
  }

  /** The bytes that kept answers take now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many clients are remembered. */
  get size(): number {
    return this.#records.size;
  }

  /** Whether a client is remembered. */
  knows(id: string): boolean {
    return this.#records.has(id);
  }

  /** Makes a proven connection the owner of its client's answers. */
  claim(id: string, owner: Owner): ClientRecord {
    let record = this.#records.get(id);
    if (!record) {
      record = new ClientRecord(id, this.#options.window);
      this.#records.set(id, record);
    }
    this.#away.delete(record);
    const before = record.owner;
    record.owner = owner;
    before?.replaced();
    return record;
  }

  /** A connection is gone; its client is away, unless it has a newer one. */
  release(record: ClientRecord, owner: Owner): void {
    if (record.owner !== owner) return;
    record.owner = undefined;
    const { clock, maxAge, maxAway } = this.#options;
    this.#away.set(record, clock.now());
    if (this.#away.size > maxAway) this.#forgetFirst();
    if (this.#away.size === 1) this.#forget.set(maxAge);
  }

  /** A request has ended so; keeps that until the client confirms it. */
  end(record: ClientRecord, id: number, ending: Ending): void {
    record.finish(id);
    record.kept.set(id, ending);
    this.#kept.set(ending, { record, id });
    this.#bytes += sizeOf(ending);
    while (this.#bytes > this.#options.maxBytes) this.#giveUpFirst();
    record.owner?.deliver(id, ending);
  }

  /** The client has these answers. */
  confirm(record: ClientRecord, answered: AnsweredSet): void {
    for (const ending of record.confirm(answered)) this.#drop(ending);
  }

  /** Stops remembering; for the end of the server. */
  close(): void {
    this.#forget.stop();
  }

  #giveUpFirst(): void {
    for (const [ending, { record, id }] of this.#kept) {
      record.kept.delete(id);
      return this.#drop(ending);
    }
  }

  #drop(ending: Ending): void {
    if (this.#kept.delete(ending)) this.#bytes -= sizeOf(ending);
  }

  #forgetOld(): void {
    const { clock, maxAge } = this.#options;
    const before = clock.now() - maxAge;
    for (const [, since] of this.#away) {
      if (since > before) return this.#forget.set(since - before);
      this.#forgetFirst();
    }
  }

  #forgetFirst(): void {
    for (const record of this.#away.keys()) {
      for (const ending of record.kept.values()) this.#drop(ending);
      this.#away.delete(record);
      this.#records.delete(record.id);
      return;
    }
  }
}

function sizeOf(ending: Ending): number {
  return OVERHEAD + ending.payload.length;
}
