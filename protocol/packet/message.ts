import { badOption } from "../options.ts";

const encoder = new TextEncoder();

/**
 * A message's bytes; a text is sent as UTF-8.
 *
 * @throws {CypherError} `BAD_OPTION` if it is neither bytes nor a text.
 */
export function bytesOf(message: Uint8Array | string): Uint8Array {
  if (typeof message === "string") return encoder.encode(message);
  if (message instanceof Uint8Array) return message;
  throw badOption("message", "a Uint8Array or a string", message);
}
