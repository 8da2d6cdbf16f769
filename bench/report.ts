/** Figures as tables in Markdown. */
import { type Figures, ratio, type Task } from "./measure.ts";
import { median } from "./support.ts";

const SESSION = "Cypher session";
const ECHO = "raw TCP echo";

/** What is to be reached, as rates: more is better. */
interface Target {
  readonly what: string;
  readonly inFlight: number;
  readonly size: number;
  readonly both: boolean;
  readonly name: string;
  readonly to: string;
  /** How many times the other one's time it may take. */
  readonly time?: number;
  /** How many times the other one's rate it is to have. */
  readonly rate?: number;
}

const small = { inFlight: 1, size: 100, both: true, name: SESSION };
const large = { inFlight: 1, size: 1_048_576, both: false };
const TARGETS: readonly Target[] = [
  { what: "round trip, to the raw echo's", ...small, to: ECHO, time: 1.35 },
  { what: "round trip, to Socket.IO's", ...small, to: "Socket.IO", time: 1 },
  {
    what: "round trip over TLS, to that over TCP",
    ...small,
    name: "Cypher session, TLS",
    to: SESSION,
    time: 1.15,
  },
  {
    what: "rate with 64 in flight, to Socket.IO's",
    ...small,
    inFlight: 64,
    to: "Socket.IO",
    rate: 1.8,
  },
  {
    what: "rate of 1 MiB answers, to the Python peer's",
    ...large,
    name: SESSION,
    to: "Python",
    rate: 2,
  },
  {
    what: "the same, classic",
    ...large,
    name: "Cypher classic",
    to: "Python",
    rate: 1.2,
  },
];

/** What each contender made of a task. */
export function figuresTable(task: Task, figures: Figures): string {
  const alone = task.inFlight === 1;
  const rows = [...figures].map(([name, rates]) => {
    const rate = median(rates);
    const own = alone
      ? (1e6 / rate).toFixed(rate > 10_000 ? 1 : 0)
      : rate.toFixed(rate < 1_000 ? 1 : 0);
    return [
      name,
      own,
      times(inverse(ratio(figures, name, ECHO), alone)),
      times(inverse(ratio(figures, name, SESSION), alone)),
    ];
  });
  const unit = alone ? "us" : "requests/s";
  return table(["", unit, "to raw echo", "to session"], rows);
}

/** Which targets were reached. */
export function targetsTable(
  results: readonly (readonly [Task, Figures])[],
): string {
  const rows = TARGETS.map((target) => {
    const { what, time, rate } = target;
    const figures = results.find(([task]) =>
      task.inFlight === target.inFlight && task.size === target.size &&
      task.both === target.both
    )?.[1];
    const found = figures && ratio(figures, target.name, target.to);
    const value = inverse(found, time !== undefined);
    const bound = time ?? rate!;
    const reached = value === undefined
      ? ""
      : (time !== undefined ? value <= bound : value >= bound)
      ? "yes"
      : "no";
    const limit = time !== undefined ? `at most ${bound}` : `at least ${bound}`;
    return [what, limit, times(value), reached];
  });
  return table(["session's", "target", "ratio", "reached"], rows);
}

/** Ratios of rates become ratios of times. */
function inverse(
  value: number | undefined,
  inverted: boolean,
): number | undefined {
  return value === undefined || !inverted ? value : 1 / value;
}

function times(value: number | undefined): string {
  return value === undefined ? "" : value.toFixed(2);
}

function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, i) =>
    Math.max(3, title.length, ...rows.map((row) => row[i]!.length))
  );
  const line = (cells: string[]) =>
    `| ${
      cells.map((cell, i) =>
        i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)
      ).join(" | ")
    } |`;
  const rule = widths.map((width, i) =>
    i === 0 ? "-".repeat(width) : "-".repeat(width - 1) + ":"
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
