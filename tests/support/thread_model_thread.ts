/** A thread of the model: its registry, and what it and the main one say. */

import type { Runner } from "../../server/runner.ts";
import {
  ClientRegistry,
  type ClientRegistryOptions,
} from "../../server/session/client_registry.ts";
import type { StoredAnswer } from "../../server/stored_answer.ts";
import { runningMemory } from "../../server/threads/ledger.ts";
import type { FromThread, ToThread } from "../../server/threads/messages.ts";
import { Notes } from "../../server/threads/notes.ts";
import { Others } from "../../server/threads/others.ts";
import type { SharedIdentities } from "../../server/threads/shared_identities.ts";
import type { Fate } from "./thread_fate.ts";
import type { Session } from "./thread_model_client.ts";

/** What a thread has to know of everything else. */
export interface ModelWorld {
  readonly control: SharedArrayBuffer;
  /** The highest id of each client. */
  readonly highest: SharedArrayBuffer;
  readonly journals: boolean;
  readonly registry: ClientRegistryOptions;
  /** A handler begins; `end` lets it come to its end. */
  begins(thread: ModelThread, identity: string, end: () => void): void;
}

/** One thread: its registry, and the queues to and from the main one. */
export class ModelThread {
  readonly number: number;
  readonly registry: ClientRegistry;
  readonly runner: Runner;
  readonly sessions = new Set<Session>();
  readonly inbox: ToThread[] = [];
  readonly outbox: FromThread[] = [];
  readonly running = runningMemory();
  /** What stands in its ledger. */
  readonly entered = new Set<Fate>();
  readonly #others: Others;
  readonly #notes: Notes | undefined;
  dead = false;

  constructor(world: ModelWorld, number: number) {
    this.number = number;
    const tell = (message: FromThread) => void this.outbox.push(message);
    this.#others = new Others(
      tell,
      {
        control: world.control,
        highest: world.highest,
        running: this.running,
        identities: new SharedArrayBuffer(0),
      },
      {} as Partial<SharedIdentities> as SharedIdentities,
    );
    this.#notes = world.journals ? new Notes(tell) : undefined;
    this.registry = new ClientRegistry({
      ...world.registry,
      elsewhere: this.#others,
      journal: this.#notes,
    });
    const run: Runner["run"] = (_request, call) =>
      new Promise<StoredAnswer>((resolve) => {
        world.begins(
          this,
          call.identity,
          () => resolve({ text: "{}", status: "OK", message: "" }),
        );
      });
    this.runner = {
      run,
      expect() {},
      forgo() {},
    } as Partial<Runner> as Runner;
  }

  /** Reads what the main thread told it, one message. */
  read(): void {
    const message = this.inbox.shift()!;
    const { registry } = this;
    switch (message.kind) {
      case "taken":
        this.#others.taken(message, registry);
        break;
      case "give": {
        const { client } = message;
        const handover = registry.give(client);
        this.#notes?.flush();
        this.outbox.push({ kind: "given", client, handover });
        break;
      }
      case "ended":
        registry.endedElsewhere(message.client, message.id, message.ending);
        break;
      case "cancel":
        registry.cancelHere(message.client, message.id);
        break;
      case "safe":
        this.#notes!.safe(message.batch);
    }
  }
}
