import type { Transport } from "../protocol/transport.ts";
import type { Link } from "./keeper.ts";
import type { PendingRequest } from "./pending.ts";

/** What to do about a server that answers with an alert of TLS. */
export const SPEAKS_TLS =
  "The server speaks TLS: make the client with the option tls";

/** A link as the client uses it. */
export interface ClientLink extends Link {
  /** Sends what may be sent now. */
  send(): void;
}

/** What differs between the wires, on the client's side. */
export interface ClientWire extends Disposable {
  /**
   * Refuses a request that is too large.
   *
   * @throws {CypherError} `TOO_LARGE`.
   */
  checkSize(plain: string): void;
  /** Speaks the wire on a connection. */
  link(transport: Transport): ClientLink;
  /** A request waits to be sent. */
  added(request: PendingRequest): void;
  /** A request has ended before its answer came. */
  ended(request: PendingRequest): void;
}
