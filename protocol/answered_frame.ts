/**
 * The ids whose answers a client has, as it tells the server: in parts that fit
 * into a frame.
 *
 * @module
 */
import { type AnsweredJson, AnsweredSet } from "./answered.ts";
import { jsonIn } from "./fields.ts";
import { writeJson } from "./json.ts";

/** What a range takes at most, and what all the rest of a `hello` does. */
const RANGE_BYTES = 36;
const HELLO_BYTES = 256;

/**
 * The answered ids in parts, each of which fits into a `hello`, and into an
 * `answered` frame, for a server that takes payloads of `messageBytes`.
 */
export function answeredParts(
  answered: AnsweredSet,
  messageBytes: number,
): AnsweredJson[] {
  const room = Math.floor((messageBytes - HELLO_BYTES) / RANGE_BYTES);
  return answered.parts(Math.max(1, room));
}

/** Writes the payload of an `answered` frame. */
export function writeAnswered(answered: AnsweredJson): string {
  return writeJson(answered);
}

/**
 * Reads the payload of an `answered` frame; `window` bounds it.
 *
 * @throws {CypherError} `BAD_MESSAGE` naming what is not in its form.
 */
export function readAnswered(
  payload: Uint8Array,
  window: number,
): AnsweredSet {
  return AnsweredSet.fromJson(jsonIn(payload), window);
}
