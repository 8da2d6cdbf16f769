/**
 * The session wire's use of Noise: what both ends agree on before the first
 * message.
 *
 * @module
 */
import { hkdfSync } from "node:crypto";
import { CypherError } from "./errors.ts";

export { CipherState, NOISE_TAG } from "./noise_cipher.ts";
export {
  NOISE_MESSAGE,
  type NoiseChannel,
  NoiseHandshake,
  type NoiseHandshakeOptions,
} from "./noise_handshake.ts";

/**
 * What a session starts with, and the prologue of its handshake: NUL, which no
 * Fernet token starts with, then `CYPHER/2` and LF.
 */
export const PREFACE: Uint8Array<ArrayBuffer> = Uint8Array.fromHex(
  "004359504845522f320a",
);

/** The largest first handshake message in bytes. */
export const FIRST_MESSAGE = 1_024;

const KEY = 32;

/**
 * The handshake's pre-shared key, 32 bytes, from the two keys of the
 * configuration, 32 bytes each: a key for this purpose alone, so that neither
 * wire's use of the two says anything about the other's.
 *
 * It is HKDF-SHA256 (RFC 5869) over client-to-server ‖ server-to-client, with
 * no salt and the info `cypher/2 psk`.
 *
 * @throws {CypherError} `BAD_OPTION` if a key does not have 32 bytes.
 */
export function sessionPsk(
  clientToServerKey: Uint8Array,
  serverToClientKey: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(2 * KEY);
  if (clientToServerKey.length !== KEY || serverToClientKey.length !== KEY) {
    throw new CypherError(
      "BAD_OPTION",
      `Cannot derive the session's key: each key must have ${KEY} bytes`,
    );
  }
  both.set(clientToServerKey);
  both.set(serverToClientKey, KEY);
  return new Uint8Array(
    hkdfSync("sha256", both, new Uint8Array(0), "cypher/2 psk", KEY),
  );
}
