/** What the scenarios found, as rows of a table. */

/** What clients saw: counts, and times in ms. */
export interface Latencies {
  readonly count: number;
  readonly failed: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

interface Row {
  readonly scenario: string;
  readonly figure: string;
  readonly value: string;
  readonly target: string;
  readonly verdict: "" | "met" | "MISSED";
}

/** Collects the figures of all scenarios, and prints each as it comes. */
export class Report {
  #rows: Row[] = [];

  /** Whether a target was missed. */
  get missed(): boolean {
    return this.#rows.some(({ verdict }) => verdict === "MISSED");
  }

  /** The figures of one scenario go here. */
  of(scenario: string): Figures {
    return new Figures((row) => {
      this.#rows.push({ scenario, ...row });
      const { figure, value, verdict } = row;
      print(`${scenario}: ${figure}: ${value}${verdict && ` (${verdict})`}`);
    });
  }

  /** Everything, as a table in Markdown. */
  table(): string {
    const head = ["scenario", "figure", "value", "target", ""];
    const rows = this.#rows.map((row) => Object.values(row));
    const widths = head.map((title, i) =>
      Math.max(3, title.length, ...rows.map((row) => row[i].length))
    );
    const line = (cells: string[]) =>
      `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
    const rule = line(widths.map((width) => "-".repeat(width)));
    return [line(head), rule, ...rows.map(line)].join("\n");
  }
}

/** Where one scenario puts its figures. */
export class Figures {
  #add: (row: Omit<Row, "scenario">) => void;

  constructor(add: (row: Omit<Row, "scenario">) => void) {
    this.#add = add;
  }

  /** A figure that nothing is asked of. */
  tell(figure: string, value: string | number): void {
    this.#add({ figure, value: show(value), target: "", verdict: "" });
  }

  /** A figure with a target. */
  judge(
    figure: string,
    value: string | number,
    target: string,
    met: boolean,
  ): void {
    const verdict = met ? "met" : "MISSED";
    this.#add({ figure, value: show(value), target, verdict });
  }

  /** What healthy clients saw; `most` is what their p99 may be, in ms. */
  latencies(
    when: string,
    { count, failed, p50, p99, max }: Latencies,
    most = Infinity,
  ): void {
    const value = `p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}, max ${
      max.toFixed(1)
    } ms of ${show(count)} requests, ${failed} failed`;
    const figure = `healthy clients ${when}`;
    if (most === Infinity) return this.tell(figure, value);
    const met = p99 < most && failed === 0 && count > 0;
    this.judge(figure, value, `p99 < ${most} ms, none failed`, met);
  }
}

/** Bytes as MiB. */
export function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** Names and their counts, the most frequent first. */
export function tally(counts: Readonly<Record<string, number>>): string {
  const all = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return all.map(([name, count]) => `${name} ${show(count)}`).join(", ") ||
    "none";
}

/** Prints a line. */
export function print(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

function show(value: string | number): string {
  return typeof value === "number"
    ? value.toLocaleString("en", { maximumFractionDigits: 2 })
    : value;
}
