import { systemClock } from "../../protocol/clock.ts";
import { CypherError } from "../../protocol/errors.ts";
import { LONGEST_TIME } from "../../protocol/options.ts";
import { Bans } from "../bans.ts";
import type { Serving } from "../cypher_core.ts";
import { Journal } from "../journal.ts";
import { KeyRing, type ServerKeys } from "../key_ring.ts";
import { requireFree } from "../listener.ts";
import type { ListenerInfo, Monitor } from "../monitor.ts";
import type { CheckedOptions } from "../options.ts";
import { NO_CONNECTION } from "../signals.ts";
import { Directory } from "./directory.ts";
import { enteredIn, runningMemory } from "./ledger.ts";
import {
  type BanMessage,
  CONTROL,
  type FromThread,
  type Init,
  type KeyChange,
  type PlainOptions,
  type ToThread,
} from "./messages.ts";
import { writeDown } from "./notes.ts";
import { Questions } from "./questions.ts";
import { Replacements } from "./replacements.ts";
import { canReusePort } from "./reuse_port.ts";
import { identityMemory } from "./shared_identities.ts";
import { plainOf, shareOf } from "./shares.ts";
import { Thread } from "./thread.ts";
import { tellWanted } from "./wanted.ts";
import { Watch } from "./watch.ts";

/** How long after the grace a thread may take to say that it stopped, in ms. */
const PATIENCE = 1_000;

/** How {@linkcode Threads} are made. */
export interface ThreadsOptions extends CheckedOptions {
  handler: URL;
  /** Called when the journal cannot be written any more. */
  failed: (error: CypherError) => void;
}

/** Where the threads stand. */
type ThreadsState =
  | { readonly kind: "new" }
  | { readonly kind: "starting" }
  | { readonly kind: "listening" }
  | { readonly kind: "stopping"; readonly until: number }
  | { readonly kind: "stopped" };

/**
 * A server whose handler runs on several threads, which accept on one port.
 * This, on the main thread, starts and replaces them, knows which holds which
 * client, and shows them all in one monitor. No request passes through it.
 */
export class Threads implements Serving {
  #options: ThreadsOptions;
  #plain: PlainOptions;
  #monitor: Monitor;
  #keys: KeyRing;
  #keyChanges: KeyChange[] = [];
  /** What the threads ban, for those that come later: here nobody strikes. */
  #bans: Bans;
  #journal: Journal | undefined;
  #directory: Directory;
  #questions: Questions;
  #identities: SharedArrayBuffer;
  #control = new SharedArrayBuffer(4 * CONTROL.words);
  #threads = new Map<number, Thread>();
  #lastThread = 0;
  #serverId: string;
  #state: ThreadsState = { kind: "new" };
  #address: Deno.NetAddr | undefined;
  #count = 1;
  #replacements = new Replacements();
  #undo = new DisposableStack();

  /** @throws {CypherError} `BAD_OPTION` if a key or the journal is unusable. */
  constructor(options: ThreadsOptions) {
    this.#options = options;
    this.#plain = plainOf(options);
    this.#monitor = options.monitor;
    this.#bans = new Bans({ ...options.limits, clock: systemClock });
    using undo = new DisposableStack();
    this.#keys = undo.use(
      new KeyRing([options, ...options.olderKeys], options),
    );
    const { answers, limits } = options;
    const journal = this.#journal = options.journal
      ? undo.adopt(
        new Journal(options.journal, options.failed),
        (journal) => journal.close(),
      )
      : undefined;
    this.#directory = undo.adopt(
      new Directory({
        clock: systemClock,
        maxBytes: answers.maxBytes,
        maxAge: answers.maxAge,
        maxAway: answers.clients,
        journal,
        most: 2 * (answers.clients + limits.connections),
        send: (thread, message) => this.#send(thread, message),
      }),
      (directory) => directory.close(),
    );
    this.#identities = identityMemory(answers.tokens);
    this.#questions = new Questions({
      ...answers,
      journal,
      memory: this.#identities,
      send: (thread, message) => this.#send(thread, message),
    });
    this.#serverId = journal?.serverId ?? crypto.randomUUID();
    this.#undo = undo.move();
  }

  get address(): Deno.NetAddr | undefined {
    return this.#address;
  }

  get equalKeys(): boolean {
    return this.#keys.equalKeys;
  }

  async start(): Promise<void> {
    if (this.#state.kind !== "new") {
      throw new CypherError(
        "CLOSED",
        "Cannot start the server: it was started before",
      );
    }
    this.#state = { kind: "starting" };
    this.#count = this.#howMany();
    const { hostname, port } = this.#options;
    this.#undo.defer(tellWanted(this.#monitor, this.#control));
    try {
      // With SO_REUSEPORT another server on the port would share it with us.
      if (port !== 0) requireFree(hostname, port);
      const address = await this.#add(port);
      this.#address = address;
      const others = Array.from(
        { length: this.#count - 1 },
        () => this.#add(address.port),
      );
      await Promise.all(others);
      this.#state = { kind: "listening" };
    } catch (error) {
      await this.stop(0);
      throw error;
    }
    const unlist = this.#monitor.addListener(() => this.#info());
    this.#undo.defer(unlist);
  }

  addKeys(keys: ServerKeys): number {
    const number = this.#keys.add(keys);
    this.#change({ kind: "addKeys", keys: { ...keys } });
    return number;
  }

  withdrawKeys(generation: number): void {
    this.#keys.withdraw(generation);
    this.#change({ kind: "withdrawKeys", generation });
  }

  async stop(grace: number): Promise<void> {
    this.#state = { kind: "stopping", until: Date.now() + grace };
    this.#replacements.stop();
    const threads = [...this.#threads.values()];
    for (const thread of threads) {
      if (thread.listens) thread.tell({ kind: "stop", grace });
      else thread.end();
    }
    const stopping = new Set(threads);
    const timer = setTimeout(() => {
      for (const thread of stopping) thread.giveUp();
    }, Math.min(grace + PATIENCE, LONGEST_TIME));
    await Promise.all(threads.map(async (thread) => {
      await thread.over;
      stopping.delete(thread);
    }));
    clearTimeout(timer);
    for (const thread of threads) thread.end();
    this.#threads.clear();
    this.#undo.dispose();
    this.#state = { kind: "stopped" };
  }

  #howMany(): number {
    const { threads } = this.#options;
    const wanted = threads || navigator.hardwareConcurrency;
    if (wanted === 1 || canReusePort()) return wanted;
    this.#notice(
      "ONE_THREAD",
      `Serving on one thread, not ${wanted}: for several to accept on one ` +
        "port takes Linux, and deno's flag --unstable-net",
    );
    return 1;
  }

  /** Starts a thread; gives where it listens. */
  #add(port: number): Promise<Deno.NetAddr> {
    const number = ++this.#lastThread;
    const running = runningMemory();
    const init: Omit<Init, "port"> = {
      handler: this.#options.handler.href,
      options: { ...shareOf(this.#plain, this.#count), port },
      serverId: this.#serverId,
      thread: number,
      prefix: this.#monitor.nextId(),
      reusePort: this.#count > 1,
      memory: {
        control: this.#control,
        highest: this.#directory.memory,
        running,
        identities: this.#identities,
      },
      keyChanges: this.#keyChanges,
      bans: Array.from(this.#bans.inForce(), banMessage),
    };
    const watch = new Watch(
      this.#monitor,
      (connection, reason) =>
        thread.tell({ kind: "disconnect", connection, reason }),
    );
    const thread = new Thread({
      init,
      clock: this.#options.clock,
      hear: (message) => this.#hear(number, watch, message),
      died: (stuck) => {
        this.#threads.delete(number);
        this.#directory.died(number, enteredIn(running));
        this.#questions.died(number);
        watch.died(stuck ? "stopped" : "internal");
        this.#lost(thread, stuck);
      },
    });
    this.#threads.set(number, thread);
    thread.up.catch(() => this.#threads.delete(number));
    return thread.up;
  }

  #hear(from: number, watch: Watch, message: FromThread): void {
    const directory = this.#directory;
    switch (message.kind) {
      case "fetch": {
        const { client, ...claim } = message;
        return directory.fetch(client, { ...claim, thread: from });
      }
      case "given":
        return directory.given(from, message.client, message.handover);
      case "ended":
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
      case "report":
        return watch.report(message.events);
      case "notes": {
        const { batch, notes } = message;
        const safe = () => void this.#send(from, { kind: "safe", batch });
        return this.#journal && writeDown(this.#journal, notes, safe);
      }
      case "ask":
        return void this.#questions.ask(from, message);
      case "reply":
        return this.#questions.reply(message.question, message.outcome);
      case "ban":
        this.#bans.ban(message.origin, message.time);
        return this.#tellAll(message);
      case "handlerError":
        return this.#options.onHandlerError(message.error, message.info);
    }
  }

  /** A thread is dead: another takes its place, unless that is the end. */
  #lost(thread: Thread, stuck: boolean): void {
    const { kind } = this.#state;
    if (stuck) {
      this.#notice(
        "THREAD_STUCK",
        "A thread did not stop and was given up: its handler does not return. " +
          "It may hold the port until this process ends: call Deno.exit()",
      );
    }
    if (!this.#address || kind === "stopping" || kind === "stopped") return;
    const { port } = this.#address;
    this.#notice("THREAD_DIED", "A thread has died: another takes its place");
    const lived = performance.now() - thread.since;
    this.#replacements.add(
      lived,
      () => this.#add(port),
      ({ message }) =>
        this.#notice(
          "THREAD_FAILED",
          `A dead thread is not replaced yet, and is tried again: ${message}`,
        ),
    );
  }

  #change(change: KeyChange): void {
    this.#keyChanges.push(change);
    this.#tellAll(change);
  }

  #send(thread: number, message: ToThread): boolean {
    const to = this.#threads.get(thread);
    to?.tell(message);
    return to?.alive === true;
  }

  #tellAll(message: ToThread): void {
    for (const thread of this.#threads.values()) thread.tell(message);
  }

  #notice(code: string, message: string): void {
    this.#monitor.publish({ kind: "notice", code, message, ...NO_CONNECTION });
  }

  #info(): ListenerInfo {
    const { hostname, port } = this.#address!;
    const base = { hostname, port, wires: this.#options.wires };
    return this.#state.kind === "stopping"
      ? { ...base, state: "draining", until: this.#state.until }
      : { ...base, state: "listening" };
  }
}

function banMessage([origin, time]: readonly [string, number]): BanMessage {
  return { kind: "ban", origin, time };
}
