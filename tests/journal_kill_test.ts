/**
 * What is promised when the server's process is killed, with a journal and
 * without: real processes, SIGKILL, effects counted by what the handlers wrote.
 * `CYPHER_LONG=1` kills 50 times; `CYPHER_SEED` repeats a run's choices.
 */

import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { CypherClient, type CypherClientOptions, CypherError } from "../mod.ts";
import { dialTcp } from "../client/dial.ts";
import {
  clientKeys,
  codeOf,
  Effects,
  seeded,
  until,
  within,
} from "./support/cypher.ts";
import {
  type Done,
  effectsIn,
  journalIn,
  JournalServer,
} from "./support/journal_server.ts";

/** How many requests are in flight whenever the server is killed. */
const IN_FLIGHT = 1_000;
const KILLS = Deno.env.get("CYPHER_LONG") ? 50 : 6;

interface LivesOptions {
  /** Whether the server keeps a journal. */
  journal: boolean;
  /** How many requests may be in flight; default the server's. */
  window?: number;
  /** What is special about the client. */
  client?: Partial<CypherClientOptions>;
}

/** One client, and the lives of its server: a process after the other. */
class Lives implements AsyncDisposable {
  readonly folder: string = Deno.makeTempDirSync();
  readonly client: CypherClient;
  /** Drops what the server sends; the client hears nothing. */
  deaf = false;
  /** Drops what the client sends; the server hears nothing. */
  mute = false;
  /** How many bytes were dropped. */
  dropped = 0;
  #options: LivesOptions;
  #server: JournalServer | undefined;

  constructor(options: LivesOptions) {
    this.#options = options;
    this.client = new CypherClient({
      ...clientKeys,
      backoff: { first: 1, max: 5 },
      dial: (_, signal) => this.#dial(signal),
      ...options.client,
    });
  }

  /** The server's process id, while it lives. */
  get pid(): number | undefined {
    return this.#server?.pid;
  }

  async begin({ hold = false } = {}): Promise<void> {
    const { folder } = this;
    const { journal, window } = this.#options;
    this.#server = await JournalServer.start({
      folder,
      journal,
      hold,
      ...(window !== undefined && { window }),
    });
  }

  async kill(): Promise<void> {
    const server = this.#server!;
    this.#server = undefined;
    await server.kill();
  }

  /** Asks for an effect. */
  async ask(
    number: number,
    { pause = 0, idempotent = false } = {},
  ): Promise<Done> {
    const { data } = await this.client.request<Done>(
      { path: "/EFFECT", operation: "UPDATE", data: { number, pause } },
      { idempotent },
    );
    return data;
  }

  /** How often each request was executed. */
  effects(): Effects<string> {
    const effects = new Effects<string>();
    for (const identity of effectsIn(this.folder)) effects.add(identity);
    return effects;
  }

  /** The requests that the journal has as begun, and not as ended. */
  running(): string[] {
    const database = new DatabaseSync(journalIn(this.folder));
    const rows = database.prepare(
      "SELECT client || '-' || id AS one FROM requests WHERE type IS NULL",
    ).all();
    database.close();
    return rows.map((row) => row["one"] as string);
  }

  async #dial(signal: AbortSignal): ReturnType<typeof dialTcp> {
    if (!this.#server) throw new Error("The server is dead");
    const conn = await dialTcp(this.#server, signal);
    return {
      read: async (into) => {
        for (;;) {
          const count = await conn.read(into);
          if (!this.deaf || count === null) return count;
          this.dropped += count;
        }
      },
      write: (bytes) => {
        if (!this.mute) return conn.write(bytes);
        this.dropped += bytes.length;
        return Promise.resolve(bytes.length);
      },
      closeWrite: () => conn.closeWrite(),
      close: () => conn.close(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.#server?.kill();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** What became of the requests of a run. */
interface Run {
  /** Those with an answer, by their number. */
  readonly done: Map<number, Done>;
  /** The codes of the others. */
  readonly failed: Map<number, string>;
  /** How many answers came from a process that did not execute the request. */
  readonly replayed: number;
  /** Those that the journal had as running at a kill. */
  readonly running: Set<string>;
}

/** Keeps 1,000 requests in flight and kills the server at random among them. */
async function killAmong(
  lives: Lives,
  random: () => number,
  { journal, idempotent }: {
    journal: boolean;
    idempotent: (number: number) => boolean;
  },
): Promise<Run> {
  const done = new Map<number, Done>();
  const failed = new Map<number, string>();
  const running = new Set<string>();
  let replayed = 0;
  let asked = 0;
  let answers = 0;
  let over = false;
  const caller = async () => {
    while (!over) {
      const number = ++asked;
      // Half of the handlers are over at once, half are to be caught running.
      const pause = random() < 0.5 ? 0 : 1 + Math.floor(random() * 30);
      try {
        const answer = await lives.ask(number, {
          pause,
          idempotent: idempotent(number),
        });
        done.set(number, answer);
        if (answer.pid !== lives.pid) replayed++;
        answers++;
      } catch (error) {
        if (!(error instanceof CypherError)) throw error;
        failed.set(number, error.code);
      }
    }
  };
  const callers = Array.from({ length: IN_FLIGHT }, caller);
  const all = Promise.all(callers);
  for (let kill = 0; kill < KILLS; kill++) {
    await lives.begin();
    const enough = answers + Math.floor(random() * 2 * IN_FLIGHT);
    await until("enough answers", () => answers >= enough);
    assertEquals(lives.client.pending, IN_FLIGHT);
    await lives.kill();
    if (journal) { for (const one of lives.running()) running.add(one); }
  }
  await lives.begin();
  over = true;
  await within("every request's end", all);
  assertEquals(done.size + failed.size, asked);
  return { done, failed, replayed, running };
}

/** One client's ids are the numbers of its requests: both count from 1. */
function numberOf(identity: string): number {
  return Number(identity.slice(identity.lastIndexOf("-") + 1));
}

function report(name: string, seed: number, run: Run, effects: number): void {
  if (KILLS < 50) return;
  const { done, failed, replayed } = run;
  // deno-lint-ignore no-console
  console.log(
    `${name}: seed ${seed}, ${KILLS} kills, ${done.size} answered ` +
      `(${replayed} of them by a later process), ${failed.size} failed, ` +
      `${effects} effects`,
  );
}

Deno.test(`a journal keeps its promise through ${KILLS} kills`, async () => {
  const { seed, random } = seeded();
  await using lives = new Lives({ journal: true, window: IN_FLIGHT });
  const run = await killAmong(lives, random, {
    journal: true,
    idempotent: () => false,
  });
  const effects = lives.effects();
  report("with a journal", seed, run, effects.total);
  const context = `CYPHER_SEED=${seed}`;
  for (const [number, { identity, ...answer }] of run.done) {
    assertEquals(answer.number, number, context);
    assertEquals(numberOf(identity), number, context);
    assertEquals(effects.of(identity), 1, `${identity}, ${context}`);
  }
  for (const [identity, times] of effects.counts) {
    assertEquals(times, 1, `${identity}, ${context}`);
  }
  assertEquals(
    [...new Set(run.failed.values())],
    ["OUTCOME_UNKNOWN"],
    context,
  );
  // Exactly those that were running.
  assertEquals(
    [...run.failed.keys()].sort((a, b) => a - b),
    [...run.running].map(numberOf).sort((a, b) => a - b),
    context,
  );
  assert(run.done.size > run.failed.size, context);
});

Deno.test(`no journal: ${KILLS} kills end in the promised errors`, async () => {
  const { seed, random } = seeded();
  await using lives = new Lives({ journal: false, window: IN_FLIGHT });
  const idempotent = (number: number) => number % 10 === 0;
  const run = await killAmong(lives, random, { journal: false, idempotent });
  const effects = lives.effects();
  report("without a journal", seed, run, effects.total);
  const context = `CYPHER_SEED=${seed}`;
  for (const [number, { identity, ...answer }] of run.done) {
    assertEquals(answer.number, number, context);
    const times = effects.of(identity);
    if (idempotent(number)) assert(times >= 1, `${identity}, ${context}`);
    else assertEquals(times, 1, `${identity}, ${context}`);
  }
  for (const [identity, times] of effects.counts) {
    if (idempotent(numberOf(identity))) continue;
    assertEquals(times, 1, `${identity}, ${context}`);
  }
  for (const [number, code] of run.failed) {
    assertEquals(code, "OUTCOME_UNKNOWN", context);
    assertEquals(idempotent(number), false, `${number}, ${context}`);
  }
  assert(run.failed.size > 0, context);
  assert(run.done.size > 0, context);
});

/** Kills a server that has `window` of 1,000 requests running, and no answer. */
async function killHolding(lives: Lives, window: number): Promise<{
  answered: number[];
  unknown: number[];
}> {
  await lives.begin({ hold: true });
  const answered: number[] = [];
  const unknown: number[] = [];
  const all = Array.from({ length: IN_FLIGHT }, async (_, i) => {
    try {
      answered.push((await lives.ask(i + 1)).number);
    } catch (error) {
      assertEquals((error as CypherError).code, "OUTCOME_UNKNOWN");
      unknown.push(i + 1);
    }
  });
  await until("a full window", () => lives.effects().total === window);
  await lives.kill();
  await lives.begin();
  await within("every request's end", Promise.all(all));
  return {
    answered: answered.sort((a, b) => a - b),
    unknown: unknown.sort((a, b) => a - b),
  };
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

for (const journal of [true, false]) {
  const kind = journal ? "with a journal" : "without one";
  Deno.test(`${kind}, exactly what ran at the kill is unknown`, async () => {
    await using lives = new Lives({ journal, window: 256 });
    const { answered, unknown } = await killHolding(lives, 256);
    assertEquals(unknown, range(1, 256));
    assertEquals(answered, range(257, IN_FLIGHT));
    const effects = lives.effects();
    assertEquals(effects.counts.size, IN_FLIGHT);
    assertEquals(effects.total, IN_FLIGHT);
  });
}

Deno.test("without a journal, onRestart resends what was written", async () => {
  await using lives = new Lives({
    journal: false,
    window: 256,
    client: { onRestart: "resend" },
  });
  const { answered, unknown } = await killHolding(lives, 256);
  assertEquals(unknown, []);
  assertEquals(answered, range(1, IN_FLIGHT));
  const effects = lives.effects();
  assertEquals(effects.counts.size, IN_FLIGHT);
  assertEquals(effects.total, IN_FLIGHT + 256);
});

Deno.test("an answer that the journal has is given again", async () => {
  await using lives = new Lives({ journal: true });
  await lives.begin();
  await lives.client.connect();
  lives.deaf = true;
  const first = lives.pid;
  const answer = lives.ask(1);
  await until("an answer", () => lives.dropped > 0);
  await lives.kill();
  lives.deaf = false;
  await lives.begin();
  assertEquals((await within("the answer", answer)).pid, first);
  assertEquals(lives.effects().total, 1);
});

Deno.test("with a journal, what never arrived is sent again", async () => {
  await using lives = new Lives({ journal: true });
  await lives.begin();
  await lives.client.connect();
  lives.mute = true;
  const answer = lives.ask(1);
  await until("a request", () => lives.dropped > 0);
  await lives.kill();
  lives.mute = false;
  await lives.begin();
  assertEquals((await within("the answer", answer)).pid, lives.pid);
  assertEquals(lives.effects().total, 1);
});

Deno.test("without a journal, what never arrived is unknown", async () => {
  await using lives = new Lives({ journal: false });
  await lives.begin();
  await lives.client.connect();
  lives.mute = true;
  const answer = lives.ask(1);
  const code = codeOf(answer);
  const again = lives.ask(2, { idempotent: true });
  await until("requests", () => lives.dropped > 0);
  await lives.kill();
  lives.mute = false;
  await lives.begin();
  assertEquals(await code, "OUTCOME_UNKNOWN");
  assertEquals((await within("the answer", again)).number, 2);
  assertEquals(lives.effects().total, 1);
});
