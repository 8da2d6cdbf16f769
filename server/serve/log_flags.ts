import type { CommandLine, Flag } from "../../protocol/command_line.ts";
import { LOG_FORMATS, type LogFormat } from "../log/format.ts";
import { LOG_LEVELS, type LogLevel } from "../log/line.ts";
import { Log, LOG_LINES } from "../log/log.ts";

/** The flags of every command that writes a log. */
export const LOG_FLAGS = {
  log: {
    kind: "choice",
    about: "How lines are written; auto is pretty on a terminal, else json",
    words: ["auto", ...LOG_FORMATS],
    default: "auto",
  },
  logLevel: {
    kind: "choice",
    about: "What matters less is not written",
    words: LOG_LEVELS,
    default: "info",
  },
  logLines: {
    kind: "number",
    about: "The most lines a second",
    option: LOG_LINES,
  },
} satisfies Readonly<Record<string, Flag>>;

/** The log that a command line asks for, on standard output. */
export function logOf({ texts, numbers }: CommandLine): Log {
  const { log, logLevel } = texts;
  const { logLines = LOG_LINES.default } = numbers;
  const auto = Deno.stdout.isTerminal() ? "pretty" : "json";
  return new Log({
    format: log === "auto" ? auto : log as LogFormat,
    level: logLevel as LogLevel,
    lines: logLines,
  });
}
