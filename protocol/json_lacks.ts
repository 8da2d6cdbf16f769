type Class = abstract new (...args: never) => object;

const BYTES = "give the toBase64() of a Uint8Array of it";
const PAIRS = "give an object or an array";
const BODY = "await its text() or json(), and give that";
/** The common one of Float64Array and its like. */
const TypedArray: Class = Object.getPrototypeOf(Uint8Array);

/**
 * What JSON lacks and `JSON.stringify` does not refuse: it writes `{}`, or an
 * object of digits. With what to do instead.
 */
const LACKS: readonly (readonly [Class, instead: string])[] = [
  [Map, PAIRS],
  [Set, "give an array"],
  [Iterator, "give an array"],
  [Promise, "did you forget to await it?"],
  [RegExp, "give its source"],
  [Error, "give its message"],
  [Uint8Array, "give its toBase64()"],
  [ArrayBuffer, BYTES],
  [SharedArrayBuffer, BYTES],
  [DataView, BYTES],
  [TypedArray, "give an array of numbers"],
  [Headers, PAIRS],
  [URLSearchParams, PAIRS],
  [FormData, PAIRS],
  [Request, BODY],
  [Response, BODY],
  [Blob, "await its text(), and give that"],
  [ReadableStream, "await what it brings, and give that"],
];

/**
 * Which of these a value is, or which number that JSON lacks, with what to do
 * instead; undefined if it is none, or has a `toJSON` of its own. What is inside
 * is not looked at: to walk through an object costs up to a fifth of what it
 * costs to write it.
 */
export function lackedByJson(value: unknown): string | undefined {
  if (typeof value === "number") return lackedNumber(value);
  if (typeof value !== "object" || value === null) return;
  // The prototype would do too, but takes ten times as long.
  const { constructor } = value;
  if (constructor === Object || constructor === Array) return;
  return lackOf(value);
}

/** The same for an object's values, unless its own `toJSON` leaves them out. */
export function lackedAmong(object: object): string | undefined {
  for (const key in object) {
    const lacked = lackedByJson(object[key as keyof typeof object]);
    if (lacked !== undefined && !decidesItself(object)) return lacked;
  }
  return;
}

/** For NaN and the infinities `JSON.stringify` writes `null`. */
function lackedNumber(value: number): string | undefined {
  return Number.isFinite(value) ? undefined : `${value}; give null or a text`;
}

/** By itself: the above stays small enough to be inlined. */
function lackOf(value: object): string | undefined {
  const row = decidesItself(value) ? undefined : rowOf(value);
  return row && `${row[0].name}; ${row[1]}`;
}

/** The name alone of the class that a value is of, if it is one of these. */
export function classLackedByJson(value: unknown): string | undefined {
  return rowOf(value)?.[0].name;
}

function rowOf(value: unknown): (typeof LACKS)[number] | undefined {
  return LACKS.find(([type]) => value instanceof type);
}

function decidesItself(value: object): boolean {
  return "toJSON" in value && typeof value.toJSON === "function";
}
