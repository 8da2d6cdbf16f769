/**
 * Recorded classic tokens, sent again by somebody who cannot make any: as they
 * were and spelled otherwise, on other connections, beside the first execution,
 * and after the server's process was killed. What the handler wrote to a file
 * tells how often each was executed. `CYPHER_LONG=1` sends 100,000.
 */

import { assert, assertEquals } from "@std/assert";
import {
  concat,
  Effects,
  randomFrom,
  seeded,
  until,
  Wire,
  within,
} from "../support/cypher.ts";
import {
  type Done,
  effectsIn,
  JournalServer,
} from "../support/journal_server.ts";
import { spellingsOf } from "../support/spellings.ts";

const REPLAYS = Deno.env.get("CYPHER_LONG") ? 100_000 : 2_000;
/** How many tokens there are; each is sent again ten times. */
const TOKENS = REPLAYS / 10;
/** How many connections are open at once. */
const LANES = 16;

/** A token as it was recorded, with its NUL. */
type Token = Uint8Array<ArrayBuffer>;

/** What came back for a token: DATA, a status's code, or nothing. */
type Outcome = Done | string | undefined;

/** Runs jobs, some at once. */
async function inLanes<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}

/** Sends a token on a connection of its own. */
async function send(server: JournalServer, token: Token): Promise<Outcome> {
  try {
    using wire = await Wire.dial(server);
    await wire.send(token);
    const text = await wire.token();
    if (text === null) return undefined;
    const { DATA, STATUS } = JSON.parse(await wire.open(text));
    return STATUS?.code ?? DATA;
  } catch (error) {
    if (isLoss(error)) return undefined;
    throw error;
  }
}

const LOSSES = [
  Deno.errors.BrokenPipe,
  Deno.errors.ConnectionRefused,
  Deno.errors.ConnectionReset,
  Deno.errors.NotConnected,
];

/** Whether an error says that the server is gone. */
function isLoss(error: unknown): boolean {
  return LOSSES.some((loss) => error instanceof loss);
}

/** The servers' lives in one folder, and the tokens that were sent to them. */
class Recorded implements AsyncDisposable {
  readonly folder: string = Deno.makeTempDirSync();
  server!: JournalServer;

  async begin(): Promise<void> {
    const { folder } = this;
    const journal = true;
    const wire = "classic";
    this.server = await JournalServer.start({ folder, journal, wire });
  }

  /** Fails if any token was executed twice; gives how many were executed. */
  executed(context: string): number {
    const effects = new Effects<string>();
    for (const identity of effectsIn(this.folder)) effects.add(identity);
    for (const [identity, times] of effects.counts) {
      assertEquals(times, 1, `${identity}, ${context}`);
    }
    return effects.total;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.kill();
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Tokens as a client seals them, of all lengths of padding. */
async function record(
  count: number,
  server: JournalServer,
  pauseOf: (number: number) => number,
): Promise<Token[]> {
  using wire = await Wire.dial(server);
  const tokens: Token[] = [];
  for (let number = 0; number < count; number++) {
    const data = { number, pause: pauseOf(number) };
    tokens.push(
      await wire.seal({
        PATH: "/EFFECT".padEnd(7 + number % 48, "x"),
        OPERATION: "UPDATE",
        DATA: data,
      }),
    );
  }
  return tokens;
}

const text = (token: Token) => new TextDecoder().decode(token.slice(0, -1));
const bytes = (text: string) => new TextEncoder().encode(`${text}\0`);

Deno.test(`${REPLAYS} replayed tokens execute nothing again`, async () => {
  const { seed, random } = seeded();
  const context = `CYPHER_SEED=${seed}`;
  await using all = new Recorded();
  await all.begin();
  const tokens = await record(
    TOKENS,
    all.server,
    () => random() < 0.5 ? 0 : 1 + Math.floor(random() * 5),
  );
  let replays = 0;

  // The first execution of each, with a repeat beside it.
  const answers = new Map<Token, Outcome>();
  await inLanes(tokens, async (token) => {
    const [first, second] = await Promise.all([
      send(all.server, token),
      send(all.server, token),
    ]);
    assert(typeof first === "object", context);
    assertEquals(second, first, context);
    answers.set(token, first);
    replays++;
  });
  assertEquals(all.executed(context), TOKENS);

  // Spellings of each, which are refused, and the token by itself.
  const replay = async (server: JournalServer) => {
    const from = randomFrom(seed);
    await inLanes(tokens, async (token) => {
      const spellings = spellingsOf(text(token));
      assert(spellings.length > 4);
      for (let i = 0; i < 3; i++) {
        const chosen = Math.floor(from() * spellings.length);
        const [name, spelling] = spellings[chosen]!;
        const outcome = await send(server, bytes(spelling));
        assertEquals(outcome, undefined, `${name}, ${context}`);
        replays++;
      }
      assertEquals(await send(server, token), answers.get(token), context);
      replays++;
    });
    // Many on one connection, in one write.
    await inLanes([0, 1, 2, 3], async (quarter) => {
      using wire = await Wire.dial(server);
      const some = tokens.filter((_, i) => i % 4 === quarter);
      const sending = wire.send(concat(some));
      for (const token of some) {
        const { DATA } = await wire.receive() as unknown as { DATA: Done };
        assertEquals(DATA, answers.get(token), context);
        replays++;
      }
      await sending;
    });
    assertEquals(all.executed(context), TOKENS);
  };
  await replay(all.server);
  const first = all.server;
  await first.kill();
  await all.begin();
  assert(all.server.pid !== first.pid);
  // All come from the journal: they say which process made them.
  await replay(all.server);
  for (const answer of answers.values()) {
    assertEquals((answer as Done).pid, first.pid);
  }
  assert(replays >= REPLAYS, `${replays}`);
});

const KILLS = Deno.env.get("CYPHER_LONG") ? 20 : 3;

Deno.test(`replays through ${KILLS} kills: once, or the outcome is unknown`, async () => {
  const { seed, random } = seeded();
  const context = `CYPHER_SEED=${seed}`;
  await using all = new Recorded();
  await all.begin();
  let unknown = 0;
  let executed = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const tokens = await record(
      200,
      all.server,
      () => random() < 0.5 ? 0 : 1 + Math.floor(random() * 20),
    );
    const before = effectsIn(all.folder).length;
    const enough = before + Math.floor(random() * 200);
    const known = new Map<Token, Outcome>();
    const sending = inLanes(tokens, async (token) => {
      const outcome = await send(all.server, token);
      if (outcome !== undefined) known.set(token, outcome);
    });
    await until("effects", () => effectsIn(all.folder).length >= enough);
    await all.server.kill();
    await within("the end of all", sending);
    await all.begin();
    for (let times = 0; times < 2; times++) {
      await inLanes(tokens, async (token) => {
        const outcome = await send(all.server, token);
        const first = known.get(token);
        if (first !== undefined) return assertEquals(outcome, first, context);
        known.set(token, outcome);
        if (outcome === "OUTCOME_UNKNOWN") unknown++;
        else assert(typeof outcome === "object", `${outcome}, ${context}`);
      });
    }
    for (const outcome of known.values()) {
      if (typeof outcome === "object") executed++;
    }
    // What is unknown had begun, or was about to.
    const effects = all.executed(context);
    assert(effects >= executed, context);
    assert(effects <= executed + unknown, context);
  }
  // At most one for each connection, at each kill.
  assert(unknown > 0 && unknown <= KILLS * LANES, `${unknown}, ${context}`);
});
