import { createHash, hkdfSync } from "node:crypto";
import { asciiBytes } from "./ascii.ts";
import { CipherState } from "./noise_cipher.ts";

const HASH = 32;
const EMPTY = new Uint8Array(0);

/**
 * What both ends of a Noise handshake compute alongside: a hash of everything
 * said so far, and the keys that everything secret so far leads to.
 *
 * Source: the Noise Protocol Framework, revision 34, section 5.2.
 */
export class SymmetricState {
  #hash: Uint8Array;
  #chainingKey: Uint8Array;
  /** None until the first key is mixed in: what comes before is not secret. */
  #cipher: CipherState | undefined;

  /** `protocol` is the full name, such as `Noise_NN_25519_ChaChaPoly_SHA256`. */
  constructor(protocol: string) {
    const name = asciiBytes(protocol);
    this.#hash = new Uint8Array(HASH);
    if (name.length <= HASH) this.#hash.set(name);
    else this.#hash = sha256(name);
    this.#chainingKey = this.#hash;
  }

  /** The hash of everything so far. */
  get hash(): Uint8Array {
    return this.#hash;
  }

  /** Makes everything after this depend on `data`. */
  mixHash(data: Uint8Array): void {
    this.#hash = sha256(this.#hash, data);
  }

  /** Makes every key after this depend on a secret. */
  mixKey(secret: Uint8Array): void {
    const [chainingKey, key] = this.#derive(secret, 2);
    this.#chainingKey = chainingKey!;
    this.#cipher = new CipherState(key!);
  }

  /** {@linkcode mixKey} for a pre-shared key, which the hash covers too. */
  mixKeyAndHash(psk: Uint8Array): void {
    const [chainingKey, hash, key] = this.#derive(psk, 3);
    this.#chainingKey = chainingKey!;
    this.mixHash(hash!);
    this.#cipher = new CipherState(key!);
  }

  /** Seals a payload, if there is a key by now. */
  encryptAndHash(plain: Uint8Array): Uint8Array {
    const sealed = this.#cipher?.encrypt(plain, this.#hash) ?? plain;
    this.mixHash(sealed);
    return sealed;
  }

  /**
   * Opens a payload, if there is a key by now.
   *
   * @throws {CypherError} `BAD_TOKEN` if it is not authentic.
   */
  decryptAndHash(sealed: Uint8Array): Uint8Array {
    const plain = this.#cipher?.decrypt(sealed, this.#hash) ?? sealed;
    this.mixHash(sealed);
    return plain;
  }

  /** The ciphers of what follows: the initiator's messages, the responder's. */
  split(): [CipherState, CipherState] {
    const [first, second] = this.#derive(EMPTY, 2);
    return [new CipherState(first!), new CipherState(second!)];
  }

  /**
   * Noise's HKDF (section 4.3), which is RFC 5869's with the chaining key as
   * its salt and no info.
   */
  #derive(secret: Uint8Array, outputs: 2 | 3): Uint8Array[] {
    const size = outputs * HASH;
    const bytes = hkdfSync("sha256", secret, this.#chainingKey, EMPTY, size);
    return Array.from(
      { length: outputs },
      (_, i) => new Uint8Array(bytes, i * HASH, HASH),
    );
  }
}

function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
