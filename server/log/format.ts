import { printable } from "../../protocol/printable.ts";
import type { LogLine } from "./line.ts";

/** Writes a line as one line of text. */
export type Format = (line: LogLine) => string;

/** What a log is written as: for people, or one JSON object for each line. */
export type LogFormat = "pretty" | "json";

/** What a log can be written as. */
export const LOG_FORMATS: readonly LogFormat[] = ["pretty", "json"];

/** The most of a text that a line shows. */
const LONGEST_TEXT = 256;
/** The most of an error's stack, which no peer can make longer. */
const LONGEST_ERROR = 8_192;

/** The formats by their names. */
export const FORMATS: Readonly<Record<LogFormat, Format>> = { pretty, json };

/** For people; what went wrong in a handler takes indented lines of its own. */
function pretty({ at, level, event, fields, text, bare }: LogLine): string {
  if (bare) return printable(text);
  const time = new Date(at).toISOString();
  const { error } = fields;
  const said = `${time} ${level.padEnd(5)} ${event.padEnd(8)} ${text}`;
  if (typeof error !== "string") return printable(said);
  const lines = cut(error, LONGEST_ERROR).split("\n").map(printable);
  return [printable(said), ...lines].join("\n    ");
}

function json({ at, level, event, fields }: LogLine): string {
  const values: Record<string, unknown> = {
    time: new Date(at).toISOString(),
    level,
    event,
  };
  for (const [name, value] of Object.entries(fields)) {
    values[name] = typeof value === "string"
      ? cut(value, name === "error" ? LONGEST_ERROR : LONGEST_TEXT)
      : value;
  }
  // Between two quotes an escape means the same character; outside them there
  // is nothing to escape.
  return printable(JSON.stringify(values));
}

/** In quotes, and not too long: what a peer chose. */
export function quoted(text: string): string {
  return JSON.stringify(cut(text, LONGEST_TEXT));
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
