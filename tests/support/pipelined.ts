/**
 * A classic client that sends requests without waiting for their answers, all
 * on one connection, and reads these. Prints by how many bytes the heap has
 * grown for each of them.
 */

import { concat, startServer, Wire } from "./cypher.ts";

const AT_ONCE = 40;

async function main(): Promise<void> {
  await using server = await startServer(async () => {
    // What is kept of an answer is to be seen.
    await Promise.resolve();
    return { data: "x".repeat(10_000) };
  }, { answers: { maxBytes: 0 } });
  using wire = await Wire.dial(server.address);
  const ask = async (times: number) => {
    for (let i = 0; i < times; i++) {
      const tokens = Array.from({ length: AT_ONCE }, () => wire.seal({}));
      await wire.send(concat(await Promise.all(tokens)));
      for (let k = 0; k < AT_ONCE; k++) await wire.token();
    }
  };
  await ask(50);
  const before = heap();
  await ask(150);
  // deno-lint-ignore no-console
  console.log(Math.round((heap() - before) / (150 * AT_ONCE)));
}

function heap(): number {
  for (let i = 0; i < 2; i++) (globalThis as unknown as { gc(): void }).gc();
  return Deno.memoryUsage().heapUsed;
}

if (import.meta.main) await main();
