import { median } from "../../support.ts";
import { type Child, ChildError } from "../child.ts";
import type { CrowdTask } from "../programs/crowd.ts";
import type { Scenario } from "../scenario.ts";

const CONNECTIONS = 64;
const ROUNDS = 7;
/** How long a handler burns the processor, in ms. */
const BURN = 1;

/** Two threads against one. */
export const threads: Scenario = {
  name: "threads",
  about: `two threads against one, a handler that burns ${BURN} ms`,
  async run(stage) {
    const { figures, scale } = stage;
    const cores = { cores: "any" };
    const one = await stage.server({}, cores);
    let two;
    try {
      two = await stage.server({ threads: 2 }, cores);
    } catch (error) {
      if (!(error instanceof ChildError)) throw error;
      return figures.tell(
        "requests per second",
        `not available: ${error.code || error.message}`,
      );
    }
    const steps = await one.server.ask<number>("stepsIn", BURN);
    const crowds: Child[] = [];
    for (const { port } of [one, two]) {
      const task: CrowdTask = { port, session: CONNECTIONS, classic: 0 };
      crowds.push(await stage.start("crowd", task, cores));
    }
    const ms = Math.ceil(scale.seconds * 1_000 / ROUNDS);
    const ask = (crowd: Child, time: number) =>
      crowd.ask<number>("rate", { path: "/BURN", data: steps, ms: time });
    const rates: [number, number][] = [];
    for (const crowd of crowds) await ask(crowd, 500);
    for (let round = 0; round < ROUNDS; round++) {
      rates.push([await ask(crowds[0]!, ms), await ask(crowds[1]!, ms)]);
    }
    const ratio = median(rates.map(([single, both]) => both / single));
    figures.tell(
      "requests per second, one",
      median(rates.map(([rate]) => rate)),
    );
    figures.tell(
      "requests per second, two",
      median(rates.map(([, rate]) => rate)),
    );
    figures.judge("ratio", ratio, "at least 1.7", ratio >= 1.7);
  },
};
