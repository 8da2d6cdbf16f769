/**
 * The server of a simulated world, through all its processes: it is stopped and
 * crashes, and comes back, remembering what its journal has, if it has one.
 */

import {
  CypherServer,
  type CypherServerOptions,
  CypherStatus,
  type Handler,
  type RequestContext,
} from "../../mod.ts";
import { sleep } from "../../protocol/clock.ts";
import type { Chance } from "./chance.ts";
import { serverKeys } from "./cypher.ts";
import type { FakeClock } from "./fake_clock.ts";
import { JournalDisk } from "./journal_disk.ts";
import type { MemoryNetwork } from "./memory_network.ts";
import {
  clientOf,
  type Done,
  type Job,
  type Ledger,
  type Work,
} from "./session_ledger.ts";

/** Of a process that has crashed comes nothing any more. */
const NEVER = new Promise<never>(() => {});

/** One server process. */
interface Process {
  readonly number: number;
  readonly server: CypherServer;
  readonly window: number;
  /** The handlers of each client that run and have not been told to stop. */
  readonly running: Map<string, Set<RequestContext>>;
  state: "up" | "draining" | "stopped" | "crashed";
}

/** How a {@linkcode Service} is made. */
export interface ServiceOptions {
  readonly clock: FakeClock;
  readonly network: MemoryNetwork;
  readonly chance: Chance;
  readonly ledger: Ledger;
  /** What is the same for each process. */
  readonly server: Partial<CypherServerOptions>;
  /** Each process has one of these limits, in bytes. */
  readonly messageBytes: readonly number[];
  readonly journal: boolean;
  /** Whether it may crash whenever it has taken a note in its journal. */
  readonly fragile: boolean;
  /** Told what happens. */
  note(what: string): void;
  /** Told what has befallen. */
  count(what: string): void;
}

/** One server after the other, on one address. */
export class Service implements Disposable {
  readonly #options: ServiceOptions;
  readonly #disk: JournalDisk | undefined;
  readonly #stops: Promise<void>[] = [];
  #process: Process;
  #processes = 0;
  #calm = false;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#disk = options.journal ? new JournalDisk() : undefined;
    this.#process = this.#start(undefined);
  }

  /** What can befall it now. */
  get faults(): [string, () => void][] {
    switch (this.#process.state) {
      case "up":
        return [
          ["crash", () => this.#crash()],
          ["drain", () => this.#drain()],
          ["disconnect", () => this.#disconnect()],
        ];
      case "draining":
        return [["crash", () => this.#crash()]];
      default:
        return [];
    }
  }

  /** A note has been taken in the journal, and is not committed. */
  noted(): void {
    const { fragile, chance, count, note } = this.#options;
    if (!fragile || !this.#brittle || !chance.of(0.005)) return;
    note("crash before a commit");
    count("crash before a commit");
    this.#crash();
  }

  /** No more crashes of its own doing. */
  calm(): void {
    this.#calm = true;
  }

  /** Ends the last process, and waits for all of them; time has to go by. */
  async stop(): Promise<void> {
    const { server } = this.#process;
    await Promise.all([...this.#stops, server.stop({ grace: 1_000 })]);
    const { length } = server.monitor.connections();
    const { ledger } = this.#options;
    ledger.check(length === 0, "the monitor shows a connection that is gone");
  }

  /** The requests that the journal has, once all is stopped. */
  get kept(): string[] {
    return this.#disk?.kept() ?? [];
  }

  [Symbol.dispose](): void {
    this.#disk?.[Symbol.dispose]();
  }

  /** Whether the process may crash by itself. */
  get #brittle(): boolean {
    return !this.#calm && this.faults.length > 0;
  }

  #crash(): void {
    const { clock, network, chance, ledger, count } = this.#options;
    const process = this.#process;
    process.state = "crashed";
    if (ledger.busy) count("crash meets requests");
    if (this.#disk) count("crash with a journal");
    this.#disk?.crash();
    for (const link of network.links) {
      // A machine that is switched off says nothing.
      if (chance.of(0.3)) link.lose("server");
      else link.cut();
    }
    // Not now: this may be in the midst of the process's own doings.
    const { promise, resolve } = Promise.withResolvers<void>();
    clock.setTimeout(() => resolve(process.server.stop({ grace: 0 })), 0);
    this.#stops.push(promise);
    this.#comeBack(process);
  }

  /** An operator disconnects somebody. */
  #disconnect(): void {
    const { monitor } = this.#process.server;
    const connections = monitor.connections();
    if (connections.length === 0) return;
    monitor.disconnect(this.#options.chance.among(connections).id);
  }

  async #drain(): Promise<void> {
    const { chance, ledger, count } = this.#options;
    const process = this.#process;
    if (ledger.busy) count("drain meets requests");
    process.state = "draining";
    const stopped = process.server.stop({ grace: chance.upTo(2_000) });
    this.#stops.push(stopped);
    // No two processes share a journal.
    if (!this.#disk) this.#comeBack(process);
    await stopped;
    if (process.state !== "draining") return;
    process.state = "stopped";
    if (this.#disk) this.#comeBack(process);
  }

  /** The next process starts, perhaps with a smaller window. */
  #comeBack(before: Process): void {
    const { clock, chance } = this.#options;
    clock.setTimeout(() => {
      // Another fault may have been quicker.
      if (this.#process === before) this.#process = this.#start(before);
    }, chance.among([1, 100, 1_000, 3_000]));
  }

  #start(before: Process | undefined): Process {
    const { clock, network, chance, ledger, note, count } = this.#options;
    const window = chance.among([1, 2, 4, 16, 64]);
    const { server: options, messageBytes } = this.#options;
    if (before && window < before.window) count("window shrinks");
    if (before && this.#disk) ledger.lost(this.#disk.started());
    const server = new CypherServer({
      ...serverKeys,
      wires: ["session"],
      handler: (request, context) => handler(request, context),
      idempotent: ({ data }) => (data as unknown as Work).twice,
      listen: network.listen,
      clock,
      window,
      heartbeat: 1_000,
      ...(this.#disk && { journal: this.#disk.path }),
      ...options,
      limits: { ...options.limits, messageBytes: chance.among(messageBytes) },
    });
    const process: Process = {
      number: ++this.#processes,
      server,
      window,
      running: new Map(),
      state: "up",
    };
    const handler = this.#handlerOf(process);
    server.monitor.listen((signal) => {
      if (process.state === "crashed") return;
      const detail = "reason" in signal
        ? signal.reason
        : "code" in signal
        ? signal.code
        : "status" in signal
        ? signal.status
        : "";
      note(`server ${signal.kind} ${signal.connection} ${detail}`);
      // Both ends keep to the protocol, so neither may say otherwise.
      ledger.check(
        !/BAD_|INTERNAL|JOURNAL|protocol-error|bad-token|too-large/
          .test(detail),
        `the server says ${detail}: ${"message" in signal && signal.message}`,
      );
      if (detail === "replaced") count("replaced");
      if (signal.kind === "limit" && signal.limit === "requests") {
        count("requests wait for their turn");
      }
    });
    server.start();
    note(`server starts, window ${window}`);
    return process;
  }

  #handlerOf(process: Process): Handler {
    const { clock, ledger, note } = this.#options;
    return async ({ data }, context) => {
      if (hasCrashed(process)) return await NEVER;
      const work = data as unknown as Work;
      const job = ledger.jobs[work.job]!;
      job.began = true;
      const effect = () => {
        if (work.fatal === "before") this.#die(process, job);
        if (hasCrashed(process)) return;
        note(`effect ${work.job}`);
        ledger.effect(process.number, context.identity, job);
        if (work.fatal === "after") this.#die(process, job);
      };
      using _running = this.#counted(process, context);
      if (work.early) effect();
      if (work.time > 0) {
        const signal = work.deaf ? undefined : context.signal;
        const woken = await sleep(clock, work.time, signal)
          .then(() => true, () => false);
        if (hasCrashed(process)) return await NEVER;
        job.threw = !woken;
        if (!woken) throw new Error("Aborted");
      }
      if (!work.early) effect();
      if (hasCrashed(process)) return await NEVER;
      job.returned = true;
      job.threw = work.fails;
      if (work.fails) throw new CypherStatus("FAILED", "As it was asked to");
      const done: Done = { job: work.job, identity: context.identity };
      return { data: { ...done, pad: "y".repeat(work.answer) } };
    };
  }

  /** Notes that a handler runs, for as long as it counts. */
  #counted({ running, window }: Process, context: RequestContext): Disposable {
    const one = running.getOrInsertComputed(
      clientOf(context.identity),
      () => new Set(),
    );
    one.add(context);
    const end = () => void one.delete(context);
    context.signal.addEventListener("abort", end);
    const { ledger } = this.#options;
    // What runs on for a client that was forgotten is not counted.
    ledger.check(
      one.size <= window || ledger.forgot(context.identity),
      `${one.size} handlers run, the window is ${window}`,
    );
    return { [Symbol.dispose]: end };
  }

  /** A request takes its server down with it, once. */
  #die(process: Process, job: Job): void {
    if (process !== this.#process || !this.#brittle || job.killed) return;
    job.killed = true;
    this.#options.note("crash in a handler");
    this.#options.count("crash in a handler");
    this.#crash();
  }
}

function hasCrashed({ state }: Process): boolean {
  return state === "crashed";
}
