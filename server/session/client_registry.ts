import type { AnsweredSet } from "../../protocol/answered.ts";
import type { Clock } from "../../protocol/clock.ts";
import type { MaybePromise } from "../../protocol/envelope.ts";
import type { Journalling } from "../journal.ts";
import type { JournalledClient } from "../journal_load.ts";
import { AwayClients } from "./away_clients.ts";
import {
  ClientRecord,
  type Ending,
  type Handover,
  type Owner,
  type Running,
} from "./client_record.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { KeptEndings, UNKNOWN } from "./kept_endings.ts";

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
  #kept: KeptEndings;
  #away: AwayClients;
  /** What is confirmed, and not yet noted in the journal. */
  #confirmed = new Map<ClientRecord, number[]>();
  /** Clients that other threads hold, with requests that run here. */
  #abroad = new Map<string, ClientRecord>();
  #tickets = 0;

  constructor(options: ClientRegistryOptions) {
    this.#options = options;
    this.#kept = new KeptEndings(
      options.maxBytes,
      ({ record, id }) =>
        options.journal?.remove(record.id, [id], record.finished),
    );
    this.#away = new AwayClients(options, (record) => this.#forget(record));
    for (const client of options.journal?.load() ?? []) this.#restore(client);
  }

  /** The bytes that kept answers take now. */
  get bytes(): number {
    return this.#kept.bytes;
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
    return this.#options.elsewhere?.ticket() ?? ++this.#tickets;
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
    const { elsewhere } = this.#options;
    if (elsewhere) return elsewhere.fetch(id, ticket, unlessNew);
    const record = this.#records.get(id);
    return record && record.ticket > ticket ? undefined : record !== undefined;
  }

  /** Makes a proven connection the owner of its client's answers. */
  claim(id: string, owner: Owner, ticket: number): ClientRecord {
    let record = this.#records.get(id);
    if (!record) {
      record = new ClientRecord(id);
      this.#records.set(id, record);
      this.#options.journal?.know(id);
    }
    this.#away.delete(record);
    const before = record.owner;
    record.owner = owner;
    record.ticket = ticket;
    before?.replaced();
    return record;
  }

  /** A connection is gone; its client is away, unless it has a newer one. */
  release(record: ClientRecord, owner: Owner): void {
    if (record.owner !== owner) return;
    record.owner = undefined;
    this.#away.add(record);
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
    this.#kept.keep(record, id, ending);
    record.owner?.deliver(id, ending);
  }

  #restore(client: JournalledClient): void {
    const { finished, started } = client;
    const record = new ClientRecord(client.id);
    this.#records.set(client.id, record);
    record.finished.merge(finished);
    record.highest = finished.highest;
    for (const [id, ending] of client.ended) {
      this.#kept.keep(record, id, ending);
    }
    for (const id of started) {
      record.finish(id);
      this.#kept.keep(record, id, UNKNOWN);
    }
    record.begun = record.highest;
    this.#away.add(record);
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
    this.#away.delete(record);
    this.#records.delete(id);
    for (const kept of record.kept.values()) {
      this.#kept.drop(kept);
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
    this.#away.add(record);
    if (!handover) return journal?.know(id);
    const { finished, highest, kept, running } = handover;
    record.finished.merge(finished);
    record.highest = record.begun = Math.max(record.highest, highest);
    for (const [id, ending] of kept) this.#kept.keep(record, id, ending);
    for (const request of running) {
      if (record.running.has(request) || record.ending.has(request)) continue;
      record.running.set(request, {
        cancel: () => elsewhere?.cancel(id, request),
      });
    }
  }

  /**
   * A request of a client that is held here has ended on another thread;
   * `undefined`: it was cut off there, and is to run again. Only the client has
   * it, and sends it again on a new connection.
   */
  endedElsewhere(
    client: string,
    id: number,
    ending: Ending | undefined,
  ): void {
    const record = this.#records.get(client);
    if (!record?.running.has(id)) return;
    if (ending) return this.end(record, id, ending);
    record.running.delete(id);
    record.owner?.interrupted();
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
    for (const kept of confirmed) this.#kept.drop(kept);
    if (!this.#options.journal) return;
    const ids = confirmed.map(({ id }) => id);
    const noted = this.#confirmed.get(record);
    if (noted) {
      for (const id of ids) noted.push(id);
      return;
    }
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
    this.#away.stop();
    for (const record of this.#confirmed.keys()) this.#noteConfirmed(record);
    this.#options.journal?.close();
  }

  #forget(record: ClientRecord): void {
    for (const kept of record.kept.values()) this.#kept.drop(kept);
    this.#away.delete(record);
    this.#records.delete(record.id);
    for (const running of record.running.values()) this.#leave(running);
    this.#options.journal?.forget(record.id);
    this.#options.elsewhere?.forgotten(record.id);
  }
}
