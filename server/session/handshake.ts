import { CypherError } from "../../protocol/errors.ts";
import {
  FIRST_MESSAGE,
  type NoiseChannel,
  NoiseHandshake,
  PREFACE,
} from "../../protocol/noise.ts";
import {
  type ClientOffer,
  readClientOffer,
  type Refusal,
  type ServerOffer,
  writeServerOffer,
} from "../../protocol/offers.ts";

import type { KeyRing } from "../key_ring.ts";

const LENGTH = 2;

/** What a handshake has come to. */
export type HandshakeStep =
  /** More bytes are needed. */
  | { readonly kind: "more" }
  /** It is not to be. */
  | { readonly kind: "refused"; readonly refusal: Refusal; message: string }
  /** The client's message is read; {@linkcode accept} answers it. */
  | {
    readonly kind: "offered";
    readonly offer: ClientOffer;
    /** What came after the client's message. */
    readonly rest: Uint8Array;
    /** Which of the keys it was made with. */
    readonly generation: number;
    /** Makes the answer, and the channel that it opens. */
    accept(offer: ServerOffer): { answer: Uint8Array; channel: NoiseChannel };
  };

/**
 * The server's half of the handshake, fed bytes. It keeps at most a preface, a
 * length and the largest first message.
 */
export class ServerHandshake {
  #keys: Pick<KeyRing, "generations">;
  #bytes = new Uint8Array(0);

  /** `keys` are asked once the message is there: they may change until then. */
  constructor(keys: Pick<KeyRing, "generations">) {
    this.#keys = keys;
  }

  /** How many bytes are held. */
  get held(): number {
    return this.#bytes.length;
  }

  /** Takes what has come. */
  push(chunk: Uint8Array): HandshakeStep {
    const bytes = new Uint8Array(this.#bytes.length + chunk.length);
    bytes.set(this.#bytes);
    bytes.set(chunk, this.#bytes.length);
    this.#bytes = bytes;
    const preface = bytes.subarray(0, PREFACE.length);
    if (preface.some((byte, i) => byte !== PREFACE[i])) {
      return refused("version", "The preface is not that of this version");
    }
    const start = PREFACE.length + LENGTH;
    if (bytes.length < start) return { kind: "more" };
    const length = bytes[start - 2]! << 8 | bytes[start - 1]!;
    if (length > FIRST_MESSAGE) {
      return refused("version", "The first message is too long");
    }
    if (bytes.length < start + length) return { kind: "more" };
    return this.#read(
      bytes.subarray(start, start + length),
      bytes.subarray(start + length),
    );
  }

  #read(message: Uint8Array, rest: Uint8Array): HandshakeStep {
    for (const { number, psk } of this.#keys.generations) {
      const noise = new NoiseHandshake({
        role: "responder",
        prologue: PREFACE,
        psk,
      });
      let payload: Uint8Array;
      try {
        payload = noise.readMessage(message);
      } catch {
        continue;
      }
      return offered(noise, payload, rest, number);
    }
    return refused("key", "The peer does not have an accepted key");
  }
}

function offered(
  noise: NoiseHandshake,
  payload: Uint8Array,
  rest: Uint8Array,
  generation: number,
): HandshakeStep {
  let offer: ClientOffer;
  try {
    offer = readClientOffer(payload);
  } catch (error) {
    if (error instanceof CypherError) return refused("version", error.message);
    throw error;
  }
  return {
    kind: "offered",
    offer,
    rest,
    generation,
    accept(serverOffer) {
      const message = noise.writeMessage(writeServerOffer(serverOffer));
      const answer = new Uint8Array(LENGTH + message.length);
      answer[0] = message.length >> 8;
      answer[1] = message.length & 0xff;
      answer.set(message, LENGTH);
      return { answer, channel: noise.split() };
    },
  };
}

function refused(refusal: Refusal, message: string): HandshakeStep {
  return { kind: "refused", refusal, message };
}
