import { addressOf } from "../protocol/address.ts";
import { CypherError } from "../protocol/errors.ts";
import type { Conn } from "../protocol/transport.ts";
import { DialFailure } from "./dial_failure.ts";

/**
 * Opens a connection; rejects when it cannot, or when `signal` aborts: with a
 * {@linkcode CypherError} if somebody is there, but not whom we look for.
 */
export type Dial = (
  target: { hostname: string; port: number },
  signal: AbortSignal,
) => Promise<Conn>;

/**
 * Dials TCP, with Nagle's algorithm off, and with keep-alive probes: they are
 * what finds a dead peer while nothing is asked of it.
 */
export const dialTcp: Dial = async (target, signal) => {
  const conn = await connect(target, signal);
  conn.setNoDelay(true);
  conn.setKeepAlive(true);
  return conn;
};

/** The error for a dial that failed, after `timeout` ms if that is why. */
export function dialFailed(
  target: { hostname: string; port: number },
  cause: unknown,
  timeout?: number,
): CypherError {
  const { why } = new DialFailure(cause, timeout);
  return new CypherError(
    "CONNECT_FAILED",
    `Cannot connect to ${addressOf(target)}: ${why}`,
    { cause },
  );
}

/**
 * `Deno.connect`, which throws a connection away unclosed when the signal
 * aborts between its coming up and the promise settling (seen in 2.9.6). So it
 * gets a signal that can stop the attempt and does not throw afterwards.
 */
async function connect(
  target: { hostname: string; port: number },
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  signal.throwIfAborted();
  const attempt = new AbortController();
  attempt.signal.throwIfAborted = () => {};
  const abort = () => attempt.abort(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    const conn = await Deno.connect({ ...target, signal: attempt.signal });
    if (!signal.aborted) return conn;
    conn.close();
    throw signal.reason;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
