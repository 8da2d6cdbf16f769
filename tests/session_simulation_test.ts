/**
 * Session clients and servers in a world in which everything may go wrong. A
 * failure names its seed; `CYPHER_SEED=n` lives it again, and prints all
 * that happened. `CYPHER_LONG=1` lives 10,000 of them, `CYPHER_SEEDS=1-500`
 * those.
 */

import { assert, assertEquals } from "@std/assert";
import { type Counts, live } from "./support/session_world.ts";

const chosen = Deno.env.get("CYPHER_SEED");
const long = Deno.env.get("CYPHER_LONG") === "1";
const range = Deno.env.get("CYPHER_SEEDS") ?? (long ? "1-10000" : "1-200");
const [first = 1, last = first] = (chosen ?? range).split("-").map(Number);
const seeds = Array.from({ length: last - first + 1 }, (_, i) => first + i);
/** Too few for everything to happen among them. */
const few = seeds.length < 200;

Deno.test("whatever happens, requests end as promised", async () => {
  const counts: Counts = new Map();
  for (const seed of seeds) {
    const trace = await live(seed, { counts, lines: chosen ? Infinity : 100 });
    if (chosen) await Deno.stdout.write(encode(`${trace.join("\n")}\n`));
  }
  const of = (name: string) => counts.get(name) ?? 0;
  const text = JSON.stringify(Object.fromEntries(counts));
  if (seeds.length !== 200) await Deno.stdout.write(encode(`${text}\n`));
  if (few) return;
  const all = OUTCOMES.reduce((sum, name) => sum + of(name), 0);
  assert(of("answered") > 0.5 * all, `Too few were answered: ${text}`);
  // The rest are those whose callers did not wait, or asked too much.
  const failed = of("OUTCOME_UNKNOWN") + of("ANSWER_LOST");
  assert(of("answered") > 10 * failed, `Too many failed: ${text}`);
  for (const name of [...OUTCOMES, ...EVENTS]) {
    assert(of(name) > 0, `It never came to "${name}": ${text}`);
  }
});

Deno.test("a seed decides everything that happens", async () => {
  for (const seed of seeds.slice(0, 10)) {
    assertEquals(await live(seed), await live(seed), `CYPHER_SEED=${seed}`);
  }
});

/** How requests end. */
const OUTCOMES = [
  "answered",
  "ABORTED",
  "ANSWER_LOST",
  "ANSWER_TOO_LARGE",
  "CLOSED",
  "DEADLINE",
  "OUTCOME_UNKNOWN",
  "QUEUE_FULL",
  "STATUS",
  "TOO_LARGE",
];

/** What befalls. */
const EVENTS = [
  "cut",
  "half-open server",
  "half-open client",
  "lost answered",
  "lost answers",
  "silence",
  "unreachable",
  "crash",
  "crash with a journal",
  "crash in a handler",
  "crash before a commit",
  "crash meets requests",
  "drain",
  "drain meets requests",
  "cancel meets an answer",
  "forgotten",
  "disconnect",
  "requests wait for their turn",
  "window shrinks",
  "replaced",
  "client restart",
  "client crash",
];

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
