import type { Journal } from "../journal.ts";
import type { Ending, Handover } from "../session/client_record.ts";
import {
  ClientRegistry,
  type ClientRegistryOptions,
} from "../session/client_registry.ts";
import { UNKNOWN } from "../session/kept_endings.ts";
import { type Entered, Slots } from "./ledger.ts";
import { leftOf } from "./left_over.ts";
import type { ToThread } from "./messages.ts";

/** A thread's number; 0 is the main one, which holds those whose thread died. */
type Thread = number;
const MAIN: Thread = 0;

/** A connection that wants its client on its thread. */
interface Claim {
  readonly thread: Thread;
  readonly ask: number;
  readonly ticket: number;
  /** It does not want one that nobody knows. */
  readonly unlessNew: boolean;
}

/** Where a client is. */
type Whereabouts =
  | { readonly kind: "held"; readonly by: Thread }
  | {
    readonly kind: "moving";
    readonly from: Thread;
    readonly claim: Claim;
    /** Requests that ended meanwhile; undefined: they are to run again. */
    readonly endings: [id: number, ending: Ending | undefined][];
    /** Those who want it next. */
    readonly waiting: Claim[];
  };

interface Entry {
  readonly slot: number;
  /** The number of the newest connection that proved to be this client. */
  ticket: number;
  where: Whereabouts;
  /** Requests that run on another thread than that which holds the client. */
  readonly abroad: Map<number, Thread>;
  /**
   * Requests that were cut off, and whether they may run again, as the thread
   * that holds the client knows: should that die, too, they must not seem to
   * have been executed.
   */
  cutOff: Map<number, boolean>;
}

/** How a {@linkcode Directory} is made. */
export interface DirectoryOptions extends ClientRegistryOptions {
  /** How many clients there may be. */
  most: number;
  /** What survives the process, if anything is to. */
  journal?: Journal | undefined;
  /** Tells a thread something; nothing happens if it is dead. */
  send: (thread: Thread, message: ToThread) => unknown;
}

/**
 * Which thread holds which client. Exactly one does; when a client comes to
 * another, its record is handed over there, and what runs for it runs on. The
 * main thread holds those whose thread died.
 */
export class Directory {
  #entries = new Map<string, Entry>();
  #slots: Slots;
  #resting: ClientRegistry;
  #send: DirectoryOptions["send"];
  #journal: Journal | undefined;
  /** The threads that died. */
  #dead = new Set<Thread>();

  constructor(options: DirectoryOptions) {
    this.#send = options.send;
    this.#journal = options.journal;
    this.#slots = new Slots(options.most);
    this.#resting = new ClientRegistry({
      ...options,
      elsewhere: {
        ticket: () => 0,
        fetch: () => Promise.resolve(undefined),
        // It was being put on record when the client was given away.
        ended: (client, id, ending) => this.ended(MAIN, client, id, ending),
        enter: () => -1,
        leave: () => {},
        cancel: (client, id) => this.cancel(MAIN, client, id),
        forgotten: (client) => this.forgotten(MAIN, client),
      },
    });
    for (const id of this.#resting.ids()) this.#add(id, MAIN, 0);
  }

  /** Where the highest id of each client is kept. */
  get memory(): SharedArrayBuffer {
    return this.#slots.memory;
  }

  /** How many clients are known. */
  get size(): number {
    return this.#entries.size;
  }

  /** A client has proven itself on a thread, which wants to hold it. */
  fetch(client: string, claim: Claim): void {
    const entry = this.#entries.get(client);
    if (!entry) {
      if (claim.unlessNew) {
        return this.#answer(client, claim, undefined, false);
      }
      const { slot } = this.#add(client, claim.thread, claim.ticket);
      return this.#answer(client, claim, slot, false);
    }
    if (entry.where.kind === "moving") entry.where.waiting.push(claim);
    else this.#serve(client, entry, entry.where.by, claim);
  }

  /** A thread has given a client away, as it was asked to. */
  given(from: Thread, client: string, handover: Handover | undefined): void {
    const entry = this.#entries.get(client);
    if (entry?.where.kind !== "moving" || entry.where.from !== from) return;
    this.#arrive(client, entry, handover);
  }

  /** A request has ended on a thread that did not hold its client. */
  ended(from: Thread, client: string, id: number, ending: Ending): void {
    const entry = this.#entries.get(client);
    if (!entry) return;
    if (entry.abroad.get(id) !== from && holderOf(entry) !== from) return;
    const end = () => {
      entry.abroad.delete(id);
      this.#end(client, entry, id, ending);
    };
    // Whoever holds the client may die before it has read this.
    if (this.#journal) this.#journal.end(client, id, ending, end);
    else end();
  }

  /** Nobody wants a request any more that may run on another thread. */
  cancel(from: Thread, client: string, id: number): void {
    const entry = this.#entries.get(client);
    const runner = entry?.abroad.get(id);
    // Also if it is to give the client away, and has not yet read that.
    if (!entry || runner === undefined || holderOf(entry) !== from) return;
    entry.abroad.delete(id);
    this.#send(runner, { kind: "cancel", client, id });
  }

  /** A thread does not remember a client any more. */
  forgotten(from: Thread, client: string): void {
    const entry = this.#entries.get(client);
    if (entry?.where.kind !== "held" || entry.where.by !== from) return;
    this.#entries.delete(client);
    this.#slots.free(entry.slot);
  }

  /** A thread has died, in the midst of these. */
  died(thread: Thread, entered: readonly Entered[]): void {
    this.#dead.add(thread);
    const bySlot = Map.groupBy(entered, ({ slot }) => slot);
    for (const [client, entry] of this.#entries) {
      const { where } = entry;
      const cutOff = [...entry.abroad].filter(([, by]) => by === thread);
      const ran = bySlot.get(entry.slot) ?? [];
      if (cutOff.length > 0) this.#cutOff(client, entry, cutOff, ran);
      if (holderOf(entry) !== thread) continue;
      const left = this.#leftOf(client, entry, ran);
      if (where.kind === "moving") this.#arrive(client, entry, left);
      else {
        this.#resting.take(client, entry.slot, left);
        entry.where = { kind: "held", by: MAIN };
      }
    }
  }

  /** Stops remembering; for the end of the server. */
  close(): void {
    this.#resting.close();
  }

  #add(client: string, by: Thread, ticket: number): Entry {
    const entry: Entry = {
      slot: this.#slots.take(),
      ticket,
      where: { kind: "held", by },
      abroad: new Map(),
      cutOff: new Map(),
    };
    this.#entries.set(client, entry);
    return entry;
  }

  /** A thread has died in the midst of requests of a client held elsewhere. */
  #cutOff(
    client: string,
    entry: Entry,
    requests: readonly (readonly [id: number, by: Thread])[],
    entered: readonly Entered[],
  ): void {
    const ended = this.#journal?.clientOf(client)?.ended;
    for (const [id] of requests) {
      entry.abroad.delete(id);
      let ending = ended?.get(id);
      if (!ending) {
        const again = entered.some((one) => one.id === id && one.idempotent);
        entry.cutOff.set(id, again);
        if (!again) ending = UNKNOWN;
      }
      this.#end(client, entry, id, ending);
    }
  }

  #serve(client: string, entry: Entry, by: Thread, claim: Claim): void {
    // A thread that was busy for long has only now read the hello of a
    // connection that the client gave up long ago.
    if (isBefore(claim.ticket, entry.ticket)) {
      return this.#answer(client, claim, undefined, undefined);
    }
    entry.ticket = claim.ticket;
    if (by === claim.thread) {
      return this.#answer(client, claim, undefined, true);
    }
    entry.where = { kind: "moving", from: by, claim, endings: [], waiting: [] };
    if (by !== MAIN) this.#send(by, { kind: "give", client });
    else this.#arrive(client, entry, this.#resting.give(client));
  }

  #arrive(client: string, entry: Entry, handover: Handover | undefined): void {
    if (entry.where.kind !== "moving") return;
    const { from, claim, endings, waiting } = entry.where;
    const { slot, abroad } = entry;
    if (!handover) {
      // It was forgotten meanwhile: as if it had never been there.
      this.#entries.delete(client);
      this.#slots.free(slot);
      return this.#fetchAll(client, [claim, ...waiting]);
    }
    const to = this.#dead.has(claim.thread) ? MAIN : claim.thread;
    const runners = handover.running.map((id) =>
      [id, abroad.get(id) ?? from] as const
    );
    abroad.clear();
    const ended = new Set(endings.map(([id]) => id));
    for (const [id, runner] of runners) {
      if (runner !== to && !ended.has(id)) abroad.set(id, runner);
    }
    entry.cutOff = new Map([
      ...[...entry.cutOff].filter(([id, again]) =>
        again && id > handover.finished.floor
      ),
      ...[...handover.kept, ...endings]
        .filter(([, ending]) => !ending || ending.payload === UNKNOWN.payload)
        .map(([id, ending]) => [id, !ending] as const),
    ]);
    entry.where = { kind: "held", by: to };
    this.#slots.raise(slot, handover.highest);
    if (to === MAIN) this.#resting.take(client, slot, handover);
    else this.#answer(client, claim, slot, true, handover);
    for (const [id, ending] of endings) this.#end(client, entry, id, ending);
    this.#fetchAll(client, waiting);
  }

  #fetchAll(client: string, claims: readonly Claim[]): void {
    for (const claim of claims) {
      if (!this.#dead.has(claim.thread)) this.fetch(client, claim);
    }
  }

  #answer(
    client: string,
    { thread, ask }: Claim,
    slot: number | undefined,
    known: boolean | undefined,
    handover?: Handover,
  ): void {
    this.#send(thread, { kind: "taken", ask, client, known, slot, handover });
  }

  #end(
    client: string,
    { where }: Entry,
    id: number,
    ending: Ending | undefined,
  ): void {
    if (where.kind === "moving") where.endings.push([id, ending]);
    else if (where.by === MAIN) {
      this.#resting.endedElsewhere(client, id, ending);
    } else this.#send(where.by, { kind: "ended", client, id, ending });
  }

  /** What is known of a client whose thread died. */
  #leftOf(
    client: string,
    { slot, abroad, where, cutOff }: Entry,
    entered: readonly Entered[],
  ): Handover {
    // Also what has ended, and is here to be told to the next.
    const endings = where.kind === "moving" ? where.endings : [];
    return leftOf({
      highest: this.#slots.highest(slot),
      running: [...abroad.keys(), ...endings.map(([id]) => id)],
      record: this.#journal?.clientOf(client),
      entered,
      cutOff,
    });
  }
}

/** The thread that holds a client, be it to give it away. */
function holderOf({ where }: Entry): Thread {
  return where.kind === "held" ? where.by : where.from;
}

/** Whether a ticket was drawn before another: they count around in 32 bits. */
function isBefore(one: number, other: number): boolean {
  return ((one - other) | 0) < 0;
}
