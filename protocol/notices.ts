/**
 * What is said when something is over: a connection, in a `close` frame, or a
 * request, or more than that, in an error frame.
 *
 * @module
 */
import { Fields, fieldsIn, NAME_LENGTH, UNPRINTABLE } from "./fields.ts";
import { writeJson } from "./json.ts";
import { LONGEST_TIME } from "./options.ts";

/** How many characters an error frame's message may have. */
export const MESSAGE_LENGTH = 256;

const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/** What is said before a connection is closed. */
export interface CloseNotice {
  /** In a word, such as `"draining"`. */
  readonly reason: string;
  /** For how many ms to stay away; 0: no need to. */
  readonly after: number;
  /** The highest id ever accepted from this client; those above never ran. */
  readonly last: number;
}

/** What an error frame says about its request, or the connection. */
export interface ErrorNotice {
  /** Upper-case words, such as `"ANSWER_LOST"`. */
  readonly code: string;
  /** For people: up to {@linkcode MESSAGE_LENGTH} characters. */
  readonly message: string;
}

/**
 * Writes the payload of a `close` frame.
 *
 * @throws {CypherError} `UNSENDABLE` naming what is not in its form.
 */
export function writeClose(notice: CloseNotice): string {
  return writeJson(closeNotice(new Fields("UNSENDABLE", { ...notice })));
}

/**
 * Reads the payload of a `close` frame.
 *
 * @throws {CypherError} `BAD_MESSAGE` naming what is not in its form.
 */
export function readClose(payload: Uint8Array): CloseNotice {
  return closeNotice(fieldsIn(payload));
}

/**
 * Writes the payload of an error frame. A message that is too long is cut, one
 * that is not printable mended: an error must not fail for its wording.
 *
 * @throws {CypherError} `UNSENDABLE` if the code is not in its form.
 */
export function writeError({ code, message }: ErrorNotice): string {
  const printable = message.slice(0, MESSAGE_LENGTH)
    .replace(new RegExp(UNPRINTABLE, "gu"), " ");
  const fields = { code, message: printable };
  return JSON.stringify(errorNotice(new Fields("UNSENDABLE", fields)));
}

/**
 * Reads the payload of an error frame.
 *
 * @throws {CypherError} `BAD_MESSAGE` naming what is not in its form.
 */
export function readError(payload: Uint8Array): ErrorNotice {
  return errorNotice(fieldsIn(payload));
}

function closeNotice(fields: Fields): CloseNotice {
  return {
    reason: fields.text("reason", NAME_LENGTH),
    after: fields.number("after", 0, LONGEST_TIME),
    last: fields.number("last", 0, Number.MAX_SAFE_INTEGER),
  };
}

function errorNotice(fields: Fields): ErrorNotice {
  return {
    code: fields.match("code", CODE),
    message: fields.text("message", MESSAGE_LENGTH, 0),
  };
}
