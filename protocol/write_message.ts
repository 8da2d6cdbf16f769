import { CypherError } from "./errors.ts";
import { isObject, writeJson, writeJsonObject } from "./json.ts";
import { classLackedByJson, lackedByJson } from "./json_lacks.ts";
import {
  KEYS,
  type Reply,
  type Request,
  type RequestInit,
  type Status,
} from "./message.ts";

/**
 * Writes a request as the text inside a token.
 *
 * @throws {CypherError} `UNSENDABLE` if it has a key that no request has, or a
 * part of the wrong type, or one that JSON cannot carry.
 */
export function writeRequest(request: RequestInit): string {
  if (!isInit(request)) {
    throw new CypherError(
      "UNSENDABLE",
      "Cannot send the message: a request is an object, such as " +
        '{ path: "/NUMBER", operation: "READ" }',
    );
  }
  for (const key in request) {
    if (!isRequestKey(key)) refuseKey(request, key, "message");
  }
  const { path = "/", operation = "NONE", data = {}, metadata = {}, extra } =
    request;
  requireText("path", path);
  requireText("operation", operation);
  requireObject("metadata", metadata);
  return writeFields(path, operation, data, metadata, further(extra));
}

/**
 * Writes an answer as the text inside a token. The request itself is one too,
 * and so is the answer that a client got.
 *
 * @throws {CypherError} `UNSENDABLE` if it has a key that no reply has, or a
 * part of the wrong type, or one that JSON cannot carry.
 */
export function writeReply(
  request: Pick<Request, "path" | "operation" | "metadata">,
  reply: Reply,
): string {
  if (!isInit(reply)) {
    throw new CypherError(
      "UNSENDABLE",
      `The handler returned ${kindOf(reply)}; it must return an object, ` +
        "such as { data: 42 }",
    );
  }
  for (const key in reply) {
    if (!isReplyKey(key)) refuseKey(reply, key, "answer");
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

/** Written out, as every message is asked for each of its keys. */
function isRequestKey(key: string): boolean {
  return key === "path" || key === "operation" || key === "data" ||
    key === "metadata" || key === "extra";
}

function isReplyKey(key: string): boolean {
  return isRequestKey(key) || key === "status" || key === "body";
}

const ALLOWED = {
  message: "request, only path, operation, data, metadata, extra",
  answer: "reply, only path, operation, data, metadata, status, extra, body",
};

/**
 * A typo must not pass for a default. What a class inherits is its own; a key
 * that is undefined is none, as in JSON.
 */
function refuseKey(
  given: object,
  key: string,
  what: keyof typeof ALLOWED,
): void {
  if (!Object.hasOwn(given, key)) return;
  if (given[key as keyof typeof given] === undefined) return;
  const shown = JSON.stringify(key.slice(0, 80));
  throw new CypherError(
    "UNSENDABLE",
    `Cannot send the ${what}: there is no ${shown} in a ${ALLOWED[what]}`,
  );
}

/** For people: what kind of thing it is, as its value is nobody's business. */
function kindOf(value: unknown): string {
  if (value === undefined || value === null) return `${value}`;
  if (Array.isArray(value)) return "an array";
  const kind = classLackedByJson(value) ?? typeof value;
  return /^[AEIaeio]/.test(kind) ? `an ${kind}` : `a ${kind}`;
}

/** Whether it can be a message's parts: a Map or a Promise has none of them. */
function isInit(value: unknown): boolean {
  return isObject(value) && lackedByJson(value) === undefined;
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
