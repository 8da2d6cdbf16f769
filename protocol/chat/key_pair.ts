import { CypherError } from "../errors.ts";

/** RSA-OAEP with SHA-256 (RFC 8017, 7.1), 2,048 bits (chat.md). */
const RSA = { name: "RSA-OAEP", hash: "SHA-256" };
const MODULUS_BITS = 2_048;
const AES = "AES-GCM";

/** Somebody else's public key. */
export interface PublicKey {
  /** As it was announced. */
  readonly announced: string;
  /** What session keys are wrapped with. */
  readonly key: CryptoKey;
  /** The first 16 hex digits of its SHA-256, in groups of 4. */
  readonly fingerprint: string;
}

/** One's own pair of keys, the public one as it is announced. */
export interface OwnKeys {
  /** SPKI in base64. */
  readonly announced: string;
  /** The first 16 hex digits of the public key's SHA-256, in groups of 4. */
  readonly fingerprint: string;
  /** What session keys are unwrapped with; it cannot be exported. */
  readonly privateKey: CryptoKey;
}

/** Makes a pair of keys. */
export async function generateOwnKeys(): Promise<OwnKeys> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(
    {
      ...RSA,
      modulusLength: MODULUS_BITS,
      publicExponent: new Uint8Array([1, 0, 1]),
    },
    false,
    ["wrapKey", "unwrapKey"],
  );
  const spki = new Uint8Array(
    await crypto.subtle.exportKey("spki", publicKey),
  );
  return {
    announced: spki.toBase64(),
    fingerprint: await fingerprintOf(spki),
    privateKey,
  };
}

/**
 * Reads a key that somebody announced.
 *
 * @throws {CypherError} `BAD_MESSAGE` if it is no RSA key of 2,048 bits.
 */
export async function readPublicKey(announced: string): Promise<PublicKey> {
  try {
    const spki = Uint8Array.fromBase64(announced);
    const key = await crypto.subtle.importKey("spki", spki, RSA, false, [
      "wrapKey",
    ]);
    const { modulusLength } = key.algorithm as RsaHashedKeyAlgorithm;
    if (modulusLength !== MODULUS_BITS) throw new RangeError("Not 2,048 bits");
    return { announced, key, fingerprint: await fingerprintOf(spki) };
  } catch (cause) {
    throw new CypherError(
      "BAD_MESSAGE",
      "Cannot use the public key: it must be RSA of 2,048 bits, SPKI in base64",
      { cause },
    );
  }
}

/** A new session key (AES-256-GCM), and the same wrapped for a recipient. */
export async function makeSessionKey(
  recipient: CryptoKey,
): Promise<{ key: CryptoKey; wrapped: string }> {
  const key = await crypto.subtle.generateKey(
    { name: AES, length: 256 },
    true,
    ["encrypt"],
  );
  const wrapped = await crypto.subtle.wrapKey("raw", key, recipient, RSA.name);
  return { key, wrapped: new Uint8Array(wrapped).toBase64() };
}

/**
 * Unwraps a session key that was wrapped for us.
 *
 * @throws {CypherError} `BAD_TOKEN` if it does not open, or is no such key.
 */
export async function openSessionKey(
  privateKey: CryptoKey,
  wrapped: string,
): Promise<CryptoKey> {
  try {
    const key = await crypto.subtle.unwrapKey(
      "raw",
      Uint8Array.fromBase64(wrapped),
      privateKey,
      RSA.name,
      AES,
      false,
      ["decrypt"],
    );
    const { length } = key.algorithm as AesKeyAlgorithm;
    if (length !== 256) throw new RangeError("Not 256 bits");
    return key;
  } catch (cause) {
    throw new CypherError("BAD_TOKEN", "Cannot open the session key", {
      cause,
    });
  }
}

async function fingerprintOf(
  spki: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", spki);
  const hex = new Uint8Array(digest, 0, 8).toHex();
  return hex.match(/.{4}/g)!.join(" ");
}
