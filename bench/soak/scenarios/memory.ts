import { pause } from "../clients.ts";
import { plotOf, sparkline } from "../plot.ts";
import type { MixedFigures, MixedTask } from "../programs/mixed_load.ts";
import type { ServerCounts, ServerMemory } from "../programs/server.ts";
import { type Figures, mib, print, tally } from "../report.ts";
import type { Scenario } from "../scenario.ts";
import { type Sample, slopeOf, thinned } from "../slope.ts";

/** Where the plot and its figures go; git ignores it. */
const OUT = new URL("../out/", import.meta.url).pathname;
/** How many looks there are from one collection to the next. */
const BETWEEN = 10;
/** The longest warm-up, in seconds; a third of the run if that is shorter. */
const WARM_UP = 600;
/** A growth that counts as none, of the level, over the time that is judged. */
const NONE = 0.01;
/** What a running server remembers, made small: it is full after the warm-up. */
const REMEMBERED = { maxAge: 5_000, maxBytes: 8 * 2 ** 20, tokens: 20_000 };

/** A mixed load for a long time. */
export const memory: Scenario = {
  name: "memory",
  about: "mixed load for as long as --minutes says: does memory grow?",
  async run(stage) {
    const { figures, scale } = stage;
    const { server, port } = await stage.server({
      options: { answers: REMEMBERED },
    });
    const task: MixedTask = { port, clients: 6 };
    const load = await stage.start("mixed_load", task);
    using _viewer = view(await server.ask("dashboard"));
    const resident: Sample[] = [];
    const heap: Sample[] = [];
    const held: Sample[] = [];
    await Deno.mkdir(OUT, { recursive: true });
    using file = await Deno.create(`${OUT}memory.csv`);
    const write = (line: string) =>
      file.write(new TextEncoder().encode(`${line}\n`));
    await write("seconds,resident,heap,collected");
    const start = performance.now();
    const seconds = scale.minutes * 60;
    for (let i = 1; i <= seconds; i++) {
      await pause(start + i * 1_000 - performance.now());
      const collects = i % BETWEEN === 0;
      const now = await server.ask<ServerMemory>(
        collects ? "collect" : "memory",
      );
      const at = (performance.now() - start) / 1_000;
      resident.push({ at, value: now.resident });
      (collects ? held : heap).push({ at, value: now.held });
      const end = collects ? `,${now.held}` : `${now.held},`;
      await write(`${at.toFixed(1)},${now.resident},${end}`);
    }
    figures.tell("outcomes", tally(await load.ask<MixedFigures>("outcomes")));
    const { signals, reasons } = await server.ask<ServerCounts>("counts");
    figures.tell("signals", tally(signals));
    figures.tell("connections ended", tally(reasons));
    const from = Math.min(WARM_UP, seconds / 3);
    judge(figures, "heap after collections", held, from);
    // What the system gives and takes back comes in steps: their middles.
    judge(figures, "resident memory", thinned(resident, BETWEEN), from);
    const plot = plotOf([
      { title: "resident", colour: "#0b5cad", samples: resident },
      { title: "heap and what it refers to", colour: "#b1470a", samples: heap },
      { title: "the same, collected", colour: "#2e7d32", samples: held },
    ]);
    await Deno.writeTextFile(`${OUT}memory.svg`, plot);
    print(`resident, from 0:  ${sparkline(resident)}`);
    print(`collected, from 0: ${sparkline(held)}`);
    figures.tell("plot", "bench/soak/out/memory.svg, memory.csv");
  },
};

function judge(
  figures: Figures,
  what: string,
  all: readonly Sample[],
  from: number,
): void {
  const samples = all.filter(({ at }) => at >= from);
  const { slope, margin, level } = slopeOf(samples);
  const time = samples.at(-1)!.at - samples[0]!.at;
  const perMinute = (value: number) => (value * 60 / 1_024).toFixed(1);
  figures.judge(
    what,
    `${perMinute(slope)} ± ${perMinute(margin)} KiB per minute (95%) at ${
      mib(level)
    }, after ${from.toFixed(0)} s`,
    `0 in the interval, or under ${NONE * 100}% in the ${time.toFixed(0)} s`,
    slope - margin <= 0 || slope * time <= NONE * level,
  );
}

/** The dashboard's page, as far as the server can tell. */
function view(url: string): Disposable {
  const script = new URL("../../dashboard_viewer.ts", import.meta.url).pathname;
  const viewer = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-lock", "--allow-net", script, url],
    stdout: "null",
  }).spawn();
  return { [Symbol.dispose]: () => viewer.kill("SIGKILL") };
}
