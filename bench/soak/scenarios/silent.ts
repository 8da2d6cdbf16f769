import { pause } from "../clients.ts";
import type { ServerCounts, ServerMemory } from "../programs/server.ts";
import type { SilentFigures, SilentTask } from "../programs/silent.ts";
import { mib, tally } from "../report.ts";
import type { Scenario } from "../scenario.ts";

/** What half of them send, in bytes: all halves together are over the limit. */
const HALF = 32 * 2 ** 10;
const UNPROVEN_BYTES = 64 * 2 ** 20;
/** What is measured, to what is counted: objects are not counted. */
const SLACK = 1.1;

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
    const peers = await stage.attackers("silent", task);
    const base = await server.ask<ServerMemory>("collect");
    await peers.ask("come");
    const { open } = await peers.ask<SilentFigures>("figures");
    figures.tell("silent peers", open);
    figures.latencies("among them", await stage.watch(healthy), 50);
    const quiet = await server.ask<ServerMemory>("collect");
    figures.tell(
      "memory for them, resident",
      mib(quiet.resident - base.resident),
    );
    const talking = peers.ask("talk");
    figures.latencies("among half messages", await stage.watch(healthy), 50);
    await talking;
    await peers.ask("stay");
    await pause(2_000);
    const full = await server.ask<ServerMemory>("collect");
    const { reasons, limits, connections } = await server.ask<ServerCounts>(
      "counts",
    );
    // What a connection takes that says nothing is not what was sent.
    const each = (quiet.held - base.held) / open;
    const held = full.held - base.held - each * connections;
    figures.judge(
      "memory for half messages",
      `${mib(held)} held by ${connections} connections, ${
        mib(full.resident - quiet.resident)
      } more resident`,
      `${mib(UNPROVEN_BYTES)} held: unprovenBytes`,
      held <= UNPROVEN_BYTES * SLACK,
    );
    const { closed } = await peers.ask<SilentFigures>("figures");
    figures.tell("closed by the server", closed);
    figures.tell("connections ended", tally(reasons));
    figures.tell("signals of limits", tally(limits));
  },
};
