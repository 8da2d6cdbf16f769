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
    const talking = peers.ask("talk");
    figures.latencies("among half messages", await stage.watch(healthy), 50);
    await talking;
    const full = await server.ask<ServerMemory>("collect");
    const held = full.held - quiet.held;
    figures.judge(
      "memory for half messages, collected",
      mib(held),
      `${mib(UNPROVEN_BYTES)}, unprovenBytes`,
      held <= UNPROVEN_BYTES,
    );
    figures.tell(
      "memory for half messages, resident",
      mib(full.resident - quiet.resident),
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
