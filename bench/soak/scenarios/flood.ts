import type { Child } from "../child.ts";
import type { FloodTask } from "../programs/flood.ts";
import type { ServerCounts } from "../programs/server.ts";
import { tally } from "../report.ts";
import type { Scenario, Stage } from "../scenario.ts";

/** What a log may have, in lines per second. */
const LINES = 110;
/** The least that is a flood, in tokens per second. */
const RATE = 2_000;

/** Bad tokens, as many as this machine can make. */
export const flood: Scenario = {
  name: "flood",
  about: "bad tokens at the highest rate, their address banned and not",
  async run(stage) {
    await play(stage, "ban on", {});
    await play(stage, "ban off", { limits: { badTokens: Infinity } });
  },
};

async function play(
  stage: Stage,
  ban: string,
  options: Record<string, unknown>,
): Promise<void> {
  const { figures, scale } = stage;
  const { server, port } = await stage.server({ options });
  const healthy = await stage.healthy(port);
  figures.latencies(`alone, ${ban}`, await stage.watch(healthy));
  const task: FloodTask = { port, lanes: scale.lanes };
  const attackers = await stage.attackers("flood", task);
  const before = await linesOf(server);
  await attackers.ask("begin");
  const seen = await stage.watch(healthy);
  const rate = await attackers.ask<number>("rate");
  figures.latencies(`in the flood, ${ban}`, seen, 100);
  figures.judge(
    `bad tokens per second, ${ban}`,
    rate,
    `at least ${RATE}`,
    rate >= RATE,
  );
  const counts = await server.ask<ServerCounts>("counts");
  if (counts.logLines === undefined) {
    figures.tell(`log, ${ban}`, "not available: there is no logSignals");
  } else {
    const lines = (counts.logLines - before) / scale.seconds;
    const asked = `at most ${LINES}/s`;
    figures.judge(`log lines per second, ${ban}`, lines, asked, lines <= LINES);
  }
  figures.tell(`signals, ${ban}`, tally(counts.signals));
  figures.tell(`signals of limits, ${ban}`, tally(counts.limits));
  await attackers[Symbol.asyncDispose]();
  await healthy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
}

async function linesOf(server: Child): Promise<number> {
  return (await server.ask<ServerCounts>("counts")).logLines ?? 0;
}
