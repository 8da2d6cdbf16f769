import { pause } from "../clients.ts";
import type { ServerCounts, ServerMemory } from "../programs/server.ts";
import type { SilentFigures, SilentTask } from "../programs/silent.ts";
import { mib, tally } from "../report.ts";
import type { Scenario } from "../scenario.ts";

/** What half of them send, in bytes: all halves together are over the limit. */
const HALF = 32 * 2 ** 10;
const UNPROVEN_BYTES = 64 * 2 ** 20;

/** Many that connect and say nothing, then half a message. */
export const silent: Scenario = {
  name: "silent",
  about: "peers that say nothing, or half a message",
  async run(stage) {
    const { figures, scale } = stage;
    const options = { limits: { unprovenBytes: UNPROVEN_BYTES } };
    const { server, port } = await stage.server({ options });
    const healthy = await stage.healthy(port);
    figures.latencies("alone", await stage.watch(healthy));
    const task: SilentTask = { port, count: scale.silentPeers, half: HALF };
    const peers = await stage.start("silent", task);
    const base = await server.ask<ServerMemory>("collect");
    await peers.ask("come");
    figures.tell(
      "silent peers",
      (await peers.ask<SilentFigures>("figures")).open,
    );
    figures.latencies("among them", await stage.watch(healthy), 50);
    const quiet = await server.ask<ServerMemory>("collect");
    figures.tell(
      "memory for them, resident",
      mib(quiet.resident - base.resident),
    );
    await healthy.ask("begin");
    await peers.ask("talk");
    let held = 0;
    let resident = 0;
    for (let second = 0; second < scale.seconds; second++) {
      await pause(1_000);
      const now = await server.ask<ServerMemory>("collect");
      held = Math.max(held, now.held - quiet.held);
      resident = Math.max(resident, now.resident - quiet.resident);
    }
    figures.latencies(
      "among half messages, and collections",
      await healthy.ask("latencies"),
    );
    figures.judge(
      "memory for half messages, at most",
      `${mib(held)} held, ${mib(resident)} resident`,
      `${mib(2 * UNPROVEN_BYTES)} held, twice unprovenBytes`,
      held <= 2 * UNPROVEN_BYTES,
    );
    const { reasons, limits, connections } = await server.ask<ServerCounts>(
      "counts",
    );
    const { closed } = await peers.ask<SilentFigures>("figures");
    figures.tell("closed by the server", `${closed}, ${connections} are open`);
    figures.tell("connections ended", tally(reasons));
    figures.tell("signals of limits", tally(limits));
  },
};
