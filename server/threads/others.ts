import type { AnswersElsewhere, Outcome } from "../answers.ts";
import type { Ending } from "../session/client_record.ts";
import type { ClientRegistry } from "../session/client_registry.ts";
import type { Elsewhere } from "../session/elsewhere.ts";
import { Ledger } from "./ledger.ts";
import {
  CONTROL,
  type FromThread,
  type SharedMemory,
  type Taken,
  type ToldMessage,
} from "./messages.ts";
import type { SharedIdentities } from "./shared_identities.ts";

type Known = boolean | undefined;

/** A client that is asked for. */
interface Fetch {
  readonly client: string;
  readonly ticket: number;
  readonly unlessNew: boolean;
  readonly resolve: (known: Known) => void;
}

/** The other threads, as one of them sees them: through the main one. */
export class Others implements Elsewhere, AnswersElsewhere {
  #tell: (message: FromThread) => void;
  #identities: SharedIdentities;
  #control: Int32Array;
  #ledger: Ledger;
  #fetches = new Map<number, Fetch>();
  #questions = new Map<number, (outcome: Outcome) => void>();
  #lastAsk = 0;

  constructor(
    tell: (message: FromThread) => void,
    memory: SharedMemory,
    identities: SharedIdentities,
  ) {
    this.#tell = tell;
    this.#identities = identities;
    this.#control = new Int32Array(memory.control);
    this.#ledger = new Ledger(memory);
  }

  ticket(): number {
    return Atomics.add(this.#control, CONTROL.ticket, 1);
  }

  fetch(client: string, ticket: number, unlessNew: boolean): Promise<Known> {
    const { promise, resolve } = Promise.withResolvers<Known>();
    this.#fetch({ client, ticket, unlessNew, resolve });
    return promise;
  }

  /** The main thread has answered: the client belongs here, or not. */
  taken(taken: Taken, clients: ClientRegistry): void {
    const { ask, client, known, slot, handover } = taken;
    const fetch = this.#fetches.get(ask)!;
    this.#fetches.delete(ask);
    if (slot !== undefined && (handover || !known)) {
      clients.take(client, slot, handover);
    } else if (known && !clients.knows(client)) {
      // It was forgotten here while that was asked.
      return this.#fetch({ ...fetch, ticket: this.ticket() });
    }
    fetch.resolve(known);
  }

  #fetch(fetch: Fetch): void {
    const ask = ++this.#lastAsk;
    this.#fetches.set(ask, fetch);
    const { client, ticket, unlessNew } = fetch;
    this.#tell({ kind: "fetch", ask, client, ticket, unlessNew });
  }

  ask(serial: number, owner: number): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const ask = ++this.#lastAsk;
    this.#questions.set(ask, resolve);
    this.#tell({ kind: "ask", ask, serial, owner });
    return promise;
  }

  /** Another thread has told what became of a request. */
  told({ ask, outcome }: ToldMessage): void {
    this.#questions.get(ask)?.(outcome);
    this.#questions.delete(ask);
  }

  adopt(serial: number, owner: number): boolean {
    return this.#identities.adopt(serial, owner);
  }

  ended(client: string, id: number, ending: Ending): void {
    this.#tell({ kind: "ended", client, id, ending });
  }

  cancel(client: string, id: number): void {
    this.#tell({ kind: "cancel", client, id });
  }

  forgotten(client: string): void {
    this.#tell({ kind: "forgotten", client });
  }

  enter(slot: number, id: number, idempotent: boolean): number {
    return this.#ledger.enter(slot, id, idempotent);
  }

  leave(place: number): void {
    this.#ledger.leave(place);
  }
}
