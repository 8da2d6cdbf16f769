import type { LogLine } from "./line.ts";

/** How many causes of an error are told: some have themselves as one. */
export const MOST_CAUSES = 8;

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
  return {
    at: Date.now(),
    level: "error",
    event,
    fields: { ...facts, error: textOf(error) },
    text,
  };
}

/** An error's stack and those of its causes; of anything else, what it says. */
export function textOf(error: unknown, causes = MOST_CAUSES): string {
  try {
    if (!(error instanceof Error)) return String(error);
    const own = String(error.stack ?? error.message);
    return error.cause === undefined || causes === 0
      ? own
      : `${own}\nCaused by: ${textOf(error.cause, causes - 1)}`;
  } catch {
    return "What was thrown cannot be made a text";
  }
}
