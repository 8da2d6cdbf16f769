/**
 * The server under attack and under load, for as long as you like: real
 * processes, the public API alone, figures at the end. Linux, as it reads
 * `/proc` and binds attackers to 127.0.0.2.
 *
 * `deno task soak [scenario...] [flags]`, see `--help`.
 *
 * @module
 */
import {
  type Command,
  helpOf,
  parseCommandLine,
} from "../../protocol/command_line.ts";
import { CypherError } from "../../protocol/errors.ts";
import { count, type NumberOption } from "../../protocol/options.ts";
import { load, machine } from "../machine.ts";
import { pin } from "../support.ts";
import { print, Report } from "./report.ts";
import { type Scale, type Scenario, Stage } from "./scenario.ts";
import { churn } from "./scenarios/churn.ts";
import { descriptors } from "./scenarios/descriptors.ts";
import { flood } from "./scenarios/flood.ts";
import { memory } from "./scenarios/memory.ts";
import { replay } from "./scenarios/replay.ts";
import { sigterm } from "./scenarios/sigterm.ts";
import { silent } from "./scenarios/silent.ts";
import { slowSenders } from "./scenarios/slow_senders.ts";
import { threads } from "./scenarios/threads.ts";

const SCENARIOS: readonly Scenario[] = [
  slowSenders,
  flood,
  silent,
  churn,
  descriptors,
  replay,
  sigterm,
  threads,
  memory,
];

/** Descriptors that a process needs besides those of its connections. */
const SPARE = 200;

const SCALE: Record<keyof Scale, [about: string, option: NumberOption]> = {
  seconds: ["Seconds of each phase", count(20, 1, 86_400)],
  slowSenders: ["Peers that send slowly", count(2_000, 1, 100_000)],
  lanes: ["Connections that flood", count(256, 1, 10_000)],
  silentPeers: ["Peers that say nothing", count(10_000, 2, 100_000)],
  churned: ["Connections in a round of churn", count(5_000, 10, 100_000)],
  rounds: ["Rounds of churn", count(20, 2, 10_000)],
  replays: ["Replayed tokens", count(100_000, 1, 100_000_000)],
  inFlight: ["Requests in flight at SIGTERM", count(500, 1, 2_000)],
  minutes: ["Minutes of mixed load", count(10, 1, 10_080)],
};

const COMMAND: Command = {
  usage: "deno task soak [scenario...]",
  about: `Plays scenarios against servers in processes of their own:\n${
    SCENARIOS.map(({ name, about }) => `  ${name.padEnd(13)} ${about}`)
      .join("\n")
  }\nWithout a name, all of them.`,
  positionals: [],
  flags: Object.fromEntries(
    Object.entries(SCALE).map(([name, [about, option]]) => [
      name,
      { kind: "number", about, option },
    ]),
  ),
};

try {
  await main();
} catch (error) {
  // One line for what a person can mend, the stack for what only we can.
  // deno-lint-ignore no-console
  console.error(error instanceof CypherError ? error.message : error);
  Deno.exit(1);
}

async function main(): Promise<void> {
  const first = Deno.args.findIndex((word) => word.startsWith("-"));
  const names = first < 0 ? Deno.args : Deno.args.slice(0, first);
  const line = parseCommandLine(
    COMMAND,
    first < 0 ? [] : Deno.args.slice(first),
    (name) => Deno.env.get(name),
  );
  if (!line) return print(helpOf(COMMAND));
  const scenarios = chosen(names);
  const scale = await shrunk(
    Object.fromEntries(
      Object.entries(SCALE).map(([name, [, { default: usual }]]) => [
        name,
        line.numbers[name] ?? usual,
      ]),
    ) as unknown as Scale,
  );
  for (const fact of await machine()) print(fact);
  const pinned = await pin();
  if (!pinned) print("No process is kept on a core: there is no taskset.");
  const report = new Report();
  print(`load ${load()}`);
  for (const scenario of scenarios) {
    const figures = report.of(scenario.name);
    await using stage = new Stage(scale, figures, pinned);
    await scenario.run(stage);
  }
  print(`load ${load()}\n\n${report.table()}`);
  Deno.exit(report.missed ? 1 : 0);
}

function chosen(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return SCENARIOS;
  return names.map((name) => {
    const found = SCENARIOS.find((one) => one.name === name);
    if (found) return found;
    const known = SCENARIOS.map((one) => one.name).join(", ");
    throw new CypherError(
      "BAD_OPTION",
      `There is no scenario ${JSON.stringify(name)}, only ${known}`,
    );
  });
}

/** No more connections than there may be descriptors for. */
async function shrunk(scale: Scale): Promise<Scale> {
  const limits = await Deno.readTextFile("/proc/self/limits");
  const [, soft] = /Max open files\s+(\d+)/.exec(limits) ?? [];
  const most = Number(soft ?? Infinity) - SPARE;
  const fits = { ...scale };
  for (const name of ["slowSenders", "silentPeers", "churned"] as const) {
    if (fits[name] <= most) continue;
    print(
      `Only ${most} ${SCALE[name][0].toLowerCase()}, not ${scale[name]}: ` +
        `raise "ulimit -n", which is ${soft}`,
    );
    fits[name] = most;
  }
  return fits;
}
