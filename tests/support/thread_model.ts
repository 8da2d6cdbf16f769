/**
 * The threads of a server, without threads: the main one's directory and each
 * one's registry are real, and what they tell each other waits in queues, from
 * which chance lets it arrive. What every request ends in is held against what
 * really became of it.
 */

import { Journal } from "../../server/journal.ts";
import { Directory } from "../../server/threads/directory.ts";
import { enteredIn } from "../../server/threads/ledger.ts";
import { CONTROL, type ToThread } from "../../server/threads/messages.ts";
import { writeDown } from "../../server/threads/notes.ts";
import type { Chance } from "./chance.ts";
import { FakeClock } from "./fake_clock.ts";
import { type Fate, faultOf } from "./thread_fate.ts";
import { ModelClient, type Session } from "./thread_model_client.ts";
import { ModelThread, type ModelWorld } from "./thread_model_thread.ts";

/** A handler that runs. */
interface Execution {
  readonly fate: Fate;
  readonly thread: ModelThread;
  end(): void;
}

/** All of it. */
export class ThreadModel implements ModelWorld, Disposable {
  readonly control = new SharedArrayBuffer(4 * CONTROL.words);
  readonly registry = {
    clock: new FakeClock(),
    maxBytes: 2 ** 20,
    maxAge: 1_000,
    maxAway: 1_000,
  };
  readonly highest: SharedArrayBuffer;
  readonly journals: boolean;
  readonly clients: ModelClient[];
  #journal: Journal | undefined;
  #directory: Directory;
  #chance: Chance;
  #threads = new Map<number, ModelThread>();
  #lastThread = 0;
  #executions = new Set<Execution>();

  constructor(
    chance: Chance,
    { clients, threads, journal }: {
      clients: number;
      threads: number;
      journal: boolean;
    },
  ) {
    this.#chance = chance;
    this.journals = journal;
    this.#journal = journal ? new Journal(":memory:") : undefined;
    this.#directory = new Directory({
      ...this.registry,
      journal: this.#journal,
      most: 1_000,
      send: (to, message) => this.#send(to, message),
    });
    this.highest = this.#directory.memory;
    this.clients = Array.from(
      { length: clients },
      (_, i) => new ModelClient(`client${i}`),
    );
    for (let i = 0; i < threads; i++) this.#start();
  }

  #start(): void {
    const number = ++this.#lastThread;
    this.#threads.set(number, new ModelThread(this, number));
  }

  begins(thread: ModelThread, identity: string, end: () => void): void {
    const [client, id] = identity.split("-");
    const fate = this.clients.find((one) => one.id === client)!
      .fate(Number(id));
    fate.begun++;
    this.#executions.add({ fate, thread, end });
  }

  /** Something happens, of all that can. */
  async step(): Promise<void> {
    const chance = this.#chance;
    const threads = [...this.#threads.values()];
    const thread = chance.among(threads);
    const client = chance.among(this.clients);
    const what = chance.random();
    if (what < 0.08) client.request(chance.of(0.2));
    else if (what < 0.1) {
      const { open } = client;
      if (open.length > 0) client.cancel(chance.among(open));
    } else if (what < 0.14) client.connect(thread);
    else if (what < 0.16) {
      if (client.connected) client.confirm();
    } else if (what < 0.163) this.#die(thread);
    else if (what < 0.22) this.#end(chance);
    else this.#goOn(chance, thread, client);
    await settle();
  }

  /** Until nothing is left to do everybody gets what they wait for. */
  async finish(): Promise<void> {
    const threads = [...this.#threads.values()];
    for (const client of this.clients) {
      client.connect(this.#chance.among(threads));
    }
    for (let idle = 0; idle < 3; idle++) {
      const busy = () =>
        this.#executions.size > 0 ||
        threads.some(({ inbox, outbox }) => inbox.length + outbox.length > 0) ||
        threads.some(({ sessions }) =>
          [...sessions].some((one) =>
            !one.over && one.toServer.length + one.toClient.length > 0
          )
        );
      for (let i = 0; i < 100_000 && busy(); i++) {
        this.#end(this.#chance);
        for (const thread of threads) {
          this.#goOn(this.#chance, thread, this.#chance.among(this.clients));
        }
        for (const client of this.clients) {
          if (client.session!.toClient.length > 0) client.hear();
        }
        await settle();
      }
      for (const client of this.clients) {
        if (!client.connected) {
          idle = 0;
          client.connect(this.#chance.among(threads));
        }
      }
      await settle();
    }
  }

  /** What is not as it must be. */
  *faults(): Generator<string> {
    for (const { id, fates, session } of this.clients) {
      for (const fate of fates.values()) {
        const fault = faultOf(fate, this.journals);
        if (fault) yield `${id}-${fate.id}: ${fault}: ${JSON.stringify(fate)}`;
      }
      const left = session?.record?.unfinished ?? 0;
      if (left > 0) yield `${id}: ${left} requests never end`;
    }
  }

  #goOn(chance: Chance, thread: ModelThread, client: ModelClient): void {
    const ways: (() => void)[] = [];
    if (thread.outbox.length > 0) ways.push(() => this.#hear(thread));
    if (thread.inbox.length > 0) ways.push(() => thread.read());
    for (const one of thread.sessions) {
      if (!one.over && !one.waits && one.toServer.length > 0) {
        ways.push(() => one.take());
      }
      // The end of a connection that its client has left.
      if (one.client.session !== one && one.toServer.length === 0) {
        ways.push(() => this.#leave(one));
      }
    }
    if (client.session && client.session.toClient.length > 0) {
      ways.push(() => client.hear());
    }
    if (ways.length > 0) chance.among(ways)();
  }

  #leave(session: Session): void {
    if (session.waits) return;
    session.over = true;
    session.thread.sessions.delete(session);
    if (session.record) {
      session.thread.registry.release(session.record, session);
    }
  }

  #end(chance: Chance): void {
    if (this.#executions.size === 0) return;
    const execution = chance.among([...this.#executions]);
    this.#executions.delete(execution);
    const { fate, thread } = execution;
    fate.done++;
    fate.at = thread.number;
    thread.entered.delete(fate);
    execution.end();
  }

  #die(thread: ModelThread): void {
    while (thread.outbox.length > 0) this.#hear(thread);
    thread.dead = true;
    this.#threads.delete(thread.number);
    for (const session of thread.sessions) {
      session.over = true;
      session.toClient.length = 0;
    }
    for (const execution of this.#executions) {
      if (execution.thread !== thread) continue;
      this.#executions.delete(execution);
    }
    for (const fate of thread.entered) fate.cutOff = true;
    for (const { fates } of this.clients) {
      for (const fate of fates.values()) {
        if (fate.at === thread.number) fate.lost = true;
      }
    }
    this.#directory.died(thread.number, enteredIn(thread.running));
    this.#start();
  }

  #hear(thread: ModelThread): void {
    const directory = this.#directory;
    const from = thread.number;
    const message = thread.outbox.shift()!;
    switch (message.kind) {
      case "fetch": {
        const { client, ...claim } = message;
        return directory.fetch(client, { ...claim, thread: from });
      }
      case "given":
        for (const [id] of message.handover?.kept ?? []) {
          this.#moved(message.client, id, undefined);
        }
        return directory.given(from, message.client, message.handover);
      case "ended":
        this.#moved(message.client, message.id, undefined);
        return directory.ended(
          from,
          message.client,
          message.id,
          message.ending,
        );
      case "cancel":
        return directory.cancel(from, message.client, message.id);
      case "forgotten":
        return directory.forgotten(from, message.client);
      case "notes": {
        const { batch, notes } = message;
        return writeDown(
          this.#journal!,
          notes,
          () => this.#send(from, { kind: "safe", batch }),
        );
      }
    }
  }

  #send(to: number, message: ToThread): void {
    const thread = this.#threads.get(to);
    if (!thread) return;
    thread.inbox.push(message);
    if (message.kind === "ended") this.#moved(message.client, message.id, to);
    if (message.kind === "taken") {
      for (const [id] of message.handover?.kept ?? []) {
        this.#moved(message.client, id, to);
      }
    }
  }

  /** An answer is somewhere else now. */
  #moved(client: string, id: number, to: number | undefined): void {
    const fate = this.clients.find((one) => one.id === client)!.fate(id);
    if (fate.done > 0) fate.at = to;
  }

  [Symbol.dispose](): void {
    this.#directory.close();
    this.#journal?.close();
  }
}

/** Lets what was set off settle. */
async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await Promise.resolve();
}
