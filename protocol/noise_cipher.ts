import type { Buffer } from "node:buffer";
import {
  type CipherChaCha20Poly1305,
  createCipheriv,
  createDecipheriv,
  type DecipherChaCha20Poly1305,
} from "node:crypto";
import { CypherError } from "./errors.ts";

/** How many bytes sealing adds: the authentication tag. */
export const NOISE_TAG = 16;

const ALGORITHM = "chacha20-poly1305";
const OPTIONS = { authTagLength: NOISE_TAG } as const;
const KEY = 32;
const NONCE = 12;
/** The nonce 2^64 - 1, which the specification keeps for Rekey() alone. */
const REKEY_NONCE = new Uint8Array(NONCE).fill(0xff, 4);
/** What `final` gives is empty; an empty text is made faster than a `Buffer`. */
const NOTHING = "latin1";
/**
 * What a cipher that is made ahead begins with: its first step is slow, and so
 * is the first that is asked for a text, as `final` will be.
 */
const EMPTY = new Uint8Array(0);
const ZEROS = new Uint8Array(KEY);

/**
 * One direction of a Noise channel: ChaCha20-Poly1305 (RFC 8439) with a nonce
 * that counts up by itself, so that none is used twice.
 *
 * A cipher object serves one nonce, and making it takes longer than sealing a
 * short message with it. So the next one can be made ahead, while there is
 * nothing else to do; discard it if it will not be used, as Deno frees a cipher
 * only once it has made a tag.
 *
 * Source: the Noise Protocol Framework, revision 34, sections 5.1 and 12.3.
 */
export class CipherState {
  #key: Uint8Array;
  #nonce: number;
  #nonceBytes = new Uint8Array(NONCE);
  #nonceView = new DataView(this.#nonceBytes.buffer);
  /** Made ahead, for the nonce and the key of now. */
  #sealing: CipherChaCha20Poly1305 | undefined;
  #opening: DecipherChaCha20Poly1305 | undefined;

  /**
   * `key` is 32 bytes, and is copied. `nonce` is the first one to be used; it
   * is not 0 only in tests of large ones.
   */
  constructor(key: Uint8Array, nonce = 0) {
    if (key.length !== KEY) {
      throw new CypherError(
        "BAD_OPTION",
        `Cannot make a cipher: its key must have ${KEY} bytes, got ${key.length}`,
      );
    }
    this.#key = Uint8Array.from(key);
    this.#nonce = nonce;
  }

  /** The nonce that comes next: how many messages went before. */
  get nonce(): number {
    return this.#nonce;
  }

  /**
   * Seals bytes; the result is `NOISE_TAG` bytes longer. `ad` is associated
   * data: authenticated, not sent.
   *
   * @throws {CypherError} `CLOSED` once the nonces are used up.
   */
  encrypt(plain: Uint8Array, ad?: Uint8Array): Uint8Array<ArrayBuffer> {
    const sealed = new Uint8Array(plain.length + NOISE_TAG);
    this.encryptInto(sealed, 0, plain, ad);
    return sealed;
  }

  /** {@linkcode encrypt} that writes to `target`, from `offset` on. */
  encryptInto(
    target: Uint8Array,
    offset: number,
    plain: Uint8Array,
    ad?: Uint8Array,
  ): void {
    // Associated data would have to come before anything else.
    if (ad) this.discard();
    const cipher = this.#sealing ?? this.#makeSealing();
    this.#sealing = undefined;
    // Counted before anything can throw: whatever happens, it is not used again.
    this.#nonce++;
    if (ad) cipher.setAAD(ad, { plaintextLength: plain.length });
    const sealed = cipher.update(plain);
    // Makes the tag and frees the cipher, so nothing that may throw comes first.
    cipher.final(NOTHING);
    target.set(sealed, offset);
    target.set(cipher.getAuthTag(), offset + plain.length);
  }

  /**
   * Opens what the other end sealed with the same nonce and `ad`. When that
   * fails nothing is returned and the nonce stays, as the specification says.
   *
   * @throws {CypherError} `BAD_TOKEN` if the bytes are not authentic, `CLOSED`
   * once the nonces are used up.
   */
  decrypt(sealed: Uint8Array, ad?: Uint8Array): Uint8Array<ArrayBuffer> {
    const size = sealed.length - NOISE_TAG;
    if (size < 0) throw notAuthentic();
    if (ad) this.discard();
    const cipher = this.#opening ?? this.#makeOpening();
    this.#opening = undefined;
    cipher.setAuthTag(sealed.subarray(size));
    if (ad) cipher.setAAD(ad, { plaintextLength: size });
    const plain = cipher.update(sealed.subarray(0, size));
    try {
      cipher.final(NOTHING);
    } catch {
      throw notAuthentic();
    }
    this.#nonce++;
    return withoutBuffer(plain);
  }

  /**
   * Goes over to the next key, from which this one cannot be computed; the
   * nonce counts on.
   *
   * Source: Noise, section 4.2, REKEY(k), and section 11.3.
   */
  rekey(): void {
    this.discard();
    const cipher = createCipheriv(ALGORITHM, this.#key, REKEY_NONCE, OPTIONS);
    const next = cipher.update(ZEROS);
    cipher.final();
    // Written over the old key, which is gone by this.
    this.#key.set(next);
    next.fill(0);
  }

  /** Makes ahead what the next {@linkcode encrypt} needs. */
  prepareToEncrypt(): void {
    if (this.#usedUp) return;
    this.#sealing ??= this.#beginSealing();
  }

  /** Makes ahead what the next {@linkcode decrypt} needs. */
  prepareToDecrypt(): void {
    if (this.#usedUp) return;
    this.#opening ??= this.#beginOpening();
  }

  /** Frees what was made ahead. */
  discard(): void {
    this.#sealing?.final();
    this.#sealing = undefined;
    try {
      this.#opening?.final();
    } catch {
      // It has opened nothing, so nothing was authentic.
    }
    this.#opening = undefined;
  }

  #beginSealing(): CipherChaCha20Poly1305 {
    const cipher = this.#makeSealing();
    cipher.update(EMPTY, undefined, NOTHING);
    return cipher;
  }

  #makeSealing(): CipherChaCha20Poly1305 {
    return createCipheriv(ALGORITHM, this.#key, this.#useNonce(), OPTIONS);
  }

  #beginOpening(): DecipherChaCha20Poly1305 {
    const cipher = this.#makeOpening();
    cipher.update(EMPTY, undefined, NOTHING);
    return cipher;
  }

  #makeOpening(): DecipherChaCha20Poly1305 {
    return createDecipheriv(ALGORITHM, this.#key, this.#useNonce(), OPTIONS);
  }

  get #usedUp(): boolean {
    // Beyond it a double would count 2^53, 2^53, 2^53 ...
    return this.#nonce >= Number.MAX_SAFE_INTEGER;
  }

  /** Four zero bytes, then the counter, little-endian (section 12.3). */
  #useNonce(): Uint8Array {
    if (this.#usedUp) {
      throw new CypherError(
        "CLOSED",
        "Cannot use the cipher any more: its nonces are used up",
      );
    }
    this.#nonceView.setUint32(4, this.#nonce, true);
    this.#nonceView.setUint32(8, this.#nonce / 2 ** 32, true);
    return this.#nonceBytes;
  }
}

/** A `Buffer`'s `slice` is a view where a `Uint8Array`'s is a copy. */
function withoutBuffer(
  { buffer, byteOffset, length }: Buffer,
): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
}

function notAuthentic(): CypherError {
  return new CypherError(
    "BAD_TOKEN",
    "Cannot open the sealed bytes: they were not made with this key and " +
      "nonce, or were altered",
  );
}
