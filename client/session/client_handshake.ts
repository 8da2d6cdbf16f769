import { CypherError } from "../../protocol/errors.ts";
import {
  type NoiseChannel,
  NoiseHandshake,
  PREFACE,
} from "../../protocol/noise.ts";
import {
  type ClientOffer,
  readRefusal,
  readServerOffer,
  type ServerOffer,
  writeClientOffer,
} from "../../protocol/offers.ts";
import { SPEAKS_TLS } from "../client_wire.ts";

const LENGTH = 2;
/** The largest second message; its payload has 500 bytes at most. */
const SECOND_MESSAGE = 1_024;
/** How a TLS server begins to tell a plaintext client off (RFC 8446, 5.1). */
const TLS_ALERT = 0x1503;

/** What a handshake has come to. */
export type HandshakeStep =
  | { readonly kind: "more" }
  | { readonly kind: "refused"; readonly error: CypherError }
  | {
    readonly kind: "accepted";
    readonly offer: ServerOffer;
    readonly channel: NoiseChannel;
    /** What came after the server's message. */
    readonly rest: Uint8Array;
  };

/** The client's half of the handshake, fed bytes. */
export class ClientHandshake {
  /** What to send first. */
  readonly first: Uint8Array;
  #noise: NoiseHandshake;
  #bytes = new Uint8Array(0);

  constructor(psk: Uint8Array, offer: ClientOffer) {
    this.#noise = new NoiseHandshake({
      role: "initiator",
      prologue: PREFACE,
      psk,
    });
    const message = this.#noise.writeMessage(writeClientOffer(offer));
    this.first = new Uint8Array(PREFACE.length + LENGTH + message.length);
    this.first.set(PREFACE);
    this.first[PREFACE.length] = message.length >> 8;
    this.first[PREFACE.length + 1] = message.length & 0xff;
    this.first.set(message, PREFACE.length + LENGTH);
  }

  /**
   * Takes what has come.
   *
   * @throws {CypherError} If the server's message is not authentic, or not in
   * its form.
   */
  push(chunk: Uint8Array): HandshakeStep {
    const bytes = new Uint8Array(this.#bytes.length + chunk.length);
    bytes.set(this.#bytes);
    bytes.set(chunk, this.#bytes.length);
    this.#bytes = bytes;
    if (bytes.length < LENGTH + 1) return { kind: "more" };
    const length = bytes[0]! << 8 | bytes[1]!;
    if (length === 0) return { kind: "refused", error: refusal(bytes[2]!) };
    if (length === TLS_ALERT) throw tlsOnly();
    if (length > SECOND_MESSAGE) throw mismatch();
    if (bytes.length < LENGTH + length) return { kind: "more" };
    const message = bytes.subarray(LENGTH, LENGTH + length);
    return {
      kind: "accepted",
      offer: readServerOffer(this.#noise.readMessage(message)),
      channel: this.#noise.split(),
      rest: bytes.subarray(LENGTH + length),
    };
  }
}

/** The error for a server that speaks something else. */
function mismatch(): CypherError {
  return new CypherError(
    "WIRE_MISMATCH",
    "The server does not speak the session wire; is it a Python server? Then " +
      'make the client with wire: "classic"',
  );
}

/** The error for a server that closes the connection without a word. */
export function hungUp(): CypherError {
  return new CypherError(
    "WIRE_MISMATCH",
    "The server hung up instead of shaking hands. Is it a Python server? Then " +
      'make the client with wire: "classic". Were the keys wrong before? Then ' +
      "it refuses this address for a while, its limits.banTime. Or it is full, " +
      "its limits.connections and limits.connectionsPerAddress",
  );
}

function tlsOnly(): CypherError {
  return new CypherError("WIRE_MISMATCH", SPEAKS_TLS);
}

function refusal(byte: number): CypherError {
  switch (readRefusal(byte)) {
    case "key":
      return new CypherError(
        "UNAUTHORIZED",
        "The server does not accept the keys: its decryptionKey must be the " +
          "encryptionKey here, and the other way round",
      );
    case "busy":
      return new CypherError("REFUSED", "The server is busy");
    case "draining":
      return new CypherError("REFUSED", "The server is stopping");
    default:
      return mismatch();
  }
}
