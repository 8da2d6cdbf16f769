import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { AesCbc } from "./aes_cbc.ts";
import { type Clock, systemClock } from "./clock.ts";
import type { MaybePromise, Opened } from "./envelope.ts";
import { CypherError } from "./errors.ts";
import { HmacSha256 } from "./hmac.ts";

const VERSION = 0x80;
const TIME_AT = 1;
const IV_AT = 9;
const CIPHERTEXT_AT = 25;
const BLOCK = 16;
const TAG = 32;
const SHORTEST = CIPHERTEXT_AT + BLOCK + TAG;
/** Tokens up to this size are put together in memory that is used again. */
const SCRATCH = 4_096;
const decoder = new TextDecoder();

/**
 * From this many bytes on, AES runs in WebCrypto, off the thread. Measured on
 * two cores: at 16 KiB the two cost the same, at 64 KiB WebCrypto takes two
 * thirds, at 1 MiB a fifth, and other connections are served meanwhile.
 */
const OFF_THREAD_FROM = 65_536;

/** How a {@linkcode Fernet} is made; every part has a default. */
export interface FernetOptions {
  /** Makes an IV of 16 bytes that is never made again. Default: random. */
  makeIv?: () => Uint8Array<ArrayBuffer>;
  /** Judges the IV of an authentic token. Default: every IV is right. */
  acceptIv?: (iv: Uint8Array) => boolean;
  /**
   * How far, in ms, a token's time may be from now, in either direction.
   * Default `Infinity`: not judged, as devices have wrong clocks.
   */
  maxAge?: number;
  /** What tells the time. */
  clock?: Clock;
  /** What to do about another key, for people. Default: nothing is said. */
  advice?: string;
}

/**
 * Fernet tokens, version 0x80: AES-128-CBC with PKCS#7 padding, then
 * HMAC-SHA256 over everything before it, in padded base64url.
 *
 * Source: the Fernet specification, https://github.com/fernet/spec.
 */
export class Fernet implements Disposable {
  #hmac: HmacSha256;
  #cipher: AesCbc;
  #encryptionKey: Uint8Array<ArrayBuffer>;
  #offThreadKey: Promise<CryptoKey> | undefined;
  #makeIv: () => Uint8Array<ArrayBuffer>;
  #acceptIv: (iv: Uint8Array) => boolean;
  #maxAge: number;
  #clock: Clock;
  #advice: string;
  #scratch = new Uint8Array(SCRATCH);

  /** `key` is 32 bytes: the first 16 sign, the last 16 encrypt. */
  constructor(
    key: Uint8Array<ArrayBuffer>,
    {
      makeIv = randomIvs(),
      acceptIv = () => true,
      maxAge = Infinity,
      clock = systemClock,
      advice = "",
    }: FernetOptions = {},
  ) {
    this.#hmac = new HmacSha256(key.subarray(0, 16));
    this.#cipher = new AesCbc(key.subarray(16));
    this.#encryptionKey = key.slice(16);
    this.#makeIv = makeIv;
    this.#acceptIv = acceptIv;
    this.#maxAge = maxAge;
    this.#clock = clock;
    this.#advice = advice;
  }

  /** Seals bytes into a token. */
  seal(plain: Uint8Array): MaybePromise<string> {
    const iv = this.#makeIv();
    if (plain.length < OFF_THREAD_FROM) {
      return this.#assemble(iv, this.#cipher.encrypt(iv, plain));
    }
    return this.#offThread((key) =>
      crypto.subtle.encrypt({ name: "AES-CBC", iv }, key, unshared(plain))
    ).then((ciphertext) => this.#assemble(iv, new Uint8Array(ciphertext)));
  }

  /**
   * Opens a token, given as ASCII. The HMAC is compared in constant time, before anything is
   * decrypted; it is also the token's identity, whatever its spelling.
   *
   * @throws {CypherError} `BAD_TOKEN`, saying what is wrong with it.
   */
  open(token: Uint8Array): MaybePromise<Opened> {
    const body = decode(token);
    if (body === undefined || body.length < SHORTEST || body[0] !== VERSION) {
      throw badToken("it is not of the form of a Fernet token");
    }
    const signed = body.subarray(0, body.length - TAG);
    const identity = body.subarray(body.length - TAG);
    if (!timingSafeEqual(this.#hmac.sign(signed), identity)) {
      throw this.#wrongKey("it was not made with this key, or was altered");
    }
    this.#judgeAge(signed);
    const iv = signed.subarray(IV_AT, CIPHERTEXT_AT);
    if (!this.#acceptIv(iv)) throw badToken("it was sealed at this end");
    const ciphertext = signed.subarray(CIPHERTEXT_AT);
    if (ciphertext.length < OFF_THREAD_FROM) {
      const plain = this.#cipher.decrypt(iv, ciphertext);
      if (!plain) throw this.#notWhole();
      return { plain, identity };
    }
    return this.#offThread((key) =>
      crypto.subtle.decrypt({ name: "AES-CBC", iv }, key, ciphertext)
    ).then(
      (plain) => ({ plain: new Uint8Array(plain), identity }),
      () => Promise.reject(this.#notWhole()),
    );
  }

  /** Frees what is kept for small messages. */
  [Symbol.dispose](): void {
    this.#cipher[Symbol.dispose]();
  }

  #assemble(iv: Uint8Array, ciphertext: Uint8Array): string {
    const tagAt = CIPHERTEXT_AT + ciphertext.length;
    const size = tagAt + TAG;
    const body = size <= SCRATCH
      ? this.#scratch.subarray(0, size)
      : new Uint8Array(size);
    body[0] = VERSION;
    let seconds = Math.floor(this.#clock.wall() / 1000);
    for (let at = IV_AT - 1; at >= TIME_AT; at--) {
      body[at] = seconds % 256;
      seconds = Math.floor(seconds / 256);
    }
    body.set(iv, IV_AT);
    body.set(ciphertext, CIPHERTEXT_AT);
    body.set(this.#hmac.sign(body.subarray(0, tagAt)), tagAt);
    return body.toBase64({ alphabet: "base64url" });
  }

  #judgeAge(signed: Uint8Array): void {
    if (this.#maxAge === Infinity) return;
    const view = new DataView(signed.buffer, signed.byteOffset);
    const made = Number(view.getBigUint64(TIME_AT)) * 1000;
    if (Math.abs(this.#clock.wall() - made) > this.#maxAge) {
      throw badToken(`its time is more than ${this.#maxAge} ms from now`);
    }
  }

  /** The HMAC is right, so half of the key is: the other half is not. */
  #notWhole(): CypherError {
    return this.#wrongKey("what it holds is not whole");
  }

  #wrongKey(problem: string): CypherError {
    return badToken(this.#advice ? `${problem}. ${this.#advice}` : problem);
  }

  async #offThread(
    use: (key: CryptoKey) => Promise<ArrayBuffer>,
  ): Promise<ArrayBuffer> {
    this.#offThreadKey ??= crypto.subtle.importKey(
      "raw",
      this.#encryptionKey,
      "AES-CBC",
      false,
      ["encrypt", "decrypt"],
    );
    return await use(await this.#offThreadKey);
  }
}

/** How many characters the token of so many bytes has. */
export function tokenSize(plain: number): number {
  // PKCS#7 pads whole blocks too.
  const padded = (Math.floor(plain / BLOCK) + 1) * BLOCK;
  return Math.ceil((CIPHERTEXT_AT + padded + TAG) / 3) * 4;
}

/** The bytes of strict, padded base64url, or undefined if it is not that. */
function decode(token: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const body = new Uint8Array((token.length / 4) * 3);
  try {
    const { read, written } = body.setFromBase64(
      decoder.decode(token),
      { alphabet: "base64url", lastChunkHandling: "strict" },
    );
    // The decoder skips white space, which would be another spelling.
    const spelled = Math.ceil(written / 3) * 4;
    if (read !== token.length || spelled !== token.length) return undefined;
    return body.subarray(0, written);
  } catch {
    return undefined;
  }
}

/** Makes random IVs, of random bytes that are fetched many at a time. */
function randomIvs(): () => Uint8Array<ArrayBuffer> {
  const pool = new Uint8Array(64 * BLOCK);
  let used = pool.length;
  return () => {
    if (used === pool.length) {
      crypto.getRandomValues(pool);
      used = 0;
    }
    return pool.slice(used, used += BLOCK);
  };
}

function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}

function badToken(problem: string): CypherError {
  return new CypherError("BAD_TOKEN", `Cannot open the token: ${problem}`);
}
