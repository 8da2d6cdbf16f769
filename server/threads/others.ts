import type { AnswersElsewhere, Outcome } from "../answers.ts";
import type { Ending } from "../session/client_record.ts";
import type { ClientRegistry, Elsewhere } from "../session/client_registry.ts";
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

/** The other threads, as one of them sees them: through the main one. */
export class Others implements Elsewhere, AnswersElsewhere {
  #tell: (message: FromThread) => void;
  #identities: SharedIdentities;
  #control: Int32Array;
  #ledger: Ledger;
  #asks = new Map<number, (taken: Taken) => void>();
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

  fetch(client: string, ticket: number): Promise<Known> {
    const { promise, resolve } = Promise.withResolvers<Known>();
    const ask = ++this.#lastAsk;
    this.#asks.set(ask, ({ known }) => resolve(known));
    this.#tell({ kind: "fetch", ask, client, ticket });
    return promise;
  }

  /** The main thread has answered: the client belongs here, or not. */
  taken(taken: Taken, clients: ClientRegistry): void {
    const { ask, client, known, slot, handover } = taken;
    const answer = this.#asks.get(ask)!;
    this.#asks.delete(ask);
    if (handover || known === false) clients.take(client, slot, handover);
    // It was forgotten here while that was asked.
    else if (known && !clients.knows(client)) {
      return this.#askAgain(client, answer);
    }
    answer(taken);
  }

  #askAgain(client: string, answer: (taken: Taken) => void): void {
    const ask = ++this.#lastAsk;
    this.#asks.set(ask, answer);
    this.#tell({ kind: "fetch", ask, client, ticket: this.ticket() });
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
