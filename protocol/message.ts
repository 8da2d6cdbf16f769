import { CypherError } from "./errors.ts";
import {
  isJsonObject,
  isObject,
  type JsonValue,
  parseJson,
  writeJson,
  writeJsonObject,
} from "./json.ts";
import { lackedByJson } from "./json_lacks.ts";

/** A request as its handler gets it. */
export interface Request {
  /** What the request is about; `"/"` when the peer left it out. */
  readonly path: string;
  /** What is to be done, such as `"READ"`; `"NONE"` when left out. */
  readonly operation: string;
  /** Any JSON value; `{}` when left out. */
  readonly data: JsonValue;
  /** Facts about the request; `{}` when left out. */
  readonly metadata: { readonly [key: string]: JsonValue };
  /** The message's further keys, as they were on the wire. */
  readonly extra: { readonly [key: string]: JsonValue };
}

/** A request as a caller writes it; what is left out gets its default. */
export interface RequestInit {
  /** What the request is about, default `"/"`. */
  readonly path?: string | undefined;
  /** What is to be done, default `"NONE"`. */
  readonly operation?: string | undefined;
  /**
   * Anything JSON can carry, default `{}`. A Map, a Set, bytes, a Promise or an
   * Error is refused, but not deep inside of it.
   */
  readonly data?: unknown;
  /** Facts about the request, default `{}`. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Further keys, sent as they are. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/** What a handler answers; what it leaves out comes from the request. */
export interface Reply {
  /** Default: the request's. */
  readonly path?: string | undefined;
  /** Default: the request's. */
  readonly operation?: string | undefined;
  /**
   * Anything JSON can carry, default `null`. A Map, a Set, bytes, a Promise or
   * an Error is refused, but not deep inside of it.
   */
  readonly data?: unknown;
  /** Default: the request's. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** A status of the application's own; a success needs none. */
  readonly status?: Status | undefined;
  /** Further keys, sent as they are. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
  /** The whole answer as it is to be on the wire, instead of all the others. */
  readonly body?: unknown;
}

/** A status on the wire. Any code but `"OK"` makes the answer a failure. */
export interface Status {
  /** The status code, such as `"NOT_FOUND"`. */
  readonly code: string;
  /** A sentence for people. */
  readonly message?: string | undefined;
}

/** An answer as the caller of `request()` gets it. */
export interface Answer<T = JsonValue> {
  /** The answer's PATH; the request's, if it has none. */
  readonly path: string;
  /** The answer's OPERATION; the request's, if it has none. */
  readonly operation: string;
  /** The answer's DATA; the whole answer, if it is not in the usual form. */
  readonly data: T;
  /** The answer's METADATA, or `{}`. */
  readonly metadata: { readonly [key: string]: JsonValue };
  /** The answer's STATUS, if it has one: any JSON value. */
  readonly status?: JsonValue;
  /** The whole answer as it was on the wire. */
  readonly body: JsonValue;
}

/** The keys on the wire, in their order there. */
const KEYS = ["PATH", "OPERATION", "DATA", "METADATA"] as const;
const USUAL: ReadonlySet<string> = new Set(KEYS);

/**
 * Writes a request as the text inside a token.
 *
 * @throws {CypherError} `UNSENDABLE` if a part has the wrong type or is
 * nothing JSON can carry.
 */
export function writeRequest(request: RequestInit): string {
  if (!isInit(request)) {
    throw new CypherError(
      "UNSENDABLE",
      "Cannot send the message: a request is an object, such as " +
        '{ path: "/NUMBER", operation: "READ" }',
    );
  }
  const { path = "/", operation = "NONE", data = {}, metadata = {}, extra } =
    request;
  requireText("path", path);
  requireText("operation", operation);
  requireObject("metadata", metadata);
  return writeFields(path, operation, data, metadata, further(extra));
}

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
 * Writes an answer as the text inside a token.
 *
 * @throws {CypherError} `UNSENDABLE` if a part has the wrong type or is
 * nothing JSON can carry.
 */
export function writeReply(
  request: Pick<Request, "path" | "operation" | "metadata">,
  reply: Reply,
): string {
  if (!isInit(reply)) {
    throw new CypherError(
      "UNSENDABLE",
      "Cannot send the answer: a handler returns an object, such as " +
        "{ data: 42 }, and throws an Error",
    );
  }
  if (reply.body !== undefined) return writeJson(reply.body);
  const {
    path = request.path,
    operation = request.operation,
    data = null,
    metadata = request.metadata,
    status,
    extra,
  } = reply;
  requireText("path", path);
  requireText("operation", operation);
  requireObject("metadata", metadata);
  if (status !== undefined) requireStatus(status);
  const rest = status ? { ...further(extra), STATUS: status } : further(extra);
  return writeFields(path, operation, data, metadata, rest);
}

/** Writes the answer that says a request failed. */
export function writeFailure(
  request: Pick<Request, "path" | "operation">,
  status: Status,
  data: unknown = null,
): string {
  return writeReply({ ...request, metadata: {} }, { data, status });
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

/** Whether it can be a message's parts: a Map or a Promise has none of them. */
function isInit(value: unknown): boolean {
  return isObject(value) && lackedByJson(value) === undefined;
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

function further(
  extra: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> | undefined {
  if (extra === undefined) return undefined;
  requireObject("extra", extra);
  const lacked = lackedByJson(extra);
  if (lacked !== undefined) {
    throw new CypherError(
      "UNSENDABLE",
      `Cannot send the message: for its extra, JSON has no ${lacked}`,
    );
  }
  for (const key of KEYS) {
    if (Object.hasOwn(extra, key)) {
      throw unsendable("extra", `without the key ${key}`);
    }
  }
  return extra;
}

/**
 * Writes a message field by field: inside an object, `JSON.stringify` would
 * leave out what JSON cannot carry without a word.
 */
function writeFields(
  path: string,
  operation: string,
  data: unknown,
  metadata: object,
  further: Record<string, unknown> | undefined,
): string {
  const four = `"PATH":${writeJson(path)},"OPERATION":${writeJson(operation)}` +
    `,"DATA":${writeJson(data)},"METADATA":${writeJsonObject(metadata)}`;
  if (further === undefined) return `{${four}}`;
  let text = four;
  for (const key of Object.keys(further)) {
    text += `,${writeJson(key)}:${writeJson(further[key])}`;
  }
  return `{${text}}`;
}

function requireStatus(status: Status): void {
  requireObject("status", status);
  const { code, message } = status;
  requireText("status.code", code);
  if (message !== undefined) requireText("status.message", message);
}

function requireText(name: string, value: unknown): void {
  if (typeof value !== "string") throw unsendable(name, "a string");
}

function requireObject(name: string, value: unknown): void {
  if (!isObject(value)) throw unsendable(name, "an object");
}

function unsendable(name: string, requirement: string): CypherError {
  return new CypherError(
    "UNSENDABLE",
    `Cannot send the message: its ${name} must be ${requirement}`,
  );
}

function badMessage(problem: string): CypherError {
  return new CypherError(
    "BAD_MESSAGE",
    `Cannot read the message: ${problem}`,
  );
}
