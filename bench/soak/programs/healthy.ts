/**
 * Clients as they should be, a process of its own: on both wires, each asking
 * at its own steady pace. Answers with how long the server took.
 *
 * @module
 */
import { build } from "hdr-histogram-js";
import type { CypherClient } from "../../../mod.ts";
import { answering, given } from "../answering.ts";
import { clientOf, pause } from "../clients.ts";
import type { Latencies } from "../report.ts";

/** What the clients are started with. */
export interface HealthyTask {
  readonly port: number;
  /** How many on each wire. */
  readonly clients: number;
  /** How often each of them asks, in ms. */
  readonly every: number;
}

await answering(async () => {
  const { port, clients, every } = given<HealthyTask>();
  const times = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 600_000_000,
    numberOfSignificantValueDigits: 3,
  });
  let failed = 0;
  const all = (["session", "classic"] as const).flatMap((wire) =>
    Array.from({ length: clients }, () => clientOf(port, { wire }))
  );
  await Promise.all(all.map((client) => client.connect()));
  for (const client of all) ask(client);

  async function ask(client: CypherClient): Promise<void> {
    await pause(Math.random() * every);
    for (let number = 0;; number++) {
      const start = performance.now();
      try {
        await client.request({
          path: "/NUMBER",
          operation: "UPDATE",
          data: number,
        });
      } catch {
        failed++;
      }
      const taken = performance.now() - start;
      // Those that would have been asked meanwhile would have waited as well.
      times.recordValueWithExpectedInterval(
        Math.round(taken * 1_000),
        every * 1_000,
      );
      await pause(every - taken);
    }
  }

  return {
    begin: () => {
      times.reset();
      failed = 0;
    },
    latencies: (): Latencies => ({
      count: times.totalCount,
      failed,
      p50: times.getValueAtPercentile(50) / 1_000,
      p99: times.getValueAtPercentile(99) / 1_000,
      max: times.maxValue / 1_000,
    }),
  };
});
