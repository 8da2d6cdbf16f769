import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";

/** Which end of a connection sealed a token. */
export type Role = "client" | "server";

/** Every mark is the role's byte, this, and ten random bytes. */
const LABEL = new TextEncoder().encode("CYPHR");
const ROLE_BYTE = { client: 0x43, server: 0x53 } as const;
const BLOCK = 16;

/**
 * IVs that say, to holders of the key alone, which end sealed the token. With
 * one key for both directions an answer would otherwise pass for a request when
 * somebody sends it back. To everybody else they are random IVs.
 *
 * A mark is AES-128-ECB(K, role ‖ `CYPHR` ‖ 10 random bytes), with K from
 * HKDF-SHA256 (RFC 5869) over the key with the info `cypher direction`.
 */
export class DirectionMarks implements Disposable {
  #encrypt: ReturnType<typeof createCipheriv>;
  #decrypt: ReturnType<typeof createDecipheriv>;
  #role: number;
  #disposed = false;

  /** `key` is the key of both directions, `role` the end this is. */
  constructor(key: Uint8Array, role: Role) {
    const marking = new Uint8Array(
      hkdfSync("sha256", key, new Uint8Array(0), "cypher direction", BLOCK),
    );
    this.#encrypt = createCipheriv("aes-128-ecb", marking, null);
    this.#encrypt.setAutoPadding(false);
    this.#decrypt = createDecipheriv("aes-128-ecb", marking, null);
    this.#decrypt.setAutoPadding(false);
    this.#role = ROLE_BYTE[role];
  }

  /** Makes the IV of a token sealed at this end. */
  makeIv(): Uint8Array<ArrayBuffer> {
    const plain = crypto.getRandomValues(new Uint8Array(BLOCK));
    plain[0] = this.#role;
    plain.set(LABEL, 1);
    return new Uint8Array(this.#encrypt.update(plain));
  }

  /** Whether an IV is of this end's making: its token is a reflection. */
  isOwn(iv: Uint8Array): boolean {
    const plain = this.#decrypt.update(iv);
    return plain[0] === this.#role &&
      LABEL.every((byte, i) => plain[i + 1] === byte);
  }

  /** Frees the ciphers. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#encrypt.final();
    this.#decrypt.final();
  }
}
