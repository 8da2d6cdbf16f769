import { CypherError } from "./errors.ts";
import { isJsonObject, type JsonValue, parseJson } from "./json.ts";

/** How many characters a `name`, a `software` and a `reason` may have. */
export const NAME_LENGTH = 128;
/** How deep a payload may nest: deeper than any does. */
const DEPTH = 8;
/** Control characters, and halves of surrogate pairs: nothing to print. */
export const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/**
 * The fields of a payload, each held to its form. Errors name the field, never
 * what is in it: one of them is a secret.
 */
export class Fields {
  #code: "BAD_MESSAGE" | "UNSENDABLE";
  #object: { [key: string]: JsonValue | undefined };

  constructor(
    code: "BAD_MESSAGE" | "UNSENDABLE",
    object: { [key: string]: JsonValue | undefined },
  ) {
    this.#code = code;
    this.#object = object;
  }

  value(name: string): JsonValue | undefined {
    return Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
  }

  text(name: string, most: number, least = 1): string {
    const value = this.value(name);
    if (
      typeof value === "string" && value.length >= least &&
      value.length <= most && !UNPRINTABLE.test(value)
    ) return value;
    throw this.#bad(name, `${least} to ${most} printable characters`);
  }

  match(name: string, form: RegExp): string {
    const value = this.value(name);
    if (typeof value === "string" && form.test(value)) return value;
    throw this.#bad(name, `a string of the form ${form.source}`);
  }

  hex(name: string, bytes: number): string {
    return this.match(name, new RegExp(`^[0-9a-f]{${2 * bytes}}$`));
  }

  number(name: string, least: number, most: number): number {
    const value = this.value(name);
    if (
      typeof value === "number" && Number.isInteger(value) &&
      value >= least && value <= most
    ) return value;
    throw this.#bad(name, `a whole number from ${least} to ${most}`);
  }

  flag(name: string): boolean {
    const value = this.value(name);
    if (typeof value === "boolean") return value;
    throw this.#bad(name, "true or false");
  }

  #bad(name: string, requirement: string): CypherError {
    return new CypherError(
      this.#code,
      `Cannot ${this.#code === "UNSENDABLE" ? "write" : "read"} the payload: ` +
        `its ${name} must be ${requirement}`,
    );
  }
}

/**
 * The fields of a payload that was received.
 *
 * @throws {CypherError} `BAD_MESSAGE` if it is not a JSON object.
 */
export function fieldsIn(payload: Uint8Array): Fields {
  const value = jsonIn(payload);
  if (isJsonObject(value)) return new Fields("BAD_MESSAGE", value);
  throw new CypherError(
    "BAD_MESSAGE",
    "Cannot read the payload: it is not an object",
  );
}

/**
 * The JSON of a payload that was received.
 *
 * @throws {CypherError} `BAD_MESSAGE` if it is not JSON, or nests too deep.
 */
export function jsonIn(payload: Uint8Array): JsonValue {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
  } catch {
    throw new CypherError(
      "BAD_MESSAGE",
      "Cannot read the payload: it is not UTF-8",
    );
  }
  return parseJson(text, DEPTH);
}
