/**
 * What a second thread brings: requests per second of a handler that takes a
 * millisecond of processor time, from 64 connections with a request each, on
 * one thread and on two, in turns. The machine needs a core for each of them,
 * and should have nothing else to do.
 *
 * `deno task bench:threads [rounds]`
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { peer } from "./peers/threads.ts";
import { type Caller, median, startPeer } from "./support.ts";

const CONNECTIONS = 64;
/** How long a turn takes, in ms. */
const TURN = 3_000;
const rounds = Number(Deno.args[0] ?? 5);

using one = await startPeer("threads", "1");
using two = await startPeer("threads", "2");
const callers = {
  one: await connectAll(one.port),
  two: await connectAll(two.port),
};
const rates: Record<keyof typeof callers, number[]> = { one: [], two: [] };
for (let round = -1; round < rounds; round++) {
  for (const name of ["one", "two"] as const) {
    const rate = await rateOf(callers[name]);
    // The first round is for warming up.
    if (round >= 0) rates[name].push(rate);
  }
}
for (const caller of Object.values(callers).flat()) await caller.close();
const ratios = rates.two.map((rate, i) => rate / rates.one[i]!);
console.log(`one thread: ${show(rates.one)} requests per second`);
console.log(`two threads: ${show(rates.two)}`);
console.log(
  `ratio: median ${median(ratios).toFixed(2)}, from ` +
    `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
);
Deno.exit();

async function connectAll(port: number): Promise<Caller[]> {
  const callers = Array.from(
    { length: CONNECTIONS },
    () => peer.connect(port) as Caller,
  );
  await Promise.all(callers.map((caller) => caller.echo("")));
  return callers;
}

async function rateOf(callers: Caller[]): Promise<number> {
  const start = performance.now();
  let answered = 0;
  await Promise.all(callers.map(async (caller) => {
    while (performance.now() - start < TURN) {
      await caller.echo("");
      answered++;
    }
  }));
  return answered / (performance.now() - start) * 1_000;
}

function show(rates: number[]): string {
  return `median ${Math.round(median(rates))} (${
    rates.map(Math.round).join(", ")
  })`;
}
