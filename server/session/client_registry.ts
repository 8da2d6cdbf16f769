import type { AnsweredSet } from "../../protocol/answered.ts";
import type { Clock } from "../../protocol/clock.ts";
import { Deadline } from "../../protocol/deadline.ts";
import { Fifo } from "../../protocol/fifo.ts";
import { FifoMap } from "../../protocol/fifo_map.ts";
import { FRAME } from "../../protocol/frames.ts";
import { writeError } from "../../protocol/hello.ts";
import type { Journal } from "../journal.ts";
import type { JournalledClient } from "../journal_load.ts";
import {
  ClientRecord,
  type Ending,
  type Kept,
  type Owner,
  type Running,
} from "./client_record.ts";

/** What one kept ending costs beside its text, in bytes. */
const OVERHEAD = 200;

/** How a {@linkcode ClientRegistry} is made. */
export interface ClientRegistryOptions {
  clock: Clock;
  /** What kept answers may take in all, in bytes. */
  maxBytes: number;
  /** How long a client that is away is remembered, in ms. */
  maxAge: number;
  /** How many clients that are away are remembered. */
  maxAway: number;
  /** What survives the process, if anything is to. */
  journal?: Journal | undefined;
}

/**
 * Every client that the server remembers. Answers are kept until they are
 * confirmed, the oldest given up first when they take too much room; a client
 * is forgotten when it has been away for too long.
 */
export class ClientRegistry {
  #options: ClientRegistryOptions;
  #records = new Map<string, ClientRecord>();
  #kept = new Fifo<Kept>();
  #bytes = 0;
  /** When each client that is away went, the longest away first. */
  #away = new FifoMap<ClientRecord, number>();
  #forget: Deadline;

  constructor(options: ClientRegistryOptions) {
    this.#options = options;
    this.#forget = new Deadline(options.clock, () => this.#forgetOld());
    for (const client of options.journal?.load() ?? []) this.#restore(client);
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
      record = new ClientRecord(id);
      this.#records.set(id, record);
      this.#options.journal?.know(id);
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
    this.#goneAway(record);
  }

  #goneAway(record: ClientRecord): void {
    const { clock, maxAge, maxAway } = this.#options;
    this.#away.add(record, clock.now());
    if (this.#away.size > maxAway) this.#forgetOne(this.#away.oldest![0]);
    if (this.#away.size === 1) this.#forget.set(maxAge);
  }

  /**
   * A handler is to begin, in `run`: at once, or when that is on record. What
   * may run twice need not be: after a crash it is as good as new.
   */
  begin(
    record: ClientRecord,
    id: number,
    running: Running,
    idempotent: boolean,
    run: () => void,
  ): void {
    record.begin(id, running);
    const { journal } = this.#options;
    if (!journal || idempotent) return run();
    // Cancelled before it began: then it never does.
    journal.start(record.id, id, () => {
      if (record.running.get(id) === running) run();
    });
  }

  /**
   * A request has ended so. The client is told, at once or when that is on
   * record, and it is kept until the client confirms it.
   */
  end(record: ClientRecord, id: number, ending: Ending): void {
    const { journal } = this.#options;
    record.running.delete(id);
    // Nobody will ask, and on record it would make the client known again.
    if (this.#records.get(record.id) !== record) return;
    if (!journal) return this.#end(record, id, ending);
    record.ending.add(id);
    journal.end(record.id, id, ending, () => this.#end(record, id, ending));
  }

  #end(record: ClientRecord, id: number, ending: Ending): void {
    record.finish(id);
    this.#keep(record, id, ending);
    record.owner?.deliver(id, ending);
  }

  #keep(record: ClientRecord, id: number, ending: Ending): void {
    const kept: Kept = { record, id, ending, place: undefined };
    kept.place = this.#kept.add(kept);
    record.kept.set(id, kept);
    this.#bytes += sizeOf(ending);
    while (this.#bytes > this.#options.maxBytes) this.#giveUpFirst();
  }

  #restore(client: JournalledClient): void {
    const { finished, started } = client;
    const record = new ClientRecord(client.id);
    this.#records.set(client.id, record);
    record.finished.merge(finished);
    record.highest = finished.highest;
    for (const [id, ending] of client.ended) this.#keep(record, id, ending);
    for (const id of started) {
      record.finish(id);
      // Never given up, or it would seem to have been executed; it costs little
      // more than its id, and a client has a window of them at most.
      record.kept.set(id, { record, id, ending: UNKNOWN, place: undefined });
    }
    this.#goneAway(record);
  }

  /** The client has these answers. */
  confirm(record: ClientRecord, answered: AnsweredSet): void {
    const confirmed = record.confirm(answered);
    if (confirmed.length === 0) return;
    for (const kept of confirmed) this.#drop(kept);
    const ids = confirmed.map(({ id }) => id);
    this.#options.journal?.remove(record.id, ids, record.finished);
  }

  /** Stops remembering; for the end of the server. */
  close(): void {
    this.#forget.stop();
    this.#options.journal?.close();
  }

  #giveUpFirst(): void {
    const kept = this.#kept.oldest;
    if (!kept) return;
    const { record, id } = kept;
    record.kept.delete(id);
    this.#options.journal?.remove(record.id, [id], record.finished);
    this.#drop(kept);
  }

  #drop({ place, ending }: Kept): void {
    if (this.#kept.delete(place)) this.#bytes -= sizeOf(ending);
  }

  #forgetOld(): void {
    const { clock, maxAge } = this.#options;
    const before = clock.now() - maxAge;
    while (this.#away.oldest) {
      const [record, since] = this.#away.oldest;
      if (since > before) return this.#forget.set(since - before);
      this.#forgetOne(record);
    }
  }

  #forgetOne(record: ClientRecord): void {
    for (const kept of record.kept.values()) this.#drop(kept);
    this.#away.delete(record);
    this.#records.delete(record.id);
    this.#options.journal?.forget(record.id);
  }
}

/** How a request ends whose handler ran when the process did end. */
const UNKNOWN: Ending = {
  type: FRAME.error,
  payload: writeError({
    code: "OUTCOME_UNKNOWN",
    message: "The server was cut off while the request was being executed",
  }),
};

function sizeOf(ending: Ending): number {
  return OVERHEAD + ending.payload.length;
}
