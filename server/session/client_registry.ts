import type { AnsweredSet } from "../../protocol/answered.ts";
import type { Clock } from "../../protocol/clock.ts";
import { Deadline } from "../../protocol/deadline.ts";
import { Fifo } from "../../protocol/fifo.ts";
import { FifoMap } from "../../protocol/fifo_map.ts";
import { FRAME } from "../../protocol/frames.ts";
import { writeError } from "../../protocol/hello.ts";
import type { MaybePromise } from "../../protocol/envelope.ts";
import type { Journalling } from "../journal.ts";
import type { JournalledClient } from "../journal_load.ts";
import {
  ClientRecord,
  type Ending,
  type Handover,
  type Kept,
  type Owner,
  type Running,
} from "./client_record.ts";
import type { Elsewhere } from "./elsewhere.ts";

/** What one kept ending costs beside its text, in bytes. */
const OVERHEAD = 200;
/** So many ranges of ids take as much memory as a client without any. */
const RANGES = 16;

/** A client that is away. */
interface Away {
  /** Since when, on the clock. */
  readonly since: number;
  /** As how many clients it counts: its ids may be in many ranges. */
  readonly weight: number;
}

/** How a {@linkcode ClientRegistry} is made. */
export interface ClientRegistryOptions {
  clock: Clock;
  /** What kept answers may take in all, in bytes. */
  maxBytes: number;
  /** How long a client that is away is remembered, in ms. */
  maxAge: number;
  /**
   * How many clients that are away are remembered; those whose ids are in many
   * ranges count as several.
   */
  maxAway: number;
  /** What survives the process, if anything is to. */
  journal?: Journalling | undefined;
  /** The other threads, if there are any. */
  elsewhere?: Elsewhere | undefined;
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
  /** The clients that are away, the longest away first. */
  #away = new FifoMap<ClientRecord, Away>();
  /** What those weigh in all. */
  #weight = 0;
  #forget: Deadline;
  /** What is confirmed, and not yet noted in the journal. */
  #confirmed = new Map<ClientRecord, number[]>();
  /** Clients that other threads hold, with requests that run here. */
  #abroad = new Map<string, ClientRecord>();

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

  /** The clients that are remembered. */
  ids(): Iterable<string> {
    return this.#records.keys();
  }

  /** Whether a client is remembered. */
  knows(id: string): boolean {
    return this.#records.has(id);
  }

  /** A number that orders a connection among those of its client. */
  ticket(): number {
    return this.#options.elsewhere?.ticket() ?? 0;
  }

  /**
   * Brings a client that has proven itself here, from wherever it was, but with
   * `unlessNew` not one that nobody knows. Gives whether it was known; undefined
   * if it has a newer connection.
   */
  fetch(
    id: string,
    ticket: number,
    unlessNew: boolean,
  ): MaybePromise<boolean | undefined> {
    return this.#options.elsewhere?.fetch(id, ticket, unlessNew) ??
      this.knows(id);
  }

  /** Makes a proven connection the owner of its client's answers. */
  claim(id: string, owner: Owner): ClientRecord {
    let record = this.#records.get(id);
    if (!record) {
      record = new ClientRecord(id);
      this.#records.set(id, record);
      this.#options.journal?.know(id);
    }
    this.#back(record);
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
    const weight = 1 + Math.floor(record.finished.ranges.length / RANGES);
    this.#away.add(record, { since: clock.now(), weight });
    this.#weight += weight;
    // But for itself, should it alone be too much: that is bounded.
    while (this.#weight > maxAway && this.#away.size > 1) {
      this.#forgetOne(this.#away.oldest![0]);
    }
    if (this.#away.size === 1) this.#forget.set(maxAge);
  }

  /** A client is not away any more, if it was. */
  #back(record: ClientRecord): void {
    this.#weight -= this.#away.get(record)?.weight ?? 0;
    this.#away.delete(record);
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
    const { journal, elsewhere } = this.#options;
    if (elsewhere) {
      running.place = elsewhere.enter(record.slot, id, idempotent);
    }
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
    const running = record.running.get(id);
    record.running.delete(id);
    // On record it would make a forgotten client known again.
    if (!journal || this.#records.get(record.id) !== record) {
      this.#end(record, id, ending);
    } else {
      record.ending.add(id);
      journal.end(record.id, id, ending, () => this.#end(record, id, ending));
    }
    this.#leave(running);
  }

  #end(record: ClientRecord, id: number, ending: Ending): void {
    if (this.#records.get(record.id) !== record) {
      return this.#endAbroad(record, id, ending);
    }
    record.finish(id);
    this.#keep(record, id, ending);
    record.owner?.deliver(id, ending);
  }

  #keep(record: ClientRecord, id: number, ending: Ending): void {
    if (ending.payload === UNKNOWN.payload) return keepUnknown(record, id);
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
      keepUnknown(record, id);
    }
    this.#goneAway(record);
  }

  /** Whoever holds the client is told; if it is forgotten, nobody asks. */
  #endAbroad(record: ClientRecord, id: number, ending: Ending): void {
    if (this.#abroad.get(record.id) !== record) return;
    record.ending.delete(id);
    if (record.unfinished === 0) this.#abroad.delete(record.id);
    this.#options.elsewhere?.ended(record.id, id, ending);
  }

  /** Out of the ledger: who asks for it later finds it among the finished. */
  #leave(running: Running | undefined): void {
    if (running?.place === undefined || running.place < 0) return;
    this.#options.elsewhere?.leave(running.place);
    running.place = -1;
  }

  /** Gives a client to another thread; what runs for it runs on. */
  give(id: string): Handover | undefined {
    const record = this.#records.get(id);
    if (!record) return undefined;
    this.#noteConfirmed(record);
    const handover = record.handover();
    this.#back(record);
    this.#records.delete(id);
    for (const kept of record.kept.values()) {
      this.#drop(kept);
      record.kept.delete(kept.id);
    }
    // What runs on another thread is told to whoever holds the client then.
    for (const request of record.running.ids()) {
      if (record.running.get(request)!.place === undefined) {
        record.running.delete(request);
      }
    }
    if (record.unfinished > 0) this.#abroad.set(id, record);
    const { owner } = record;
    record.owner = undefined;
    owner?.replaced();
    return handover;
  }

  /** Takes a client from another thread, or a new one. It is away at first. */
  take(id: string, slot: number, handover?: Handover): void {
    const { journal, elsewhere } = this.#options;
    const record = this.#abroad.get(id) ?? new ClientRecord(id);
    this.#abroad.delete(id);
    this.#records.set(id, record);
    record.slot = slot;
    this.#goneAway(record);
    if (!handover) return journal?.know(id);
    const { finished, highest, kept, running } = handover;
    record.finished.merge(finished);
    record.highest = Math.max(record.highest, highest);
    for (const [id, ending] of kept) this.#keep(record, id, ending);
    for (const request of running) {
      if (record.running.has(request) || record.ending.has(request)) continue;
      record.running.set(request, {
        cancel: () => elsewhere?.cancel(id, request),
      });
    }
  }

  /** A request of a client that is held here has ended on another thread. */
  endedElsewhere(client: string, id: number, ending: Ending): void {
    const record = this.#records.get(client);
    if (record?.running.has(id)) this.end(record, id, ending);
  }

  /** Nobody wants a request that runs here for a client held elsewhere. */
  cancelHere(client: string, id: number): void {
    const record = this.#abroad.get(client);
    const running = record?.running.get(id);
    if (!record || !running) return;
    record.running.delete(id);
    this.#leave(running);
    running.cancel();
    if (record.unfinished === 0) this.#abroad.delete(client);
  }

  /** The client has these answers. */
  confirm(record: ClientRecord, answered: AnsweredSet): void {
    const confirmed = record.confirm(answered);
    if (confirmed.length === 0) return;
    for (const kept of confirmed) this.#drop(kept);
    if (!this.#options.journal) return;
    const ids = confirmed.map(({ id }) => id);
    const noted = this.#confirmed.get(record);
    if (noted) return void noted.push(...ids);
    this.#confirmed.set(record, ids);
    // Once for all that one read brings: what is finished is noted as a whole.
    queueMicrotask(() => this.#noteConfirmed(record));
  }

  #noteConfirmed(record: ClientRecord): void {
    const ids = this.#confirmed.get(record);
    this.#confirmed.delete(record);
    if (!ids || this.#records.get(record.id) !== record) return;
    this.#options.journal?.remove(record.id, ids, record.finished);
  }

  /** Stops remembering; for the end of the server. */
  close(): void {
    this.#forget.stop();
    for (const record of this.#confirmed.keys()) this.#noteConfirmed(record);
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
      const [record, { since }] = this.#away.oldest;
      if (since > before) return this.#forget.set(since - before);
      this.#forgetOne(record);
    }
  }

  #forgetOne(record: ClientRecord): void {
    for (const kept of record.kept.values()) this.#drop(kept);
    this.#back(record);
    this.#records.delete(record.id);
    for (const running of record.running.values()) this.#leave(running);
    this.#options.journal?.forget(record.id);
    this.#options.elsewhere?.forgotten(record.id);
  }
}

/** How a request ends whose handler ran when its thread, or all, ended. */
export const UNKNOWN: Ending = {
  type: FRAME.error,
  payload: writeError({
    code: "OUTCOME_UNKNOWN",
    message: "The server was cut off while the request was being executed",
  }),
};

/**
 * Never given up, or it would seem to have been executed; it costs little more
 * than its id, and a client has a window of them at most.
 */
function keepUnknown(record: ClientRecord, id: number): void {
  record.kept.set(id, { record, id, ending: UNKNOWN, place: undefined });
}

function sizeOf(ending: Ending): number {
  return OVERHEAD + ending.payload.length;
}
