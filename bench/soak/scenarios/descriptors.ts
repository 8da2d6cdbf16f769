import type { Socket } from "node:net";
import type { Child } from "../child.ts";
import { clientOf, pause, settled, strangerTo } from "../clients.ts";
import type { ServerCounts } from "../programs/server.ts";
import type { Scenario } from "../scenario.ts";

/** How many descriptors the server may have. */
const DESCRIPTORS = 300;
/** How long it may take to accept again, in ms. */
const MOST = 1_000;

/** A server that has no descriptor left. */
export const descriptors: Scenario = {
  name: "descriptors",
  about: `file descriptors exhausted: ulimit -n ${DESCRIPTORS}`,
  async run(stage) {
    const { figures } = stage;
    const { server, port } = await stage.server({}, {
      descriptors: DESCRIPTORS,
    });
    const sockets: Socket[] = [];
    for (let i = 0; i < DESCRIPTORS + 50; i++) sockets.push(strangerTo(port));
    await Promise.all(sockets.map(settled));
    const said = await exhausted(server);
    await pause(3_000);
    const { limits, connections } = await server.ask<ServerCounts>("counts");
    figures.tell("connections that were accepted", connections);
    figures.judge(
      "said that descriptors ran out",
      `${limits["descriptors"] ?? 0} times`,
      "once",
      said && limits["descriptors"] === 1,
    );
    for (const socket of sockets) socket.destroy();
    const start = performance.now();
    await using client = clientOf(port, { backoff: { first: 10, max: 50 } });
    await client.request({ path: "/NUMBER", data: 1 });
    const took = performance.now() - start;
    figures.judge(
      "an answer after they were released",
      `${took.toFixed(0)} ms`,
      `within ${MOST} ms`,
      took <= MOST,
    );
  },
};

async function exhausted(server: Child): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    const { limits } = await server.ask<ServerCounts>("counts");
    if (limits["descriptors"]) return true;
    await pause(100);
  }
  return false;
}
