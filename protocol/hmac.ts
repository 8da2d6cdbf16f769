import { createHash } from "node:crypto";

const BLOCK = 64;

/**
 * HMAC-SHA256 (RFC 2104) with the key's two blocks hashed once, and not again
 * for each message: half the time for short ones.
 */
export class HmacSha256 {
  #inner: ReturnType<typeof createHash>;
  #outer: ReturnType<typeof createHash>;

  /** `key` is at most 64 bytes. */
  constructor(key: Uint8Array) {
    this.#inner = createHash("sha256").update(padded(key, 0x36));
    this.#outer = createHash("sha256").update(padded(key, 0x5c));
  }

  /** The tag of a message: 32 bytes. */
  sign(message: Uint8Array): Uint8Array {
    const digest = this.#inner.copy().update(message).digest();
    return this.#outer.copy().update(digest).digest();
  }
}

function padded(key: Uint8Array, pad: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  block.set(key);
  return block.map((byte) => byte ^ pad);
}
