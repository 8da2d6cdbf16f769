/**
 * The first frame in each direction: the client proves that its id is its own,
 * and the server says whether it remembers it.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type AnsweredJson, AnsweredSet } from "./answered.ts";
import { CypherError } from "./errors.ts";
import { fieldsIn } from "./fields.ts";
import { writeJson } from "./json.ts";

/** How many bytes a client's secret has. */
export const SECRET_BYTES = 32;

/** A client's `hello`: the proof that the client id is its own. */
export interface ClientHello {
  /** The 32 bytes that the client id is a hash of. */
  readonly secret: Uint8Array;
  /** The ids whose answers it has. */
  readonly answered: AnsweredSet;
  /**
   * Whether it takes this server for one that remembers it. If the server does
   * not, it says so and waits for another `hello`: nothing is begun for a
   * client that may not have heard that it was forgotten.
   */
  readonly met?: boolean;
}

/** A server's `hello`: the connection is proven. */
export interface ServerHello {
  /**
   * Whether the server remembers this client. This one holds: it may have
   * forgotten it since its {@linkcode ServerOffer}, which bound it to nothing.
   */
  readonly known: boolean;
}

/**
 * The id of the client that has this secret: the hex of the first 16 bytes of
 * its SHA-256. Knowing the id is no help in finding the secret.
 *
 * @throws {CypherError} `BAD_OPTION` if the secret does not have 32 bytes.
 */
export function clientIdOf(secret: Uint8Array): string {
  if (secret.length !== SECRET_BYTES) {
    throw new CypherError(
      "BAD_OPTION",
      `Cannot make a client id: the secret must have ${SECRET_BYTES} bytes, ` +
        `got ${secret.length}`,
    );
  }
  return createHash("sha256").update(secret).digest("hex").slice(0, 32);
}

/** Writes a client's `hello`, with one part of what is answered. */
export function writeClientHello(
  { secret, answered, met = false }:
    & Omit<ClientHello, "answered">
    & { readonly answered: AnsweredJson },
): string {
  return writeJson({ secret: secret.toHex(), answered, met });
}

/**
 * Reads a client's `hello`. It is proven if {@linkcode clientIdOf} the secret
 * is the id that it offered. `window` bounds the answered ids.
 *
 * @throws {CypherError} `BAD_MESSAGE` naming what is not in its form.
 */
export function readClientHello(
  payload: Uint8Array,
  window: number,
): ClientHello {
  const fields = fieldsIn(payload);
  return {
    secret: Uint8Array.fromHex(fields.hex("secret", SECRET_BYTES)),
    answered: AnsweredSet.fromJson(fields.value("answered"), window),
    met: fields.value("met") !== undefined && fields.flag("met"),
  };
}

/** Writes a server's `hello`. */
export function writeServerHello({ known }: ServerHello): string {
  return writeJson({ known });
}

/**
 * Reads a server's `hello`.
 *
 * @throws {CypherError} `BAD_MESSAGE` naming what is not in its form.
 */
export function readServerHello(payload: Uint8Array): ServerHello {
  return { known: fieldsIn(payload).flag("known") };
}
