import { CypherError } from "./errors.ts";
import { isJsonObject, type JsonValue, parseJson } from "./json.ts";
import {
  type Answer,
  KEYS,
  type Request,
  type RequestInit,
  type Status,
} from "./message.ts";

const USUAL: ReadonlySet<string> = new Set(KEYS);

/**
 * Reads the text inside a token as a request. `depth` bounds its nesting.
 *
 * @throws {CypherError} `BAD_MESSAGE` if it is not a valid request.
 */
export function readRequest(text: string, depth: number): Request {
  const message = parseJson(text, depth);
  if (!isJsonObject(message)) throw badMessage("not an object");
  const { PATH = "/", OPERATION = "NONE", DATA = {}, METADATA = {} } = message;
  if (typeof PATH !== "string") throw badMessage("PATH is not a string");
  if (typeof OPERATION !== "string") {
    throw badMessage("OPERATION is not a string");
  }
  if (!isJsonObject(METADATA)) throw badMessage("METADATA is not an object");
  return {
    path: PATH,
    operation: OPERATION,
    data: DATA,
    metadata: METADATA,
    extra: furtherOf(message),
  };
}

/**
 * Reads the text inside a token as the answer to a request.
 *
 * @throws {CypherError} `BAD_MESSAGE` if it is not JSON.
 */
export function readAnswer(
  request: RequestInit,
  text: string,
  depth: number,
): Answer {
  const body = parseJson(text, depth);
  const { path = "/", operation = "NONE" } = request;
  if (!isJsonObject(body) || !isUsual(body)) {
    return { path, operation, data: body, metadata: {}, body };
  }
  return {
    path: typeof body.PATH === "string" ? body.PATH : path,
    operation: typeof body.OPERATION === "string" ? body.OPERATION : operation,
    data: body.DATA ?? null,
    metadata: isJsonObject(body.METADATA) ? body.METADATA : {},
    ...(body.STATUS === undefined ? {} : { status: body.STATUS }),
    body,
  };
}

/**
 * The failure status of an answer, if it is one: an object whose `code` is a
 * string other than `"OK"`. Programs may have a STATUS of their own.
 */
export function failureOf(answer: Answer): Status | undefined {
  const { status } = answer;
  if (!isJsonObject(status) || typeof status.code !== "string") return;
  if (status.code === "OK") return;
  const message = status.message;
  return {
    code: status.code,
    ...(typeof message === "string" ? { message } : {}),
  };
}

/** Whether an answer has any of the usual keys. */
function isUsual(body: { [key: string]: JsonValue }): boolean {
  return Object.hasOwn(body, "STATUS") ||
    KEYS.some((key) => Object.hasOwn(body, key));
}

/** The keys beyond the four; most messages have none, and share this. */
const NONE: { readonly [key: string]: JsonValue } = Object.freeze({});

function furtherOf(
  message: { [key: string]: JsonValue },
): { readonly [key: string]: JsonValue } {
  for (const key in message) {
    if (!USUAL.has(key)) return without(message);
  }
  return NONE;
}

function without(
  message: { [key: string]: JsonValue },
): { readonly [key: string]: JsonValue } {
  // Rest and spread copy a key named `__proto__` as data: nothing is polluted.
  const { PATH: _p, OPERATION: _o, DATA: _d, METADATA: _m, ...rest } = message;
  return rest;
}

function badMessage(problem: string): CypherError {
  return new CypherError(
    "BAD_MESSAGE",
    `Cannot read the message: ${problem}`,
  );
}
