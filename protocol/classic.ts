import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { asciiBytes } from "./ascii.ts";
import type { Clock } from "./clock.ts";
import { DirectionMarks, type Role } from "./direction.ts";
import type { Envelope, MaybePromise, Opened } from "./envelope.ts";
import { Fernet } from "./fernet.ts";
import { keyBytes } from "./keys.ts";

/** What to do about an answer that was made with another key. */
const SERVER_KEY = "Do the keys match? The decryptionKey here must be the " +
  "server's encryptionKey";

/** How a {@linkcode ClassicEnvelope} is made. */
export interface ClassicEnvelopeOptions {
  /** Which end this is. */
  role: Role;
  /** Encrypts what this end sends: 32 ASCII characters. */
  encryptionKey: string;
  /** Decrypts what this end receives: 32 ASCII characters. */
  decryptionKey: string;
  /** How far a token's time may be from now, in ms; `Infinity` for any. */
  maxAge: number;
  /** What tells the time. */
  clock: Clock;
}

/**
 * The classic wire's envelope: a message is a Fernet token and a NUL byte.
 * {@linkcode open} takes it without the NUL, as the splitter yields it.
 */
export class ClassicEnvelope implements Envelope, Disposable {
  /** Whether one key serves both directions. */
  readonly equalKeys: boolean;
  #sealer: Fernet;
  #opener: Fernet;
  #marks: DirectionMarks | undefined;

  /** @throws {CypherError} `BAD_OPTION` if a key is not of its form. */
  constructor(
    { role, encryptionKey, decryptionKey, maxAge, clock }:
      ClassicEnvelopeOptions,
  ) {
    const sealKey = keyBytes("encryptionKey", encryptionKey);
    const openKey = keyBytes("decryptionKey", decryptionKey);
    this.equalKeys = timingSafeEqual(sealKey, openKey);
    const marks = this.#marks = this.equalKeys
      ? new DirectionMarks(sealKey, role)
      : undefined;
    this.#sealer = new Fernet(sealKey, {
      clock,
      ...(marks && { makeIv: () => marks.makeIv() }),
    });
    this.#opener = new Fernet(openKey, {
      clock,
      maxAge,
      ...(role === "client" && { advice: SERVER_KEY }),
      ...(marks && { acceptIv: (iv: Uint8Array) => !marks.isOwn(iv) }),
    });
  }

  /** Seals a plaintext into a token with its NUL. */
  seal(plain: Uint8Array): MaybePromise<Uint8Array> {
    const token = this.#sealer.seal(plain);
    return token instanceof Promise
      ? token.then((text) => asciiBytes(text, 1))
      : asciiBytes(token, 1);
  }

  /**
   * Opens a token.
   *
   * @throws {CypherError} `BAD_TOKEN` if the other end did not make it.
   */
  open(token: Uint8Array): MaybePromise<Opened> {
    return this.#opener.open(token);
  }

  /** Frees its ciphers; it is of no use after that. */
  [Symbol.dispose](): void {
    this.#sealer[Symbol.dispose]();
    this.#opener[Symbol.dispose]();
    this.#marks?.[Symbol.dispose]();
  }
}
