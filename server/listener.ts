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
