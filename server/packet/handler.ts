import type { MaybePromise } from "../../protocol/envelope.ts";
import type { SessionId } from "../../protocol/packet/handshake.ts";
import type { Delivery } from "../../protocol/packet/sending.ts";

/** What a handler is told beside the message. */
export interface PacketContext {
  /** The peer's address and port. */
  readonly address: string;
  /** The id of the connection within the monitor. */
  readonly connection: string;
  /** The session's name. */
  readonly session: SessionId;
  /** Who the peer says it is, if it says so. */
  readonly clientId?: string | undefined;
  /** Aborts when the grace of a stop is over. */
  readonly signal: AbortSignal;
  /**
   * Sends a message to the peer; resolves once it is acknowledged.
   *
   * @throws {CypherError} As `PacketClient.send`.
   */
  send(
    message: Uint8Array | string,
    options?: { signal?: AbortSignal },
  ): Promise<Delivery>;
}

/**
 * Takes the messages of a connection, in their order, each after the one before
 * is done. They are acknowledged already: what it throws does not reach the
 * peer.
 */
export type PacketHandler = (
  message: Uint8Array,
  context: PacketContext,
) => MaybePromise<void>;

/** Which message `onHandlerError` is told about. */
export interface PacketHandlerErrorInfo {
  /** The peer's address and port. */
  readonly address: string;
  /** The id of the connection within the monitor. */
  readonly connection: string;
}
