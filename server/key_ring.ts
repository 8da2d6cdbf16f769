import { ClassicEnvelope } from "../protocol/classic.ts";
import type { Clock } from "../protocol/clock.ts";
import { badOption } from "../protocol/options.ts";
import { pskOf } from "../protocol/session_keys.ts";

/** The two keys of a server, as one of the pairs that it accepts. */
export interface ServerKeys {
  /** Encrypts answers: 32 ASCII characters. */
  readonly encryptionKey: string;
  /** Decrypts requests: 32 ASCII characters. */
  readonly decryptionKey: string;
}

/** A pair of keys in use. */
export interface Generation {
  /** Counts up by one with each newer pair. */
  readonly number: number;
  /** Seals and opens classic tokens. */
  readonly envelope: ClassicEnvelope;
  /** The key of session handshakes. */
  readonly psk: Uint8Array;
}

/**
 * The pairs of keys that a server accepts. Peers move from an old pair to a
 * newer one in their own time; then the old one is withdrawn.
 */
export class KeyRing implements Disposable {
  #generations: readonly Generation[] = [];
  /** Kept to be freed at the end: answers may still be sealed with them. */
  #withdrawn: Generation[] = [];
  #last = 0;
  #clock: Clock;
  #maxAge: number;

  /**
   * `pairs` come newest first; `maxAge` is that of classic tokens, in ms.
   *
   * @throws {CypherError} `BAD_OPTION` if a key is not of its form.
   */
  constructor(
    pairs: readonly ServerKeys[],
    { clock, maxAge }: { clock: Clock; maxAge: number },
  ) {
    this.#clock = clock;
    this.#maxAge = maxAge;
    for (const pair of pairs.toReversed()) this.add(pair);
  }

  /** The pairs that are accepted, newest first. */
  get generations(): readonly Generation[] {
    return this.#generations;
  }

  /** Whether one key serves both directions in any of them. */
  get equalKeys(): boolean {
    return this.#generations.some(({ envelope }) => envelope.equalKeys);
  }

  /** Accepts a newer pair from now on; gives its number. */
  add(keys: ServerKeys): number {
    const psk = pskOf("server", keys);
    const envelope = new ClassicEnvelope({
      role: "server",
      ...keys,
      clock: this.#clock,
      maxAge: this.#maxAge,
    });
    const number = ++this.#last;
    this.#generations = [{ number, envelope, psk }, ...this.#generations];
    return number;
  }

  /**
   * Accepts a pair no longer.
   *
   * @throws {CypherError} `BAD_OPTION` if there is none of that number, or if
   * it is the only one.
   */
  withdraw(number: number): void {
    const withdrawn = this.#generations.find((one) => one.number === number);
    if (!withdrawn) {
      const numbers = this.#generations.map((one) => one.number).join(", ");
      throw badOption("generation", `one of ${numbers}`, number);
    }
    if (this.#generations.length === 1) {
      throw badOption("generation", "one of at least two", number);
    }
    this.#withdrawn.push(withdrawn);
    this.#generations = this.#generations.filter((one) => one !== withdrawn);
  }

  /** Frees every pair's ciphers. */
  [Symbol.dispose](): void {
    for (const { envelope } of [...this.#generations, ...this.#withdrawn]) {
      envelope[Symbol.dispose]();
    }
  }
}
