import { pause } from "../clients.ts";
import type { LargeFigures, LargeTask } from "../programs/large_sender.ts";
import type { ServerCounts } from "../programs/server.ts";
import type { SlowFigures, SlowTask } from "../programs/slow_senders.ts";
import { tally } from "../report.ts";
import type { Scenario } from "../scenario.ts";

const LARGE = { size: 8 * 2 ** 20, rate: 65_536 };
/** How long a slow sender may be open, in ms. */
const MOST = 10_000;

/** Many that send a byte a second, and one that is slow and means it. */
export const slowSenders: Scenario = {
  name: "slow-senders",
  about: "peers at 1 byte/s; an 8 MiB message at 64 KiB/s among them",
  async run(stage) {
    const { figures, scale } = stage;
    const { server, port } = await stage.server();
    const healthy = await stage.healthy(port);
    figures.latencies("alone", await stage.watch(healthy));
    const large: LargeTask = { port, ...LARGE };
    const sender = await stage.start("large_sender", large);
    const sent = (["session", "classic"] as const).map((wire) =>
      sender.ask<LargeFigures>("send", wire).then(
        (how) => ({ wire, ...how }),
        (error: Error) => ({ wire, error: error.message }),
      )
    );
    const task: SlowTask = { port, count: scale.slowSenders };
    const slow = await stage.attackers("slow_senders", task);
    await healthy.ask("begin");
    await pause(Math.max(scale.seconds * 1_000, 2 * MOST));
    figures.latencies("among them", await healthy.ask("latencies"), 50);
    const { open, closed, p50, max, oldest } = await slow.ask<SlowFigures>(
      "figures",
    );
    figures.judge(
      "slow senders",
      `${open} open, closed ${closed} times: after ${seconds(p50)} (median), ` +
        `${seconds(max)} at most; the oldest is open for ${seconds(oldest)}`,
      `closed within ${seconds(MOST)}`,
      closed >= scale.slowSenders && Math.max(max, oldest) <= MOST,
    );
    for (const how of await Promise.all(sent)) {
      const value = "error" in how
        ? how.error
        : `arrived after ${how.seconds.toFixed(1)} s`;
      const met = !("error" in how) && how.lost === 0;
      figures.judge(`8 MiB at 64 KiB/s, ${how.wire}`, value, "arrives", met);
    }
    const { reasons, limits } = await server.ask<ServerCounts>("counts");
    figures.tell("connections ended", tally(reasons));
    figures.tell("signals of limits", tally(limits));
  },
};

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
