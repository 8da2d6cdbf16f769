import { CypherError } from "./errors.ts";

/** What a numeric option may be. Constructors and command-line flags share it. */
export interface NumberOption {
  /** The value when none is given. */
  readonly default: number;
  /** The smallest value allowed. */
  readonly min: number;
  /** The largest value allowed. */
  readonly max: number;
  /** `"ms"`, `"bytes"`, or empty for a plain count. */
  readonly unit: "ms" | "bytes" | "";
  /** Whether `Infinity`, "no limit", is allowed too. */
  readonly unlimited?: boolean;
}

/** The longest time a timer can wait: 2^31 - 1 ms, almost 25 days. */
export const LONGEST_TIME = 2_147_483_647;

/** An option that is a time in whole milliseconds. */
export function milliseconds(
  value: number,
  { min = 1, max = LONGEST_TIME, unlimited = false } = {},
): NumberOption {
  return { default: value, min, max, unit: "ms", unlimited };
}

/** An option that is a size in bytes. */
export function bytes(value: number, min: number, max: number): NumberOption {
  return { default: value, min, max, unit: "bytes" };
}

/** An option that is a number of things. */
export function count(
  value: number,
  min: number,
  max: number,
  { unlimited = false } = {},
): NumberOption {
  return { default: value, min, max, unit: "", unlimited };
}

/** The error for an option that is not what it must be. */
export function badOption(
  name: string,
  requirement: string,
  given: unknown,
): CypherError {
  return new CypherError(
    "BAD_OPTION",
    `Cannot use the option "${name}": it must be ${requirement}, got ${
      show(given)
    }`,
  );
}

/**
 * Returns a number option's value, or its default when it was left out.
 *
 * @throws {CypherError} `BAD_OPTION` if it is not a whole number in range.
 */
export function checkNumber(
  name: string,
  value: number | undefined,
  option: NumberOption,
): number {
  if (value === undefined) return option.default;
  if (option.unlimited && value === Infinity) return value;
  if (
    Number.isInteger(value) && value >= option.min && value <= option.max
  ) return value;
  throw badOption(name, describe(option), value);
}

/** Checks a group of number options at once, naming each `group.option`. */
export function checkNumbers<K extends string>(
  group: string,
  given: { readonly [name in K]?: number | undefined } | undefined,
  options: Readonly<Record<K, NumberOption>>,
): Record<K, number> {
  checkNames(group, given, Object.keys(options));
  const names = Object.keys(options) as K[];
  return Object.fromEntries(names.map((name) => [
    name,
    checkNumber(path(group, name), given?.[name], options[name]),
  ])) as Record<K, number>;
}

/**
 * Refuses options that do not exist: a typo must not pass for a default.
 *
 * @throws {CypherError} `BAD_OPTION` naming the option and those that exist.
 */
export function checkNames(
  group: string,
  given: unknown,
  known: readonly string[],
): void {
  if (given === undefined) return;
  const array = Array.isArray(given);
  if (given === null || typeof given !== "object" || array) {
    if (group) throw badOption(group, "an object", given);
    // By its kind alone: somebody may have given a key in its place.
    const kind = given === null ? "null" : array ? "an array" : typeof given;
    throw new CypherError(
      "BAD_OPTION",
      `Cannot use the options: they must be an object, got ${kind}`,
    );
  }
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) {
      throw new CypherError(
        "BAD_OPTION",
        `Cannot use the option "${path(group, name)}": there is none of that ` +
          `name, only ${known.join(", ")}`,
      );
    }
  }
}

/**
 * Refuses anything but an object where secrets belong: told by its kind alone,
 * as it may be one of them.
 *
 * @throws {CypherError} `BAD_OPTION`.
 */
export function requireObject(name: string, given: unknown): void {
  if (typeof given === "object" && given !== null) return;
  throw badOption(name, "an object", given === null ? null : typeof given);
}

/**
 * Returns an optional function, or undefined when it was left out.
 *
 * @throws {CypherError} `BAD_OPTION` if it is anything but a function.
 */
export function checkFunction<T>(name: string, value: T): T {
  if (value !== undefined && typeof value !== "function") {
    throw badOption(name, "a function", value);
  }
  return value;
}

/**
 * Returns a string option, or its default when it was left out.
 *
 * @throws {CypherError} `BAD_OPTION` if it is not a string with something in it.
 */
export function checkString(
  name: string,
  value: string | undefined,
  fallback: string,
): string {
  if (value === undefined) return fallback;
  if (typeof value === "string" && value !== "") return value;
  throw badOption(name, "a string of at least one character", value);
}

/**
 * Returns a hostname or an IP address, or its default when it was left out.
 * What it is not is told at once: a client would look it up for ever.
 *
 * @throws {CypherError} `BAD_OPTION` if it is empty, a URL, has a port in it,
 * or white space.
 */
export function checkHostname(
  name: string,
  value: string | undefined,
  fallback: string,
): string {
  const hostname = checkString(name, value, fallback);
  // An IPv6 address has two colons or more.
  if (!/[\s/]|^[^:]*:[^:]*$|\]:\d/.test(hostname)) return hostname;
  throw badOption(
    name,
    "a hostname or an IP address alone, the port is an option of its own",
    hostname,
  );
}

/**
 * Returns an abort signal, or undefined when it was left out.
 *
 * @throws {CypherError} `BAD_OPTION` if it is anything but an AbortSignal.
 */
export function checkSignal(
  signal: AbortSignal | undefined,
): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw badOption("signal", "an AbortSignal", signal);
}

/** Says what a number option allows: `a whole number of ms from 1 to 1,000`. */
export function describe(
  { min, max, unit, unlimited }: NumberOption,
): string {
  const of = unit ? ` of ${unit}` : "";
  const or = unlimited ? ", or Infinity" : "";
  return `a whole number${of} from ${group(min)} to ${group(max)}${or}`;
}

function path(group: string, name: string): string {
  return group ? `${group}.${name}` : name;
}

/** Groups digits by three, the same in every locale. */
function group(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Shows scalars as they are and everything else by its kind alone. */
function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  if (typeof value === "number" || typeof value === "boolean") {
    return `${value}`;
  }
  if (value === null || value === undefined) return `${value}`;
  if (Array.isArray(value)) return "an array";
  const article = typeof value === "object" ? "an" : "a";
  return `${article} ${typeof value}`;
}
