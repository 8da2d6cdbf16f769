import { Buffer } from "node:buffer";
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from "node:crypto";
import { CypherError } from "./errors.ts";
import { type CipherState, NOISE_TAG } from "./noise_cipher.ts";
import { SymmetricState } from "./noise_symmetric.ts";

/** The largest Noise message in bytes (section 3). */
export const NOISE_MESSAGE = 65_535;

const POINT = 32;
/** What stands before the 32 bytes of an X25519 key in DER (RFC 8410). */
const PKCS8 = Uint8Array.fromHex("302e020100300506032b656e04220420");
const SPKI = Uint8Array.fromHex("302a300506032b656e032100");

/** How a {@linkcode NoiseHandshake} is made. */
export interface NoiseHandshakeOptions {
  /** The initiator writes first. */
  readonly role: "initiator" | "responder";
  /** What both ends must agree on without sending it. */
  readonly prologue: Uint8Array;
  /** A pre-shared key of 32 bytes: NNpsk0. Without one: NN. */
  readonly psk?: Uint8Array | undefined;
  /** A private X25519 key, for known answers only. Default: a random one. */
  readonly ephemeral?: Uint8Array | undefined;
}

/** The ciphers of one end, once a handshake is over. */
export interface NoiseChannel {
  /** Seals what this end sends. */
  readonly send: CipherState;
  /** Opens what this end receives. */
  readonly receive: CipherState;
}

/**
 * One end of `Noise_NN_25519_ChaChaPoly_SHA256` or, with a pre-shared key,
 * `Noise_NNpsk0_25519_ChaChaPoly_SHA256`:
 *
 * ```text
 * -> [psk], e
 * <- e, ee
 * ```
 *
 * It works on the thread, which takes about 0.1 ms an end; WebCrypto's X25519
 * takes longer and answers later. With a pre-shared key a first message from
 * somebody without it is refused before any X25519.
 *
 * Source: the Noise Protocol Framework, revision 34, sections 5.3, 7.4 and 9.
 */
export class NoiseHandshake {
  #initiator: boolean;
  #psk: Uint8Array | undefined;
  #symmetric: SymmetricState;
  #ephemeral: Uint8Array | undefined;
  #private: KeyObject | undefined;
  #remote: Uint8Array | undefined;
  #next: "write" | "read" | "split" | "over" = "over";

  /** Makes one end; nothing is computed that depends on the other yet. */
  constructor({ role, prologue, psk, ephemeral }: NoiseHandshakeOptions) {
    requireSize("psk", psk);
    requireSize("ephemeral", ephemeral);
    const pattern = psk ? "NNpsk0" : "NN";
    this.#symmetric = new SymmetricState(
      `Noise_${pattern}_25519_ChaChaPoly_SHA256`,
    );
    this.#symmetric.mixHash(prologue);
    this.#initiator = role === "initiator";
    this.#psk = psk;
    this.#ephemeral = ephemeral;
    this.#next = this.#initiator ? "write" : "read";
  }

  /** The hash that tells this handshake from every other (section 11.2). */
  get hash(): Uint8Array {
    return this.#symmetric.hash;
  }

  /**
   * Makes this end's message with `payload` in it.
   *
   * In the first message the payload is replayable, and readable by whoever
   * gets the pre-shared key later; without one, by everybody.
   *
   * @throws {CypherError} `TOO_LARGE` if it would be over 65,535 bytes,
   * `BAD_TOKEN` if it is not this end's turn, or the other end's key is a
   * point of low order; the handshake has failed then.
   */
  writeMessage(payload: Uint8Array): Uint8Array<ArrayBuffer> {
    if (POINT + payload.length + NOISE_TAG > NOISE_MESSAGE) {
      throw new CypherError(
        "TOO_LARGE",
        `Cannot make the handshake message: its payload may have ${
          NOISE_MESSAGE - NOISE_TAG - POINT
        } bytes, got ${payload.length}`,
      );
    }
    this.#take("write");
    const first = this.#initiator;
    if (first) this.#mixPsk();
    const point = this.#makeEphemeral();
    this.#mixPoint(point);
    if (!first) this.#mixShared();
    const sealed = this.#symmetric.encryptAndHash(payload);
    const message = new Uint8Array(POINT + sealed.length);
    message.set(point);
    message.set(sealed, POINT);
    this.#next = first ? "read" : "split";
    return message;
  }

  /**
   * Reads the other end's message and returns its payload.
   *
   * @throws {CypherError} `BAD_TOKEN` if it is not authentic, out of turn, or
   * its key is a point of low order; the handshake has failed then.
   */
  readMessage(message: Uint8Array): Uint8Array {
    this.#take("read");
    const first = !this.#initiator;
    if (message.length < POINT || message.length > NOISE_MESSAGE) {
      throw failed("a message is too short or too long");
    }
    if (first) this.#mixPsk();
    this.#remote = message.slice(0, POINT);
    this.#mixPoint(this.#remote);
    if (!first) this.#mixShared();
    const payload = this.#symmetric.decryptAndHash(message.subarray(POINT));
    this.#next = first ? "write" : "split";
    return payload;
  }

  /**
   * Ends the handshake and hands out its ciphers, once.
   *
   * @throws {CypherError} `BAD_TOKEN` if it has not succeeded.
   */
  split(): NoiseChannel {
    this.#take("split");
    const [first, second] = this.#symmetric.split();
    return this.#initiator
      ? { send: first, receive: second }
      : { send: second, receive: first };
  }

  /** Takes the next step. Should it throw, there is no further one. */
  #take(step: "write" | "read" | "split"): void {
    const next = this.#next;
    this.#next = "over";
    if (next !== step) {
      throw failed(
        next === "over"
          ? "it is over, or failed before"
          : `the next step is to ${next}, not to ${step}`,
      );
    }
  }

  #mixPsk(): void {
    if (this.#psk) this.#symmetric.mixKeyAndHash(this.#psk);
  }

  /** The token `e`; with a pre-shared key its point is a key too (9.2). */
  #mixPoint(point: Uint8Array): void {
    this.#symmetric.mixHash(point);
    if (this.#psk) this.#symmetric.mixKey(point);
  }

  /** The token `ee`. */
  #mixShared(): void {
    let shared: Uint8Array;
    try {
      shared = diffieHellman({
        privateKey: this.#private!,
        publicKey: createPublicKey({
          key: Buffer.concat([SPKI, this.#remote!]),
          format: "der",
          type: "spki",
        }),
      });
    } catch {
      // OpenSSL refuses the all-zero result (RFC 7748, section 6.1).
      throw failed("the other end's key is a point of low order");
    }
    this.#private = undefined;
    this.#symmetric.mixKey(shared);
    shared.fill(0);
  }

  /** Makes this end's key pair as late as possible; returns the public one. */
  #makeEphemeral(): Uint8Array {
    const secret = this.#ephemeral ??
      crypto.getRandomValues(new Uint8Array(POINT));
    this.#private = createPrivateKey({
      key: Buffer.concat([PKCS8, secret]),
      format: "der",
      type: "pkcs8",
    });
    const spki = createPublicKey(this.#private).export({
      format: "der",
      type: "spki",
    });
    return new Uint8Array(spki.subarray(SPKI.length));
  }
}

function requireSize(name: string, bytes: Uint8Array | undefined): void {
  if (bytes === undefined || bytes.length === POINT) return;
  throw new CypherError(
    "BAD_OPTION",
    `Cannot start a handshake: its ${name} must have ${POINT} bytes, got ${bytes.length}`,
  );
}

function failed(problem: string): CypherError {
  return new CypherError("BAD_TOKEN", `The handshake failed: ${problem}`);
}
