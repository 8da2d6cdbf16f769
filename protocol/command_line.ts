import { parseArgs } from "node:util";
import { CypherError } from "./errors.ts";
import { checkNumber, describe, type NumberOption } from "./options.ts";

/** How wide help is: a terminal that nobody made wider. */
const COLUMNS = 80;

/** One `--flag`: a number with its range, a text, one of some words, a switch. */
export type Flag =
  | { readonly kind: "number"; about: string; option: NumberOption }
  | { readonly kind: "text"; about: string; default: string }
  | {
    readonly kind: "choice";
    about: string;
    words: readonly string[];
    default: string;
  }
  | {
    readonly kind: "switch";
    about: string;
    /** The switch without which it would mean nothing. */
    needs?: string;
  };

/**
 * What a command understands. Flags have their options' names: `recvBuffer` is
 * written `--recv-buffer`, and `CYPHER_RECV_BUFFER` in the environment.
 */
export interface Command {
  /** How it is called: `deno task serve`. */
  readonly usage: string;
  /** What it does, in a sentence or two. */
  readonly about: string;
  /** Its flags. */
  readonly flags: Readonly<Record<string, Flag>>;
  /** Its arguments; those in square brackets may be left out. */
  readonly positionals: readonly string[];
  /** Flags that are no more, and what to write instead. */
  readonly replaced?: Readonly<Record<string, string>>;
}

/** What a person gave a command. */
export interface CommandLine {
  /** The numeric flags that were given. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Every text flag, and every choice. */
  readonly texts: Readonly<Record<string, string>>;
  /** Every switch. */
  readonly switches: Readonly<Record<string, boolean>>;
  /** The arguments. */
  readonly positionals: readonly string[];
}

/**
 * Parses a command line; a flag that it lacks is looked up in the environment,
 * where an empty variable is none. Undefined if help was asked for.
 *
 * @throws {CypherError} `BAD_OPTION` saying which word is wrong, what was given
 * and what is allowed.
 */
export function parseCommandLine(
  { flags, positionals, usage, replaced = {} }: Command,
  args: readonly string[],
  environment: (name: string) => string | undefined,
): CommandLine | undefined {
  for (const [name, instead] of Object.entries(replaced)) {
    const flag = `--${name}`;
    if (!args.includes(flag) && !environment(variableOf(name))) continue;
    const given = args.includes(flag) ? flag : variableOf(name);
    throw wrong(`There is no ${given} any more: use ${instead}`);
  }
  const given = parse({ flags, positionals, usage }, args);
  if (given.values["help"]) return undefined;
  const numbers: Record<string, number> = {};
  const texts: Record<string, string> = {};
  const switches: Record<string, boolean> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const dashed = dashedName(name);
    const variable = variableOf(dashed);
    const onLine = given.values[dashed];
    const value = onLine ?? (environment(variable) || undefined);
    const source = onLine === undefined ? variable : flagOf(name);
    if (flag.kind === "switch") {
      switches[name] = isOn(source, value);
    } else if (flag.kind === "choice") {
      texts[name] = oneOf(source, value ?? flag.default, flag.words);
    } else if (flag.kind === "text") {
      texts[name] = value === undefined ? flag.default : String(value);
    } else if (value !== undefined) {
      numbers[name] = numberOf(source, String(value), flag.option);
    }
  }
  for (const [name, flag] of Object.entries(flags)) {
    if (flag.kind !== "switch" || !flag.needs || !switches[name]) continue;
    if (!switches[flag.needs]) {
      throw wrong(
        `Cannot use ${flagOf(name)}: it needs ${flagOf(flag.needs)} beside it`,
      );
    }
  }
  checkPositionals(positionals, given.positionals, usage);
  return { numbers, texts, switches, positionals: given.positionals };
}

/** The text that `--help` prints. */
export function helpOf({ usage, about, flags, positionals }: Command): string {
  const rows = Object.entries(flags).map(([name, flag]) => {
    const word = flagOf(name);
    switch (flag.kind) {
      case "number":
        return [`${word} N`, `${flag.about}: ${rangeOf(flag.option)}`];
      case "text":
        return [
          `${word} TEXT`,
          flag.about + (flag.default && `, default ${flag.default}`),
        ];
      case "choice":
        return [
          `${word} WORD`,
          `${flag.about}: ${flag.words.join(", ")}, default ${flag.default}`,
        ];
      case "switch":
        return [word, flag.about];
    }
  });
  rows.push(["-h, --help", "Show this"]);
  const width = Math.max(...rows.map(([flag]) => flag!.length));
  const indent = width + 4;
  const lines = rows.map(([flag, text]) =>
    `  ${flag!.padEnd(width)}  ${
      wrapped(text!, COLUMNS - indent).join(`\n${" ".repeat(indent)}`)
    }`
  );
  return [
    [usage, ...positionals, "[flags]"].join(" "),
    "",
    about,
    "",
    ...lines,
    ...variableHint(Object.keys(flags)),
  ].join("\n");
}

/** Breaks a text between words, so that no line is longer than `width`. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** How a flag is set in the environment, by a flag that there is. */
function variableHint(flags: readonly string[]): string[] {
  const name = flags.find((flag) => flag === "port") ?? flags[0];
  if (name === undefined) return [];
  const dashed = dashedName(name);
  return [
    "",
    `A flag can also be set in the environment: --${dashed} as ${
      variableOf(dashed)
    }.`,
  ];
}

/**
 * What a command says before it ends: one line of what a person can mend, the
 * whole error of what only we can.
 */
export function complaintOf(error: unknown): unknown {
  const mendable = error instanceof CypherError ||
    error instanceof Error && error.name === "NotCapable";
  return mendable ? error.message : error;
}

function parse(
  { flags, positionals, usage }: Pick<
    Command,
    "flags" | "positionals" | "usage"
  >,
  args: readonly string[],
): {
  values: Record<string, string | boolean | undefined>;
  positionals: string[];
} {
  const options = {
    ...Object.fromEntries(
      Object.entries(flags).map(([name, { kind }]) => [dashedName(name), {
        type: kind === "switch" ? "boolean" as const : "string" as const,
        ...(name.length === 1 && { short: name }),
      }]),
    ),
    help: { type: "boolean" as const, short: "h" },
  };
  try {
    const given = parseArgs({
      args: [...args],
      options,
      strict: true,
      allowPositionals: true,
    });
    return {
      values: given.values as Record<string, string | boolean | undefined>,
      positionals: given.positionals,
    };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    const [sentence = problem] = problem.split(/\.\s/);
    throw wrong(
      `${sentence}${remedyOf(sentence, positionals)}. See ${usage} --help`,
    );
  }
}

/** What to write instead; the parser's own advice has examples of others. */
function remedyOf(problem: string, positionals: readonly string[]): string {
  if (/^Unknown option '-[\d.]/.test(problem) && positionals.length > 0) {
    return ": write -- before a negative number";
  }
  const [, flag] = /^Option '-+([\w-]+)' .*ambiguous/.exec(problem) ?? [];
  return flag ? `: write --${flag}=VALUE for what begins with -` : "";
}

function checkPositionals(
  known: readonly string[],
  given: readonly string[],
  usage: string,
): void {
  const needed = known.filter((name) => !name.startsWith("[")).length;
  if (given.length >= needed && given.length <= known.length) return;
  throw wrong(
    `Expected ${known.length === 0 ? "no arguments" : known.join(" ")}, got ${
      given.length === 0 ? "nothing" : JSON.stringify(given.join(" "))
    }. See ${usage} --help`,
  );
}

function numberOf(name: string, text: string, option: NumberOption): number {
  const value = text.trim() === "" ? NaN : Number(text.replaceAll("_", ""));
  if (Number.isNaN(value)) {
    throw wrong(
      `Cannot use ${name}: it must be ${describe(option)}, got ${
        JSON.stringify(text)
      }`,
    );
  }
  return checkNumber(name, value, option);
}

function isOn(name: string, value: string | boolean | undefined): boolean {
  if (typeof value === "boolean") return value;
  if (value === undefined || value === "0") return false;
  if (value === "1") return true;
  throw wrong(
    `Cannot use ${name}: it must be 1 or 0, got ${JSON.stringify(value)}`,
  );
}

function oneOf(
  name: string,
  value: string | boolean,
  words: readonly string[],
): string {
  if (typeof value === "string" && words.includes(value)) return value;
  throw wrong(
    `Cannot use ${name}: it must be ${words.join(" or ")}, got ${
      JSON.stringify(value)
    }`,
  );
}

function rangeOf(option: NumberOption): string {
  return `${describe(option)}, default ${option.default}`;
}

/** `recvBuffer` as `--recv-buffer`, `n` as `-n`. */
function flagOf(name: string): string {
  return name.length === 1 ? `-${name}` : `--${dashedName(name)}`;
}

/** `recvBuffer` as `recv-buffer`. */
function dashedName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The environment's variable for a flag: `CYPHER_RECV_BUFFER`. */
function variableOf(dashed: string): string {
  return `CYPHER_${dashed.toUpperCase().replaceAll("-", "_")}`;
}

function wrong(message: string): CypherError {
  return new CypherError("BAD_OPTION", message);
}
