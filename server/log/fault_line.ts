import type { LogLine } from "./line.ts";

/**
 * What something threw that is not ours, with where it was thrown: the one
 * thing in a log whose text the program itself chose.
 */
export function faultLine(
  event: string,
  text: string,
  error: unknown,
  facts: LogLine["fields"] = {},
): LogLine {
  const thrown = error instanceof Error ? error.stack ?? error.message : error;
  return {
    at: Date.now(),
    level: "error",
    event,
    fields: { ...facts, error: String(thrown) },
    text,
  };
}
