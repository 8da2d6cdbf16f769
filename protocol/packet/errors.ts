import { CypherError, type CypherErrorCode } from "../errors.ts";

/**
 * What a packet peer can say about a failure (spec: Data, error codes):
 *
 * | code | meaning | what follows |
 * |---|---|---|
 * | `CHECKSUM` | a packet's payload was damaged on its way | it is sent again |
 * | `TOO_LARGE` | a packet or a message is over the limit | the connection ends |
 * | `BAD_TYPE` | a packet of no known type, or not as agreed | the connection ends |
 * | `BAD_HANDSHAKE` | the handshake is not as it must be | the connection ends |
 * | `UNKNOWN_SESSION` | the ACK names another session | the connection ends |
 * | `RETRANSMISSIONS_EXCEEDED` | a packet was never acknowledged | the connection ends |
 */
export type PacketErrorCode =
  | "CHECKSUM"
  | "TOO_LARGE"
  | "BAD_TYPE"
  | "BAD_HANDSHAKE"
  | "UNKNOWN_SESSION"
  | "RETRANSMISSIONS_EXCEEDED";

/** The library's word for each of the wire's. */
const CODES: Readonly<Record<PacketErrorCode, CypherErrorCode>> = {
  CHECKSUM: "BAD_MESSAGE",
  TOO_LARGE: "TOO_LARGE",
  BAD_TYPE: "BAD_MESSAGE",
  BAD_HANDSHAKE: "BAD_MESSAGE",
  UNKNOWN_SESSION: "BAD_MESSAGE",
  RETRANSMISSIONS_EXCEEDED: "NO_ANSWER",
};

/**
 * A failure that the packet protocol has a code for. `reason` is that code;
 * `code` is the library's: `BAD_MESSAGE`, `TOO_LARGE` or `NO_ANSWER`.
 *
 * @example
 * ```ts
 * import { PacketError } from "@cypher/protocol/packet";
 *
 * const error = new PacketError("CHECKSUM", "The payload was damaged");
 * console.log(error.reason, error.code); // CHECKSUM BAD_MESSAGE
 * ```
 */
export class PacketError extends CypherError {
  /** The error class's name, `"PacketError"`. */
  override name = "PacketError";
  /** What went wrong, in the protocol's word. */
  readonly reason: PacketErrorCode;

  /** Makes an error; `options.cause` is the error behind this one. */
  constructor(
    reason: PacketErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(CODES[reason], message, options);
    this.reason = reason;
  }
}

/** Whether a peer's word is one of the protocol's error codes. */
export function isPacketErrorCode(word: unknown): word is PacketErrorCode {
  return typeof word === "string" && Object.hasOwn(CODES, word);
}
