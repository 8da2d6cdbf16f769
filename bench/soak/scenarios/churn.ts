import type { Child } from "../child.ts";
import { pause } from "../clients.ts";
import type { ChurnTask } from "../programs/churn.ts";
import type { ServerCounts, ServerMemory } from "../programs/server.ts";
import { mib, tally } from "../report.ts";
import type { Scenario } from "../scenario.ts";

/** How far from the base memory may be: what 20 rounds leave is in it once. */
const SLACK = 4 * 2 ** 20;

/** Connections that come and go. */
export const churn: Scenario = {
  name: "churn",
  about: "connections opened and closed, over and over",
  async run(stage) {
    const { figures, scale } = stage;
    // Clients that are gone are forgotten while we watch; and the tokens of the
    // first round fill what is kept of tokens.
    const answers = { maxAge: 1_000, tokens: 1_024 };
    const { server, port } = await stage.server({ options: { answers } });
    const task: ChurnTask = { port, count: scale.churned };
    const peers = await stage.attackers("churn", task);
    const idle = await server.descriptors();
    await peers.ask("round");
    await emptied(server);
    const base = await server.ask<ServerMemory>("collect");
    const start = performance.now();
    for (let round = 1; round < scale.rounds; round++) await peers.ask("round");
    const took = (performance.now() - start) / 1_000;
    await emptied(server);
    figures.tell(
      "connections",
      `${scale.churned} x ${scale.rounds}, ${
        Math.round(scale.churned * (scale.rounds - 1) / took)
      } per second`,
    );
    const descriptors = await server.descriptors();
    figures.judge(
      "descriptors",
      `${idle} before, ${descriptors} after`,
      "the same",
      descriptors <= idle,
    );
    const end = await server.ask<ServerMemory>("collect");
    figures.judge(
      "heap",
      `${mib(base.held)} after the first round, ${
        mib(end.held)
      } after the last`,
      `within ${mib(SLACK)}`,
      end.held - base.held <= SLACK,
    );
    figures.tell(
      "resident",
      `${mib(base.resident)} after the first round, ${
        mib(end.resident)
      } after the last`,
    );
    const { reasons, limits } = await server.ask<ServerCounts>("counts");
    figures.tell("connections ended", tally(reasons));
    figures.tell("signals of limits", tally(limits));
  },
};

/** Waits until the server has seen everybody go, and has forgotten them. */
async function emptied(server: Child): Promise<void> {
  for (let i = 0; i < 100; i++) {
    const { connections } = await server.ask<ServerCounts>("counts");
    if (connections === 0) break;
    await pause(100);
  }
  await pause(2_000);
}
