import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Buffer } from "node:buffer";

const BLOCK = 16;

/**
 * AES-128-CBC with PKCS#7 padding (NIST SP 800-38A, RFC 5652 section 6.3), on
 * two cipher objects that are made once. Making one for each message costs four
 * times as much as encrypting 64 bytes with it.
 */
export class AesCbc implements Disposable {
  /** Encrypts on and on; what it last put out is in {@linkcode #chain}. */
  #encrypt: ReturnType<typeof createCipheriv>;
  /** Decrypts blocks by themselves. */
  #decrypt: ReturnType<typeof createDecipheriv>;
  #chain: Uint8Array = new Uint8Array(BLOCK);
  #disposed = false;

  /** `key` is 16 bytes. */
  constructor(key: Uint8Array) {
    this.#encrypt = createCipheriv("aes-128-cbc", key, this.#chain);
    this.#encrypt.setAutoPadding(false);
    this.#decrypt = createDecipheriv("aes-128-ecb", key, null);
    this.#decrypt.setAutoPadding(false);
  }

  /** Encrypts a message with an IV of 16 bytes. */
  encrypt(iv: Uint8Array, plain: Uint8Array): Uint8Array {
    const padding = BLOCK - plain.length % BLOCK;
    const padded = new Uint8Array(plain.length + padding);
    padded.set(plain);
    padded.fill(padding, plain.length);
    // The cipher adds the block it put out last to the first one of this
    // message; added here as well it is gone, and the IV is in its place.
    for (let i = 0; i < BLOCK; i++) padded[i]! ^= iv[i]! ^ this.#chain[i]!;
    const ciphertext: Buffer = this.#encrypt.update(padded);
    this.#chain = ciphertext.subarray(-BLOCK);
    return ciphertext;
  }

  /** Decrypts a message; undefined if its form or padding is wrong. */
  decrypt(iv: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    const { length } = ciphertext;
    if (length === 0 || length % BLOCK !== 0) return undefined;
    const plain: Buffer = this.#decrypt.update(ciphertext);
    for (let i = 0; i < BLOCK; i++) plain[i]! ^= iv[i]!;
    for (let i = BLOCK; i < length; i++) plain[i]! ^= ciphertext[i - BLOCK]!;
    const padding = plain[length - 1]!;
    if (padding === 0 || padding > BLOCK) return undefined;
    for (let i = length - padding; i < length; i++) {
      if (plain[i] !== padding) return undefined;
    }
    return plain.subarray(0, length - padding);
  }

  /** Frees the ciphers, which Deno keeps until they are told to finish. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#encrypt.final();
    this.#decrypt.final();
  }
}
