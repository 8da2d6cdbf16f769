/**
 * Threads are killed while requests pour in, 3 times, or 20 with CYPHER_LONG=1.
 * No effect comes twice, and every request ends as it must: what a dead thread
 * was in the midst of in OUTCOME_UNKNOWN, what it had answered, and it alone
 * knew, in ANSWER_LOST, and everything else in its answer.
 */

import { assert, assertEquals } from "@std/assert";
import {
  CypherClient,
  type CypherClientOptions,
  CypherError,
  CypherStatus,
} from "../../mod.ts";
import { clientKeys, seeded, SignalLog, until } from "../support/cypher.ts";
import type { Asked, Line } from "../support/thread_handler.ts";
import { Effects, startThreads } from "../support/threads.ts";

const KILLS = Deno.env.get("CYPHER_LONG") ? 20 : 3;
/** Requests that are to end between one kill and the next. */
const BETWEEN = 300;
const HOWS = ["throw", "reject", "close", "exit"] as const;

/** How requests end, by what they were sent to be told by. */
type Outcomes = Map<string, string>;

Deno.test(`threads are killed under load, ${KILLS} times: every request ends as it must`, async () => {
  const { seed, random } = seeded();
  using effects = new Effects();
  await using server = await startThreads({ window: 16 });
  using signals = new SignalLog(server.monitor);
  const clients = Array.from(
    { length: 8 },
    (_, i) =>
      makeClient(server.address.port, i % 4 === 3 ? "classic" : "session"),
  );
  const outcomes: Outcomes = new Map();
  let going = true;
  const ask = async (client: CypherClient, name: string) => {
    for (let i = 0; going; i++) {
      const echo = `${name}/${i}`;
      // Some are answered at once, some take their time.
      const asked = random() < 0.5 ? {} : { pause: 1 + random() * 10 };
      const data = { file: effects.file, echo, ...asked };
      outcomes.set(echo, await outcomeOf(client, data));
    }
  };
  const asking = clients.flatMap((client, c) =>
    Array.from({ length: 4 }, (_, i) => ask(client, `${c}.${i}`))
  );
  for (let kill = 0; kill < KILLS; kill++) {
    const before = outcomes.size;
    await until("requests end", () => outcomes.size > before + BETWEEN);
    const killer = makeClient(server.address.port, "session");
    const die = HOWS[kill % HOWS.length]!;
    const file = effects.file;
    await outcomeOf(killer, { file, echo: `kill ${kill}`, die });
    await until("a notice", () => signals.of("notice").length > kill);
    await killer.close();
  }
  const before = outcomes.size;
  await until("requests end", () => outcomes.size > before + BETWEEN);
  going = false;
  await Promise.all(asking);
  for (const client of clients) await client.close();
  check(outcomes, effects.lines, `CYPHER_SEED=${seed}`);
});

function check(outcomes: Outcomes, lines: Line[], seed: string): void {
  const dead = new Set(
    lines.filter(({ echo }) => String(echo).startsWith("kill"))
      .map(({ thread }) => thread),
  );
  assertEquals(dead.size, KILLS, seed);
  const begun = new Map<unknown, Line>();
  const done = new Set<unknown>();
  for (const line of lines) {
    if (line.what === "done") done.add(line.echo);
    else {
      assert(!begun.has(line.echo), `${line.echo} was executed twice, ${seed}`);
      begun.set(line.echo, line);
    }
  }
  const ends: Record<string, number> = {};
  for (const [echo, outcome] of outcomes) {
    ends[outcome] = (ends[outcome] ?? 0) + 1;
    const { thread } = begun.get(echo) ?? {};
    const about = `${echo} ended in ${outcome} on ${thread}, ${seed}`;
    switch (outcome) {
      case "answered":
        assert(done.has(echo), about);
        break;
      case "OUTCOME_UNKNOWN":
        assert(thread !== undefined && dead.has(thread), about);
        assert(!done.has(echo), about);
        break;
      case "ANSWER_LOST":
        assert(thread !== undefined && dead.has(thread), about);
        assert(done.has(echo), about);
        break;
      default:
        throw new Error(about);
    }
  }
  // deno-lint-ignore no-console
  if (Deno.env.get("CYPHER_LONG")) console.error(ends);
}

async function outcomeOf(client: CypherClient, data: Asked): Promise<string> {
  try {
    const answer = await client.request<{ echo: unknown }>({ path: "/", data });
    assertEquals(answer.data.echo, data.echo);
    return "answered";
  } catch (error) {
    if (error instanceof CypherStatus) return error.status;
    if (error instanceof CypherError) return error.code;
    throw error;
  }
}

function makeClient(
  port: number,
  wire: NonNullable<CypherClientOptions["wire"]>,
): CypherClient {
  return new CypherClient({
    hostname: "127.0.0.1",
    port,
    ...clientKeys,
    wire,
    backoff: { first: 1, max: 20 },
  });
}
