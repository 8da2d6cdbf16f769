/**
 * A small world in which everything may go wrong, and all of it again from the
 * same seed: session clients and servers, as programs use them, on a fake clock
 * and a network in memory. It watches what must never happen.
 */

import { CypherClient, CypherError } from "../../mod.ts";
import type { Conn } from "../../protocol/transport.ts";
import type { ClientRegistry } from "../../server/session/client_registry.ts";
import { Chance } from "./chance.ts";
import { clientKeys, randomFrom } from "./cypher.ts";
import { FakeClock } from "./fake_clock.ts";
import { type MemoryLink, MemoryNetwork } from "./memory_network.ts";
import { type Done, Ledger, type Work } from "./session_ledger.ts";
import { type Rules, rulesOf, workOf } from "./session_rules.ts";
import { Service } from "./session_service.ts";
import { seededSecrets, watch, type Watcher } from "./session_watch.ts";

/** How long clients ask and faults happen, in ms. */
const EVENTFUL = 10_000;
/** How long everything may take to end after that, in ms. */
const PATIENCE = 300_000;
/** How many requests may wait in a client. */
const QUEUED = 100;

/** What befell, by its name: that a fault can happen at all is checked too. */
export type Counts = Map<string, number>;

/**
 * Runs the world of a seed; throws where something happened that must not, with
 * the last `lines` of what did.
 */
export async function live(
  seed: number,
  { counts = new Map(), lines = 100 }: { counts?: Counts; lines?: number } = {},
): Promise<readonly string[]> {
  using _secrets = seededSecrets(seed);
  using world = new World(seed, counts);
  using _watching = watch(world);
  try {
    await world.live();
  } catch (error) {
    const { message } = error as Error;
    const last = world.trace.slice(-lines).join("\n");
    throw new Error(`CYPHER_SEED=${seed}: ${message}\n${last}`, {
      cause: error,
    });
  }
  return world.trace;
}

class World implements Watcher, Disposable {
  /** Everything that happened, with its time. */
  readonly trace: string[] = [];
  readonly #clock = new FakeClock();
  readonly #chance: Chance;
  readonly #counts: Counts;
  readonly #network: MemoryNetwork;
  readonly #rules: Rules;
  readonly #ledger: Ledger;
  readonly #service: Service;
  readonly #clients: CypherClient[] = [];
  /** The client's end of each one's last connection. */
  readonly #ends = new Map<CypherClient, Conn>();
  readonly #registries = new Set<ClientRegistry>();
  #closedClients = 0;

  constructor(seed: number, counts: Counts) {
    const chance = this.#chance = new Chance(randomFrom(seed));
    this.#counts = counts;
    const delay = chance.among([0, 5, 50, 300]);
    this.#network = new MemoryNetwork({
      clock: this.#clock,
      random: chance.random,
      delay,
      stall: chance.among([0, 0, 3_000]),
      slice: chance.of(0.5),
      // Both would be too slow for what is sent.
      capacity: delay < 50 ? chance.among([2_000, 65_536]) : 65_536,
    });
    const rules = this.#rules = rulesOf(chance);
    const { journal, forgetful } = rules;
    this.#ledger = new Ledger({ journal, forgetful });
    this.#service = new Service({
      clock: this.#clock,
      network: this.#network,
      chance,
      ledger: this.#ledger,
      journal,
      fragile: rules.fragile,
      server: {
        answers: {
          maxBytes: rules.maxBytes,
          tokens: 1_024,
          ...(forgetful && { maxAge: 500, clients: 1 }),
        },
        limits: {
          // Over the clients' connectTimeout: a hello may come too late.
          handshakeTimeout: 5_000,
          writeBufferBytes: rules.writeBufferBytes,
          requests: rules.requests,
        },
      },
      messageBytes: rules.serverBytes,
      note: (what) => this.#note(what),
      count: (what) => this.#count(what),
    });
    for (let i = chance.upTo(3); i > 0; i--) this.#addClient();
  }

  async live(): Promise<void> {
    const chance = this.#chance;
    for (let i = 10 + chance.upTo(40); i > 0; i--) {
      this.#at(chance.upTo(EVENTFUL), () => this.#ask());
    }
    for (let i = chance.upTo(12) - 1; i > 0; i--) {
      this.#at(chance.upTo(EVENTFUL), () => this.#fault());
    }
    if (chance.of(0.2)) {
      this.#at(chance.upTo(EVENTFUL), () => this.#flood());
    }
    await this.#advance(EVENTFUL);
    this.#network.unreachable = false;
    this.#service.calm();
    for (let spent = 0; this.#ledger.open.length > 0; spent += 1_000) {
      if (spent > PATIENCE) {
        throw new Error(`Never ended: ${JSON.stringify(this.#ledger.open)}`);
      }
      await this.#advance(1_000);
    }
    await this.#end();
  }

  [Symbol.dispose](): void {
    this.#service[Symbol.dispose]();
  }

  async #end(): Promise<void> {
    const { check, anyForgotten } = this.#ledger;
    // Long enough for the last answers to be confirmed.
    await this.#advance(10_000);
    const confirmed = this.#closedClients === 0 && !anyForgotten;
    const bytes = [...this.#registries].at(-1)?.bytes ?? 0;
    if (confirmed) check(bytes === 0, `${bytes} bytes are kept, and confirmed`);
    for (const client of this.#clients) client.close();
    const stopped = this.#service.stop();
    await this.#advance(30_000);
    await stopped;
    const { kept } = this.#service;
    if (confirmed) check(kept.length === 0, `${kept} are kept, and confirmed`);
    check(this.#clock.pending === 0, "a timer runs on");
    check(this.#network.links.length === 0, "a connection is left");
    this.#ledger.audit();
  }

  async #advance(ms: number): Promise<void> {
    await this.#clock.advance(ms);
    this.#ledger.audit();
  }

  // What is seen.

  connected(client: string, server: string): void {
    this.#ledger.connected(client, server);
  }

  forgotten(client: string): void {
    this.#note("client forgotten");
    this.#count("forgotten");
    this.#ledger.forgotten(client);
  }

  written(client: string, id: number, data: unknown): void {
    const { job } = data as Work;
    this.#ledger.written(client, id, this.#ledger.jobs[job]!);
  }

  registry(registry: ClientRegistry): void {
    this.#registries.add(registry);
  }

  noted(): void {
    this.#service.noted();
  }

  // What happens.

  #ask(): void {
    const client = this.#chance.among(this.#clients);
    for (let i = this.#chance.among([1, 1, 1, 3, 20]); i > 0; i--) {
      this.#request(client);
    }
  }

  /** More than a client's queue may hold. */
  #flood(): void {
    const client = this.#chance.among(this.#clients);
    for (let i = 2 * QUEUED; i > 0; i--) this.#request(client);
  }

  async #request(client: CypherClient): Promise<void> {
    const chance = this.#chance;
    const ledger = this.#ledger;
    const { maxBytes, clientBytes, serverBytes, resend } = this.#rules;
    const idempotent = chance.of(0.2);
    const work = workOf(this.#ledger.jobs.length, this.#rules, chance);
    // They depend on what others have done, and are checked where that is known.
    const allowed = new Set(["CLOSED", "QUEUE_FULL", "OUTCOME_UNKNOWN"]);
    if (work.fails || !work.deaf) allowed.add("STATUS");
    if (maxBytes < 10_000) allowed.add("ANSWER_LOST");
    if (work.answer > clientBytes) allowed.add("ANSWER_TOO_LARGE");
    if (work.pad.length > Math.min(clientBytes, ...serverBytes)) {
      allowed.add("TOO_LARGE");
    }
    const cancel = new AbortController();
    if (chance.of(0.15)) {
      allowed.add("ABORTED");
      // Often at about the time when the answer is on its way.
      const after = chance.of(0.5) ? work.time : chance.upTo(2_000);
      this.#at(after, () => cancel.abort());
    }
    let deadline = Infinity;
    if (chance.of(0.1)) {
      allowed.add("DEADLINE");
      deadline = chance.upTo(3_000);
    }
    const job = ledger.add({ work, repeatable: idempotent || resend, allowed });
    this.#note(`ask ${work.job}`);
    const outcome = await client.request<Done>(
      { path: "/WORK", data: { ...work } },
      { signal: cancel.signal, deadline, idempotent },
    ).then(({ data }) => {
      ledger.answered(job, data);
      return "answered";
    }, codeOf);
    this.#note(`${outcome} ${work.job}`);
    this.#count(outcome);
    ledger.ended(job, outcome);
    if (outcome === "ABORTED" && job.returned) {
      this.#count("cancel meets an answer");
    }
    if (outcome === "QUEUE_FULL") {
      ledger.check(client.pending === QUEUED, "the queue was not full");
    }
    if (outcome === "CLOSED") {
      ledger.check(client.state === "closed", "the client was not closed");
    }
  }

  #fault(): void {
    const { links } = this.#network;
    const link = links.length > 0 ? this.#chance.among(links) : undefined;
    const faults: [string, () => void][] = [
      ...this.#service.faults,
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
    const [name, befall] = this.#chance.among(faults);
    this.#note(name);
    this.#count(name);
    befall();
  }

  /** One side is not heard for a while; then the connection is lost. */
  #lose(link: MemoryLink, side: "client" | "server"): void {
    link.swallow(side);
    this.#at(this.#chance.upTo(1_500), () => link.cut());
  }

  #unreachable(): void {
    this.#network.unreachable = true;
    this.#at(
      this.#chance.upTo(4_000),
      () => this.#network.unreachable = false,
    );
  }

  #addClient(): void {
    const client: CypherClient = new CypherClient({
      ...clientKeys,
      dial: async (...args) => {
        const end = await this.#network.dial(...args);
        this.#ends.set(client, end);
        return end;
      },
      clock: this.#clock,
      random: this.#chance.random,
      onRestart: this.#rules.resend ? "resend" : "reject",
      connectTimeout: 2_000,
      backoff: { first: 100, max: 1_000 },
      limits: { queued: QUEUED, messageBytes: this.#rules.clientBytes },
      onOnline: () => this.#note("client online"),
      onOffline: (reason) => {
        this.#note(`client offline ${reason}`);
        this.#ledger.check(
          !["protocol-error", "bad-token", "too-large", "replaced"]
            .includes(reason),
          `a client is offline because of ${reason}`,
        );
      },
    });
    this.#clients.push(client);
  }

  #restartClient(): void {
    const index = Math.floor(this.#chance.random() * this.#clients.length);
    const [client] = this.#clients.splice(index, 1);
    this.#closedClients++;
    // One that is switched off says nothing more.
    const end = this.#ends.get(client!);
    const link = this.#network.links.find(({ client }) => client === end);
    if (link && this.#chance.of(0.5)) {
      this.#count("client crash");
      link.swallow("client");
    }
    client!.close();
    this.#addClient();
  }

  // The world's own means.

  #note(what: string): void {
    this.trace.push(`${this.#clock.now()} ${what}`);
    const { maxBytes } = this.#rules;
    const clients = this.#clients.length + this.#closedClients;
    for (const { bytes, size } of this.#registries) {
      this.#ledger.check(bytes <= maxBytes, `${bytes} bytes are kept`);
      this.#ledger.check(size <= clients, `${size} clients are remembered`);
    }
    for (const { pending } of this.#clients) {
      this.#ledger.check(pending <= QUEUED, `${pending} requests wait`);
    }
  }

  #count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  #at(after: number, happen: () => void): void {
    this.#clock.setTimeout(happen, after);
  }
}

function codeOf(error: unknown): string {
  return error instanceof CypherError ? error.code : String(error);
}
