import type { AnsweredJson, IdRange } from "../../protocol/answered.ts";
import type { Journal } from "../journal.ts";
import type { Ending, Handover } from "../session/client_record.ts";
import {
  ClientRegistry,
  type ClientRegistryOptions,
  UNKNOWN,
} from "../session/client_registry.ts";
import { type Entered, Slots } from "./ledger.ts";
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
    /** Requests that ended meanwhile. */
    readonly endings: [id: number, ending: Ending][];
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
        ended: () => {},
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
    const { abroad, where } = entry;
    const expected = abroad.get(id) === from || where.kind === "moving" ||
      where.by === from;
    if (!expected) return;
    abroad.delete(id);
    this.#end(client, entry, id, ending);
  }

  /** Nobody wants a request any more that may run on another thread. */
  cancel(from: Thread, client: string, id: number): void {
    const entry = this.#entries.get(client);
    const runner = entry?.abroad.get(id);
    if (!entry || runner === undefined || !this.#isHeld(entry, from)) return;
    entry.abroad.delete(id);
    this.#send(runner, { kind: "cancel", client, id });
  }

  /** A thread does not remember a client any more. */
  forgotten(from: Thread, client: string): void {
    const entry = this.#entries.get(client);
    if (!entry || !this.#isHeld(entry, from)) return;
    this.#entries.delete(client);
    // What runs for it on other threads still has its place in their ledgers.
    if (entry.abroad.size === 0) this.#slots.free(entry.slot);
  }

  /** A thread has died, in the midst of these. */
  died(thread: Thread, entered: readonly Entered[]): void {
    this.#dead.add(thread);
    const bySlot = Map.groupBy(entered, ({ slot }) => slot);
    for (const [client, entry] of this.#entries) {
      for (const [id, runner] of entry.abroad) {
        if (runner !== thread) continue;
        entry.abroad.delete(id);
        this.#end(client, entry, id, UNKNOWN);
      }
      const { where } = entry;
      const was = where.kind === "held" ? where.by : where.from;
      if (was !== thread) continue;
      const left = this.#leftOf(client, entry, bySlot.get(entry.slot) ?? []);
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
    };
    this.#entries.set(client, entry);
    return entry;
  }

  #isHeld({ where }: Entry, by: Thread): boolean {
    return where.kind === "held" && where.by === by;
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
      if (abroad.size === 0) this.#slots.free(slot);
      return this.#fetchAll(client, [claim, ...waiting]);
    }
    const to = this.#dead.has(claim.thread) ? MAIN : claim.thread;
    const runners = handover.running.map((id) =>
      [id, abroad.get(id) ?? from] as const
    );
    abroad.clear();
    for (const [id, runner] of runners) {
      if (runner !== to) abroad.set(id, runner);
    }
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

  #end(client: string, { where }: Entry, id: number, ending: Ending): void {
    if (where.kind === "moving") where.endings.push([id, ending]);
    else if (where.by === MAIN) {
      this.#resting.endedElsewhere(client, id, ending);
    } else this.#send(where.by, { kind: "ended", client, id, ending });
  }

  /** What is known of a client whose thread died. */
  #leftOf(
    client: string,
    { slot, abroad }: Entry,
    entered: readonly Entered[],
  ): Handover {
    const ended = this.#journal?.endingsOf(client) ?? new Map<number, Ending>();
    const cutOff = entered.filter(({ id }) => !ended.has(id));
    const again = cutOff.filter(({ idempotent }) => idempotent);
    const unknown = cutOff.filter(({ idempotent }) => !idempotent);
    const highest = Math.max(
      this.#slots.highest(slot),
      ...entered.map(({ id }) => id),
    );
    const open = [...again.map(({ id }) => id), ...abroad.keys()];
    return {
      highest,
      finished: allBut(open, highest),
      kept: [
        ...ended,
        ...unknown.map(({ id }) => [id, UNKNOWN] as const),
      ],
      running: [...abroad.keys()],
    };
  }
}

/** Whether a ticket was drawn before another: they count around in 32 bits. */
function isBefore(one: number, other: number): boolean {
  return ((one - other) | 0) < 0;
}

/** Every id up to the highest but for some. */
function allBut(some: number[], highest: number): AnsweredJson {
  const gaps = [...some.sort((a, b) => a - b), highest + 1];
  const [floor, ...others] = gaps;
  const ranges: IdRange[] = [];
  let first = floor! + 1;
  for (const gap of others) {
    if (gap > first) ranges.push([first, gap - 1]);
    first = gap + 1;
  }
  return { floor: floor! - 1, ranges };
}
