/**
 * A small world in which everything may go wrong, and all of it again from the
 * same seed: session clients and servers, as programs use them, on a fake clock
 * and a network in memory. It watches what must never happen.
 */

import {
  CypherClient,
  CypherError,
  CypherServer,
  type Handler,
  type RequestContext,
} from "../../mod.ts";
import { sleep } from "../../protocol/clock.ts";
import { ClientRegistry } from "../../server/session/client_registry.ts";
import { clientKeys, randomFrom, serverKeys } from "./cypher.ts";
import { FakeClock } from "./fake_clock.ts";
import { type MemoryLink, MemoryNetwork } from "./memory_network.ts";

/** How long clients ask and faults happen, in ms. */
const EVENTFUL = 10_000;
/** How long everything may take to end after that, in ms. */
const PATIENCE = 300_000;
/** How many requests may wait in a client. */
const QUEUED = 100;

/** What befell, by its name: that a fault can happen at all is checked too. */
export type Counts = Map<string, number>;

/** What a client asks, and what became of it. */
interface Job {
  readonly number: number;
  /** Whether it may be executed more than once. */
  readonly repeatable: boolean;
  /** What else may end it than an answer. */
  readonly allowed: Set<string>;
  /** How often it was executed. */
  effects: number;
  ended: boolean;
}

/** What a job's request carries. */
interface Work {
  readonly job: number;
  /** How long the handler takes, in ms; 0: it answers at once. */
  readonly time: number;
  /** Whether the effect is at the handler's beginning. */
  readonly early: boolean;
  /** Whether the handler goes on after its signal has aborted. */
  readonly deaf: boolean;
  readonly pad: string;
}

/** One server process. */
interface Process {
  readonly server: CypherServer;
  /** False once it was killed: nothing of it has any effect any more. */
  alive: boolean;
}

/** Runs the world of a seed; throws where something happened that must not. */
export async function live(
  seed: number,
  counts: Counts = new Map(),
): Promise<readonly string[]> {
  const world = new World(seed, counts);
  using _registries = watchRegistries((registry) => world.watch(registry));
  try {
    await world.live();
  } catch (error) {
    const { message } = error as Error;
    const last = world.trace.slice(-100).join("\n");
    throw new Error(`CYPHER_SEED=${seed}: ${message}\n${last}`, {
      cause: error,
    });
  }
  return world.trace;
}

class World {
  /** Everything that happened, with its time. */
  readonly trace: string[] = [];
  readonly #clock = new FakeClock();
  readonly #random: () => number;
  readonly #counts: Counts;
  readonly #network: MemoryNetwork;
  readonly #maxBytes: number;
  readonly #resend: boolean;
  readonly #jobs: Job[] = [];
  readonly #clients: CypherClient[] = [];
  readonly #registries = new Set<ClientRegistry>();
  readonly #stops: Promise<void>[] = [];
  /** The handlers of each client that run and have not been told to stop. */
  readonly #running = new Map<string, Set<RequestContext>>();
  #server: Process;
  #window = 0;
  #wrong: Error | undefined;
  #closedClients = 0;

  constructor(seed: number, counts: Counts) {
    const random = this.#random = randomFrom(seed);
    this.#counts = counts;
    this.#maxBytes = this.#chance(0.2) ? 1_000 : 1_000_000;
    this.#resend = this.#chance(0.15);
    const delay = this.#pick([0, 5, 50, 300]);
    this.#network = new MemoryNetwork({
      clock: this.#clock,
      random,
      delay,
      slice: this.#chance(0.5),
      // Both would be too slow for what is sent.
      capacity: delay < 50 ? this.#pick([2_000, 65_536]) : 65_536,
    });
    this.#server = this.#startServer();
    for (let i = this.#upTo(3); i > 0; i--) this.#addClient();
  }

  async live(): Promise<void> {
    for (let i = 10 + this.#upTo(40); i > 0; i--) {
      this.#at(this.#upTo(EVENTFUL), () => this.#ask());
    }
    for (let i = this.#upTo(12) - 1; i > 0; i--) {
      this.#at(this.#upTo(EVENTFUL), () => this.#fault());
    }
    if (this.#chance(0.2)) this.#at(this.#upTo(EVENTFUL), () => this.#flood());
    await this.#advance(EVENTFUL);
    this.#network.unreachable = false;
    for (let spent = 0; this.#unended.length > 0; spent += 1_000) {
      if (spent > PATIENCE) {
        throw new Error(`Never ended: ${JSON.stringify(this.#unended)}`);
      }
      await this.#advance(1_000);
    }
    await this.#end();
  }

  /** What the server remembers is within its bounds, whenever that is seen. */
  watch(registry: ClientRegistry): void {
    this.#registries.add(registry);
  }

  async #end(): Promise<void> {
    // Long enough for the last answers to be confirmed.
    await this.#advance(10_000);
    if (this.#closedClients === 0) {
      const kept = [...this.#registries].at(-1)?.bytes ?? 0;
      this.#check(kept === 0, `${kept} bytes are kept, all are confirmed`);
    }
    for (const client of this.#clients) client.close();
    this.#stops.push(this.#server.server.stop({ grace: 1_000 }));
    await this.#advance(30_000);
    await Promise.all(this.#stops);
    this.#check(this.#clock.pending === 0, "a timer runs on");
    this.#check(this.#network.links.length === 0, "a connection is left");
    const { length } = this.#server.server.monitor.connections();
    this.#check(length === 0, "the monitor shows a connection that is gone");
    if (this.#wrong) throw this.#wrong;
  }

  get #unended(): Job[] {
    return this.#jobs.filter(({ ended }) => !ended);
  }

  async #advance(ms: number): Promise<void> {
    await this.#clock.advance(ms);
    if (this.#wrong) throw this.#wrong;
  }

  // What happens.

  #ask(): void {
    const client = this.#anyOf(this.#clients);
    for (let i = this.#pick([1, 1, 1, 3, 20]); i > 0; i--) {
      this.#request(client);
    }
  }

  /** More than a client's queue may hold. */
  #flood(): void {
    const client = this.#anyOf(this.#clients);
    for (let i = 2 * QUEUED; i > 0; i--) this.#request(client);
  }

  async #request(client: CypherClient): Promise<void> {
    const idempotent = this.#chance(0.2);
    const job: Job = {
      number: this.#jobs.length,
      repeatable: idempotent || this.#resend,
      allowed: new Set(),
      effects: 0,
      ended: false,
    };
    this.#jobs.push(job);
    const data: Work = {
      job: job.number,
      time: this.#chance(0.5) ? 0 : this.#upTo(1_500),
      early: this.#chance(0.5),
      deaf: this.#chance(0.3),
      pad: "x".repeat(this.#pick([0, 0, 10, 300, 5_000])),
    };
    const cancel = new AbortController();
    if (this.#chance(0.15)) {
      job.allowed.add("ABORTED");
      // Often at about the time when the answer is on its way.
      const after = this.#chance(0.5) ? data.time : this.#upTo(2_000);
      this.#at(after, () => cancel.abort());
    }
    let deadline = Infinity;
    if (this.#chance(0.1)) {
      job.allowed.add("DEADLINE");
      deadline = this.#upTo(3_000);
    }
    // They depend on what others have done, and are checked where that is known.
    for (const code of ["CLOSED", "QUEUE_FULL"]) job.allowed.add(code);
    if (!job.repeatable) job.allowed.add("OUTCOME_UNKNOWN");
    if (this.#maxBytes < 10_000) job.allowed.add("ANSWER_LOST");
    this.#note(`ask ${job.number}`);
    const outcome = await client.request(
      { path: "/WORK", data },
      { signal: cancel.signal, deadline, idempotent },
    ).then((answer) => {
      const { job: number } = answer.data as unknown as Work;
      this.#check(
        number === job.number,
        `${job.number} got ${number}'s answer`,
      );
      this.#check(job.effects > 0, `${job.number} was answered, not executed`);
      return "answered";
    }, codeOf);
    this.#check(!job.ended, `${job.number} ended twice`);
    job.ended = true;
    this.#note(`${outcome} ${job.number}`);
    this.#count(outcome);
    this.#check(
      outcome === "answered" || job.allowed.has(outcome),
      `${job.number} ended in ${outcome}`,
    );
    if (outcome === "ANSWER_LOST") {
      this.#check(
        job.effects > 0,
        `${job.number}'s answer was lost before it was`,
      );
    }
    if (outcome === "QUEUE_FULL") {
      this.#check(job.effects === 0, `${job.number} was executed, not queued`);
      this.#check(client.pending === QUEUED, "the queue was not full");
    }
    if (outcome === "CLOSED") {
      this.#check(client.state === "closed", "the client was not closed");
    }
    if (outcome === "OUTCOME_UNKNOWN") {
      this.#check(
        this.#registries.size > 1,
        "the server was the same all along",
      );
    }
  }

  #fault(): void {
    const { links } = this.#network;
    const link = links.length > 0 ? this.#anyOf(links) : undefined;
    const faults: [string, () => void][] = [
      ["crash", () => this.#crash()],
      ["drain", () => this.#drain()],
      ["unreachable", () => this.#unreachable()],
      ["client restart", () => this.#restartClient()],
    ];
    if (link) {
      faults.push(
        ["cut", () => link.cut()],
        ["cut", () => link.cut()],
        // The server has a duplicate of the client soon.
        ["half-open server", () => link.lose("client")],
        ["half-open server", () => link.lose("client")],
        ["half-open client", () => link.lose("server")],
        // Answers arrive; what says so does not.
        ["lost answered", () => this.#lose(link, "client")],
        ["lost answered", () => this.#lose(link, "client")],
        ["lost answers", () => this.#lose(link, "server")],
        ["silence", () => {
          link.swallow("client");
          link.swallow("server");
        }],
      );
    }
    const [name, befall] = this.#anyOf(faults);
    this.#note(name);
    this.#count(name);
    befall();
  }

  /** One side is not heard for a while; then the connection is lost. */
  #lose(link: MemoryLink, side: "client" | "server"): void {
    link.swallow(side);
    this.#at(this.#upTo(1_500), () => link.cut());
  }

  #unreachable(): void {
    this.#network.unreachable = true;
    this.#at(this.#upTo(4_000), () => this.#network.unreachable = false);
  }

  #crash(): void {
    const { server } = this.#server;
    this.#server.alive = false;
    for (const link of this.#network.links) {
      // A machine that is switched off says nothing.
      if (this.#chance(0.3)) link.lose("server");
      else link.cut();
    }
    this.#stops.push(server.stop({ grace: 0 }));
    this.#comeBack();
  }

  #drain(): void {
    const grace = this.#upTo(2_000);
    this.#stops.push(this.#server.server.stop({ grace }));
    this.#comeBack();
  }

  /** The next server starts, perhaps with a smaller window. */
  #comeBack(): void {
    const before = this.#server;
    this.#at(this.#pick([1, 100, 1_000, 3_000]), () => {
      // Another fault may have been quicker.
      if (this.#server === before) this.#server = this.#startServer();
    });
  }

  #startServer(): Process {
    const window = this.#pick([1, 2, 4, 16, 64]);
    if (window < this.#window) this.#count("window shrinks");
    this.#window = window;
    this.#running.clear();
    const server = new CypherServer({
      ...serverKeys,
      wires: ["session"],
      handler: (request, context) => handler(request, context),
      listen: this.#network.listen,
      clock: this.#clock,
      window,
      heartbeat: 1_000,
      answers: { maxBytes: this.#maxBytes, tokens: 1_024 },
      limits: { handshakeTimeout: 2_000 },
    });
    const started: Process = { server, alive: true };
    const handler = this.#handlerOf(started);
    server.monitor.listen((signal) => {
      if (!started.alive) return;
      const detail = "reason" in signal
        ? signal.reason
        : "code" in signal
        ? signal.code
        : "status" in signal
        ? signal.status
        : "";
      this.#note(`server ${signal.kind} ${signal.connection} ${detail}`);
      // Both ends keep to the protocol, so neither may say otherwise.
      this.#check(
        !/BAD_|INTERNAL|protocol-error|bad-token|too-large/.test(detail),
        `the server says ${detail}: ${"message" in signal && signal.message}`,
      );
      if (detail === "replaced") this.#count("replaced");
    });
    server.start();
    this.#note(`server starts, window ${window}`);
    return started;
  }

  #handlerOf(started: Process): Handler {
    return async ({ data }, context) => {
      const work = data as unknown as Work;
      const job = this.#jobs[work.job]!;
      const effect = () => {
        this.#note(`effect ${job.number}`);
        job.effects++;
        this.#check(
          job.effects === 1 || job.repeatable,
          `${job.number} was executed twice`,
        );
      };
      using _running = this.#runs(context);
      this.#checkBounds();
      if (work.early) effect();
      if (work.time > 0) {
        const signal = work.deaf ? undefined : context.signal;
        const woken = await sleep(this.#clock, work.time, signal)
          .then(() => true, () => false);
        // Nothing comes of a process that was killed.
        if (!started.alive) await new Promise(() => {});
        if (!woken) throw new Error("Aborted");
      }
      if (!work.early) effect();
      return { data: { ...work } };
    };
  }

  /** Notes that a handler runs, for as long as it counts. */
  #runs(context: RequestContext): Disposable {
    const [client] = context.identity.split("-");
    const running = this.#running.getOrInsertComputed(client!, () => new Set());
    running.add(context);
    const end = () => void running.delete(context);
    context.signal.addEventListener("abort", end);
    this.#check(
      running.size <= this.#window,
      `${running.size} handlers run, the window is ${this.#window}`,
    );
    return { [Symbol.dispose]: end };
  }

  #addClient(): void {
    const client = new CypherClient({
      ...clientKeys,
      dial: this.#network.dial,
      clock: this.#clock,
      random: this.#random,
      onRestart: this.#resend ? "resend" : "reject",
      connectTimeout: 2_000,
      backoff: { first: 100, max: 1_000 },
      limits: { queued: QUEUED },
      onOnline: () => this.#note("client online"),
      onOffline: (reason) => {
        this.#note(`client offline ${reason}`);
        this.#check(
          !["protocol-error", "bad-token", "too-large", "replaced"]
            .includes(reason),
          `a client is offline because of ${reason}`,
        );
      },
    });
    this.#clients.push(client);
  }

  #restartClient(): void {
    const [client] = this.#clients.splice(
      Math.floor(this.#random() * this.#clients.length),
      1,
    );
    this.#closedClients++;
    client?.close();
    this.#addClient();
  }

  #checkBounds(): void {
    for (const { bytes } of this.#registries) {
      this.#check(bytes <= this.#maxBytes, `${bytes} bytes are kept`);
    }
    for (const { pending } of this.#clients) {
      this.#check(pending <= QUEUED, `${pending} requests wait`);
    }
  }

  // The world's own means.

  #note(what: string): void {
    this.trace.push(`${this.#clock.now()} ${what}`);
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** Remembers the first thing that must not be: it may be seen anywhere. */
  #check(condition: boolean, message: string): void {
    if (!condition) this.#wrong ??= new Error(message);
  }

  #at(after: number, happen: () => void): void {
    this.#clock.setTimeout(happen, after);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** A whole number from 1 to `most`. */
  #upTo(most: number): number {
    return 1 + Math.floor(this.#random() * most);
  }

  #pick<T>(from: readonly [T, ...T[]]): T {
    return from[Math.floor(this.#random() * from.length)]!;
  }

  #anyOf<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!;
  }
}

function codeOf(error: unknown): string {
  return error instanceof CypherError ? error.code : String(error);
}

/** Tells of each registry that is used: servers keep theirs to themselves. */
function watchRegistries(watch: (one: ClientRegistry) => void): Disposable {
  const { claim } = ClientRegistry.prototype;
  ClientRegistry.prototype.claim = function (...args) {
    watch(this);
    return claim.apply(this, args);
  };
  return {
    [Symbol.dispose]: () => void (ClientRegistry.prototype.claim = claim),
  };
}
