/**
 * Compares this checkout with another one of the same project, in turns: each
 * one's server in a process of its own, each one's client in this process.
 *
 * `deno task bench:versions <path of the other> [pairs] [ms of each]`
 *
 * @module
 */
import { pathToFileURL } from "node:url";
import { load } from "./machine.ts";
import {
  compare,
  type Contender,
  type Figures,
  rateOf,
  type Task,
} from "./measure.ts";
import { median, pin, startProgram } from "./support.ts";

const [other, pairs = "30", budget = "300"] = Deno.args;
if (other === undefined) throw new Error("Say where the other checkout is");

const HERE = new URL("../", import.meta.url);
const OTHER = pathToFileURL(`${other}/`);
const WIRES = ["session", "classic"] as const;
const TASKS: readonly Task[] = [1, 64].map((inFlight) => ({
  title: inFlight === 1 ? "one at a time" : `${inFlight} in flight`,
  size: 100,
  both: true,
  inFlight,
}));

const pinned = await pin();
using stack = new DisposableStack();
const ports = new Map<URL, number>();
for (const root of [HERE, OTHER]) {
  const peer = await startProgram([
    ...[Deno.execPath(), "run", "--no-prompt", "--no-lock", "--allow-all"],
    ...["--config", new URL("deno.json", root).pathname],
    ...[new URL("bench/peer.ts", root).pathname, "cypher"],
  ]);
  ports.set(root, stack.use(peer).port);
}

print(
  `${pairs} pairs in turns of ${budget} ms, 100 bytes; clients and servers ` +
    `${pinned ? "on a core each" : "wherever they run"}; load ${load()}`,
);
for (const wire of WIRES) {
  const here = await contender("here", HERE, wire);
  const there = await contender("other", OTHER, wire);
  for (const task of TASKS) {
    const figures = await compare(task, [here, there], {
      rounds: Number(pairs),
      budget: Number(budget),
    });
    print(`${wire.padEnd(8)} ${task.title.padEnd(14)} ${summary(figures)}`);
  }
  await here.close();
  await there.close();
}

async function contender(
  name: string,
  root: URL,
  wire: typeof WIRES[number],
): Promise<Contender & { close(): unknown }> {
  const { callerOf } = await import(
    new URL("bench/peers/cypher.ts", root).href
  ) as typeof import("./peers/cypher.ts");
  const caller = callerOf({ port: ports.get(root)!, wire });
  return {
    name,
    wants: true,
    rate: (turn) => {
      // Both are in this process: neither pays for what the other left behind.
      (globalThis as { gc?: () => void }).gc?.();
      return rateOf(caller, turn);
    },
    close: () => caller.close(),
  };
}

/** The middle of the pairs' ratios, and where half of them lie. */
function summary(figures: Figures): string {
  const [here, there] = [figures.get("here")!, figures.get("other")!];
  const ratios = here.map((rate, i) => rate / there[i]!)
    .toSorted((a, b) => a - b);
  const at = (part: number) =>
    ratios[Math.floor(ratios.length * part)]!.toFixed(3);
  const rate = (rates: readonly number[]) =>
    median(rates).toFixed(0).padStart(7);
  return `${rate(here)}/s here, ${rate(there)}/s there: ${at(0.5)} times ` +
    `(half of the pairs from ${at(0.25)} to ${at(0.75)})`;
}

function print(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}
