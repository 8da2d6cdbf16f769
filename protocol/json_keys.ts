import type { JsonValue } from "./json.ts";

/**
 * Around a bug of V8 (https://issues.chromium.org/issues/521080746; 15.0, in
 * Deno 2.9.6, still has it): `JSON.parse` compares an escaped key as it is
 * written, not as it reads, with the key that an earlier object had there. Once
 * any text has held `{"a":1,"\\":1}`, `{"a":1,"\u00e9":1}` reads as that: a peer
 * could change what other peers' messages say. Keys without an escape are safe.
 *
 * So escaped keys are given other names before V8 sees them, and their own back
 * afterwards. Texts that have none, nearly all, are parsed as they are.
 */

/** What stand-ins start with, and with them every key that does by itself. */
const MARK = "~";
const COLON = /[ \t\n\r]*:/y;

/** A text whose keys are safe to parse, and what to do with the outcome. */
export interface SafeKeys {
  readonly text: string;
  /** Gives the keys of a parsed value their own names. */
  restore(value: JsonValue): JsonValue;
}

/**
 * The same text with stand-ins for escaped keys.
 *
 * @throws {SyntaxError} if a key is not a JSON string.
 */
export function safeKeys(text: string): SafeKeys {
  return hasEscapedKey(text) ? rename(text) : { text, restore: unchanged };
}

function hasEscapedKey(text: string): boolean {
  if (!text.includes("\\")) return false;
  for (const [start, end] of keys(text)) {
    if (text.slice(start, end).includes("\\")) return true;
  }
  return false;
}

function rename(text: string): SafeKeys {
  const names: string[] = [];
  let renamed = "";
  let copied = 0;
  for (const [start, end] of keys(text)) {
    const key = text.slice(start, end);
    if (!key.includes("\\") && !key.startsWith(`"${MARK}`)) continue;
    renamed += `${text.slice(copied, start)}"${MARK}${names.length}"`;
    copied = end;
    names.push(JSON.parse(key));
  }
  return {
    text: renamed + text.slice(copied),
    restore: (value) => restore(value, names),
  };
}

/** Where each key of a text starts and ends, its quotes included. */
function* keys(text: string): Generator<[start: number, end: number]> {
  let start = text.indexOf('"');
  while (start !== -1) {
    const end = endOfString(text, start);
    COLON.lastIndex = end;
    if (COLON.test(text)) yield [start, end];
    start = text.indexOf('"', end);
  }
}

/** Behind the quote that ends a string; the text's end if none does. */
export function endOfString(text: string, start: number): number {
  let quote = start;
  do {
    quote = text.indexOf('"', quote + 1);
    if (quote === -1) return text.length;
  } while (isEscaped(text, quote));
  return quote + 1;
}

function isEscaped(text: string, index: number): boolean {
  let before = index;
  while (text[before - 1] === "\\") before--;
  return (index - before) % 2 === 1;
}

function restore(value: JsonValue, names: readonly string[]): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((child) => restore(child, names));
  // Not by assignment, for which "__proto__" is not a key like any other.
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      key.startsWith(MARK) ? names[Number(key.slice(MARK.length))]! : key,
      restore(child, names),
    ]),
  );
}

function unchanged(value: JsonValue): JsonValue {
  return value;
}
