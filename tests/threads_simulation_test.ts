/**
 * Clients wander between threads that die, in every order that chance finds:
 * nothing is executed twice, and every request ends as it must. 200 runs, or
 * 10,000 with CYPHER_LONG=1.
 */

import { assertEquals } from "@std/assert";
import { Chance } from "./support/chance.ts";
import { randomFrom, seeded } from "./support/cypher.ts";
import { ThreadModel } from "./support/thread_model.ts";

const RUNS = Deno.env.get("CYPHER_LONG") ? 10_000 : 200;
const STEPS = 600;

for (const journal of [false, true]) {
  const name = journal ? ", with a journal" : "";
  Deno.test(`clients wander between threads that die${name}: every request ends as it must`, async () => {
    const { seed } = seeded();
    for (let run = seed; run < seed + RUNS; run++) {
      const chance = new Chance(randomFrom(run));
      using model = new ThreadModel(chance, {
        clients: 3,
        threads: 3,
        journal,
      });
      for (let i = 0; i < STEPS; i++) await model.step();
      await model.finish();
      assertEquals([...model.faults()], [], `CYPHER_SEED=${run}`);
    }
  });
}
