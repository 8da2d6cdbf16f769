import type { Child } from "../child.ts";
import type {
  Replay,
  ReplayFigures,
  ReplayTask,
} from "../programs/replayer.ts";
import type { ServerCounts } from "../programs/server.ts";
import type { Scenario, Stage } from "../scenario.ts";

/** How many tokens are recorded. */
const TOKENS = 100;

/** Recorded classic tokens, sent again and again. */
export const replay: Scenario = {
  name: "replay",
  about: "recorded classic tokens, also re-encoded, also after a restart",
  async run(stage) {
    const { figures } = stage;
    const folder = await Deno.makeTempDir();
    try {
      const options = {
        journal: `${folder}/journal.db`,
        // Each spelling is to be judged by itself.
        limits: { badTokens: Infinity },
      };
      const task: ReplayTask = { tokens: TOKENS };
      const replayer = await stage.start("replayer", task);
      const { server, port } = await stage.server({ options });
      await replayer.ask("record", port);
      const made = await executedBy(server);
      figures.tell("tokens recorded", made);
      await again(stage, { server, replayer, port, made }, "sent again");
      server.kill("SIGKILL");
      await server.ended;
      const next = await stage.server({ options });
      const after = { ...next, replayer, made: 0 };
      await again(stage, after, "sent again after SIGKILL, with the journal");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
};

async function again(
  { figures, scale }: Stage,
  { server, replayer, port, made }: {
    server: Child;
    replayer: Child;
    port: number;
    /** How many were executed, and should have been. */
    made: number;
  },
  what: string,
): Promise<void> {
  const task: Replay = { port, times: scale.replays };
  const seen = await replayer.ask<ReplayFigures>("replay", task);
  const executed = await executedBy(server) - made;
  figures.judge(
    `executions of tokens ${what}`,
    `${executed}: of ${seen.sent} sent, ${seen.answers} were answered, ` +
      `${seen.closed} connections closed`,
    "none",
    executed === 0 && seen.answers > 0,
  );
}

async function executedBy(server: Child): Promise<number> {
  return (await server.ask<ServerCounts>("counts")).executed;
}
