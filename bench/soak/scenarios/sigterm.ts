import { pause } from "../clients.ts";
import type { CrowdFigures, CrowdTask } from "../programs/crowd.ts";
import type { ServerCounts } from "../programs/server.ts";
import { tally } from "../report.ts";
import type { Scenario } from "../scenario.ts";

/** How long each handler takes, in ms: less than the grace. */
const HANDLER = 3_000;

/** SIGTERM while requests are in flight. */
export const sigterm: Scenario = {
  name: "sigterm",
  about: "SIGTERM with requests in flight",
  async run(stage) {
    const { figures, scale } = stage;
    const { server, port } = await stage.server();
    const classic = Math.min(100, Math.floor(scale.inFlight / 2));
    const task: CrowdTask = { port, session: 10, classic };
    const crowd = await stage.start("crowd", task);
    const asking = crowd.ask<CrowdFigures>("ask", {
      path: "/WAIT",
      data: HANDLER,
      count: scale.inFlight,
    });
    while (
      (await server.ask<ServerCounts>("counts")).executed < scale.inFlight
    ) {
      await pause(10);
    }
    const start = performance.now();
    server.kill("SIGTERM");
    const [{ answered, failed }, { code }] = await Promise.all([
      asking,
      server.ended,
    ]);
    const took = (performance.now() - start) / 1_000;
    figures.judge(
      `${scale.inFlight} requests in flight`,
      `${answered} answered, failed: ${tally(failed)}`,
      "all answered",
      answered === scale.inFlight,
    );
    figures.judge("exit code", code, "0", code === 0);
    figures.tell("from the signal to the exit", `${took.toFixed(1)} s`);
  },
};
