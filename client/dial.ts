import type { Conn } from "../protocol/transport.ts";

/** Opens a connection; rejects when it cannot, or when `signal` aborts. */
export type Dial = (
  target: { hostname: string; port: number },
  signal: AbortSignal,
) => Promise<Conn>;

/**
 * Dials TCP, with Nagle's algorithm off, and with keep-alive probes: they are
 * what finds a dead peer while nothing is asked of it.
 */
export const dialTcp: Dial = async (target, signal) => {
  const conn = await Deno.connect({ ...target, signal });
  conn.setNoDelay(true);
  conn.setKeepAlive(true);
  return conn;
};
