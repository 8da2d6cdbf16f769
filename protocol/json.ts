import { Buffer } from "node:buffer";
import { CypherError } from "./errors.ts";
import { type SafeKeys, safeKeys } from "./json_keys.ts";
import { lackedAmong, lackedByJson } from "./json_lacks.ts";
import { holdsLossyNumber, nestsDeeper } from "./json_scan.ts";

/** A value that JSON can carry. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | JsonValue[]
  | { [key: string]: JsonValue };

const LONG_INTEGER = /\d{16}/;
const EACH_NON_ASCII = /[\u0080-\uffff]/g;

/**
 * Parses JSON that arrived from a peer. Numbers come out as they were written
 * or not at all; of duplicate keys the last wins (RFC 8259, section 4),
 * and what the others hold has to be sound as well.
 *
 * @throws {CypherError} `BAD_MESSAGE` if the text is not JSON, nests deeper
 * than `depth`, or holds a number that a double cannot.
 */
export function parseJson(text: string, depth: number): JsonValue {
  if (nestsDeeper(text, depth)) {
    throw new CypherError(
      "BAD_MESSAGE",
      `Cannot read the message: it may nest ${depth} levels deep`,
      { limit: "depth" },
    );
  }
  let value: JsonValue;
  let safe: SafeKeys;
  try {
    safe = safeKeys(text);
    value = JSON.parse(safe.text);
  } catch {
    // The engine's own message quotes the text: it is left behind on purpose.
    throw new CypherError("BAD_MESSAGE", "Cannot read the message: not JSON");
  }
  if (holdsLossyNumber(text)) {
    throw new CypherError(
      "BAD_MESSAGE",
      "Cannot read the message: it holds a number that a double cannot",
    );
  }
  return safe.restore(value);
}

/**
 * Writes a value as JSON in ASCII: everything above U+007F becomes `\uXXXX`,
 * surrogate pairs two of them.
 *
 * @throws {CypherError} `UNSENDABLE` if JSON cannot carry the value. What it
 * would lose without a word, such as a Map, is refused as the value itself, not
 * deeper down.
 */
export function writeJson(value: unknown): string {
  let text: string | undefined;
  let lacked: string | undefined;
  try {
    lacked = lackedByJson(value);
    if (lacked === undefined) text = JSON.stringify(value);
    // Beyond 2^53 it would write rounded digits, which are another number.
    // A text has none, however many digits: large ones are not searched.
    if (
      text !== undefined && typeof value !== "string" && LONG_INTEGER.test(text)
    ) {
      text = JSON.stringify(value, exactInteger);
    }
  } catch (cause) {
    throw broken(cause);
  }
  if (text === undefined) throw lacking(lacked ?? typeof value);
  return isAscii(text) ? text : text.replace(EACH_NON_ASCII, escapeCodeUnit);
}

/** {@linkcode writeJson} for an object whose values are values themselves. */
export function writeJsonObject(object: object): string {
  let lacked: string | undefined;
  try {
    lacked = lackedAmong(object);
  } catch (cause) {
    throw broken(cause);
  }
  if (lacked !== undefined) throw lacking(lacked);
  return writeJson(object);
}

function broken(cause: unknown): CypherError {
  return new CypherError(
    "UNSENDABLE",
    "Cannot send the value: JSON has no cycles and no BigInt, " +
      "and its own toJSON must not throw",
    { cause },
  );
}

function lacking(what: string): CypherError {
  return new CypherError(
    "UNSENDABLE",
    `Cannot send the value: JSON has no ${what}`,
  );
}

/** Whether a value is an object in JSON's sense: neither null nor an array. */
export function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** {@linkcode isObject} for what came out of JSON. */
export function isJsonObject(
  value: JsonValue | undefined,
): value is { [key: string]: JsonValue } {
  return isObject(value);
}

/** The part of JSON that the standard library's types lack as yet. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

function exactInteger(_key: string, value: unknown): unknown {
  const long = typeof value === "number" && Number.isInteger(value) &&
    !Number.isSafeInteger(value);
  // From 1e21 on an exponent is written, and nothing is rounded.
  return long && Math.abs(value) < 1e21
    ? rawJSON(BigInt(value).toString())
    : value;
}

/** By its size as UTF-8, which is counted 30 times as fast as it is searched. */
function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

function escapeCodeUnit(unit: string): string {
  return "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0");
}
