import type { Signal } from "../server/signals.ts";

/** The most characters of a peer's text that are kept and shown. */
export const LONGEST_TEXT = 256;

/**
 * Shortens what a peer may choose freely. A slice alone would keep the whole
 * text in memory behind it, so the characters are put together anew.
 */
export function bounded(text: string): string {
  if (text.length <= LONGEST_TEXT) return text;
  const start = text.slice(0, LONGEST_TEXT - 1).toWellFormed();
  return start.split("").join("") + "…";
}

/** The fields of a signal that hold a peer's text. */
const TEXTS = [
  "name",
  "path",
  "operation",
  "status",
  "code",
  "message",
] as const;

/** The signal itself, or a copy with its texts shortened. */
export function boundedSignal<S extends Signal>(signal: S): S {
  const fields = signal as Partial<Record<typeof TEXTS[number], string>>;
  // Written out: this runs for each request.
  if (
    fits(fields.name) && fits(fields.path) && fits(fields.operation) &&
    fits(fields.status) && fits(fields.code) && fits(fields.message)
  ) return signal;
  const texts = TEXTS.filter((name) => fields[name] !== undefined)
    .map((name) => [name, bounded(fields[name]!)]);
  return { ...signal, ...Object.fromEntries(texts) };
}

function fits(text: string | undefined): boolean {
  return text === undefined || text.length <= LONGEST_TEXT;
}
