/**
 * A server in a process of its own that watches its own memory, so that what is
 * measured is the server alone. Prints its port; `base` once as many clients as
 * were announced are there; and, once all of them are gone, what it held.
 */

import { CypherServer, type CypherServerOptions } from "../../mod.ts";
import { serverKeys } from "./cypher.ts";

/** How a {@linkcode MemoryReport} is asked for. */
export interface MemoryTask {
  /** How many clients will come. */
  readonly clients: number;
  /** The size of each answer, in bytes. */
  readonly answer: number;
  /** What the server is made with besides. */
  readonly options: Partial<CypherServerOptions>;
}

/** What the server held, beyond what it held with idle clients, in bytes. */
export interface MemoryReport {
  /** After a collection: the heap, and what it refers to outside. */
  readonly held: number;
  /** As the operating system sees it. */
  readonly resident: number;
  /** How many requests were executed. */
  readonly executed: number;
  /** Why the clients are gone. */
  readonly reasons: readonly string[];
}

/** How often the server looks at itself, in ms. */
const LOOK = 50;

async function main(): Promise<void> {
  const { clients, answer, options }: MemoryTask = JSON.parse(Deno.args[0]!);
  const late: (() => void)[] = [];
  let executed = 0;
  const server = new CypherServer({
    port: 0,
    ...serverKeys,
    ...options,
    handler: ({ path }) => {
      executed++;
      const reply = { data: "x".repeat(answer) };
      if (path === "/SOON") return reply;
      // A late answer comes when the reader is known to have stopped.
      return new Promise((resolve) => late.push(() => resolve(reply)));
    },
  });
  const reasons: string[] = [];
  let online = 0;
  const allOnline = Promise.withResolvers<void>();
  const allGone = Promise.withResolvers<void>();
  server.monitor.listen((signal) => {
    if (signal.kind === "online" && ++online === clients) allOnline.resolve();
    if (signal.kind !== "offline") return;
    if (reasons.push(signal.reason) === clients) allGone.resolve();
  });
  await server.start();
  print(server.address.port);
  await allOnline.promise;
  const base = look();
  let held = 0;
  let resident = 0;
  let before = 0;
  const looking = setInterval(() => {
    const now = look();
    held = Math.max(held, now.held - base.held);
    resident = Math.max(resident, now.resident - base.resident);
    // Nothing more is executed: nobody reads any more.
    const stopped = executed > 0 && executed === before;
    before = executed;
    if (stopped) { for (const go of late.splice(0)) go(); }
  }, LOOK);
  print("base");
  await allGone.promise;
  clearInterval(looking);
  const report: MemoryReport = { held, resident, executed, reasons };
  print(JSON.stringify(report));
  await server.stop({ grace: 0 });
}

function look(): { held: number; resident: number } {
  // The second sweeps the buffers that the first found to be garbage.
  for (let i = 0; i < 2; i++) (globalThis as unknown as { gc(): void }).gc();
  const { heapUsed, external, rss } = Deno.memoryUsage();
  return { held: heapUsed + external, resident: rss };
}

function print(line: unknown): void {
  // deno-lint-ignore no-console
  console.log(line);
}

if (import.meta.main) await main();
