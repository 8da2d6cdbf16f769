import { addressOf } from "../protocol/address.ts";
import { CypherError } from "../protocol/errors.ts";
import type { Conn } from "../protocol/transport.ts";

/** A connection that was accepted. */
export type AcceptedConn = Conn & {
  readonly remoteAddr: Deno.Addr;
  /** Switches Nagle's algorithm off; `Deno.TlsConn` cannot. */
  setNoDelay?(noDelay: boolean): void;
  /**
   * Resolves once what is below the wire, such as TLS, has begun. `held` is told
   * how many bytes are kept for the peer until then.
   */
  handshake?(held: (bytes: number) => void): Promise<unknown>;
};

/** What of a `Deno.Listener` is used. */
export interface Listener {
  /** Where it listens. */
  readonly addr: Deno.Addr;
  /** Resolves to the next connection; rejects once closed. */
  accept(): Promise<AcceptedConn>;
  /** Accepts no more. */
  close(): void;
}

/** Opens a listener; throws when the address is taken or not ours. */
export type Listen = (
  address: { hostname: string; port: number },
) => Listener;

/** Listens on TCP; with `reusePort` besides others that do so on that port. */
export function listenTcp(reusePort = false): Listen {
  return (address) => listenAt(address, reusePort);
}

/** Listens at one address. */
export function listenAt(
  address: { hostname: string; port: number },
  reusePort: boolean,
): Deno.TcpListener {
  return Deno.listen({ ...address, ...(reusePort && { reusePort }) });
}

/**
 * Makes sure that nobody listens at an address.
 *
 * @throws {CypherError} `LISTEN_FAILED` if it is taken or not ours.
 */
export function requireFree(hostname: string, port: number): void {
  try {
    listenTcp()({ hostname, port }).close();
  } catch (cause) {
    throw listenFailed(hostname, port, cause);
  }
}

/** The error for an address that cannot be listened on. */
export function listenFailed(
  hostname: string,
  port: number,
  cause: unknown,
): CypherError {
  return new CypherError(
    "LISTEN_FAILED",
    `Cannot listen on ${addressOf({ hostname, port })}: ${reasonOf(cause)}`,
    { cause },
  );
}

function reasonOf(cause: unknown): string {
  if (cause instanceof Deno.errors.AddrInUse) {
    return "the port is taken: choose another, or 0 for a free one";
  }
  if (cause instanceof Deno.errors.AddrNotAvailable) {
    return "the address is not one of this machine";
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return "ports below 1,024 need privileges";
  }
  if (cause instanceof Deno.errors.NotCapable) {
    return "run with --allow-net";
  }
  return cause instanceof Error ? cause.message : String(cause);
}
