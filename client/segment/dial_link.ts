import { ConnTransport, type Transport } from "../../protocol/transport.ts";
import { dialFailed } from "../dial.ts";
import { closed } from "./errors.ts";
import { SegmentLink } from "./link.ts";
import type { SegmentClientSettings } from "./options.ts";
import type { SegmentClientStep } from "./signals.ts";

/**
 * Dials and takes the connection through its handshake. `signal` aborts when
 * the client is closed.
 *
 * @throws {CypherError} `CONNECT_FAILED`, `CLOSED`.
 */
export async function dialLink(
  settings: SegmentClientSettings,
  signal: AbortSignal,
  tell: (step: SegmentClientStep) => void,
): Promise<SegmentLink> {
  const transport = await dial(settings, signal);
  const link = new SegmentLink(transport, settings, tell);
  const close = () => link.close("closed");
  signal.addEventListener("abort", close);
  if (signal.aborted) close();
  try {
    await link.opened;
    return link;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

async function dial(
  { clock, connectTimeout, dial, hostname, port, bufferSize }:
    SegmentClientSettings,
  signal: AbortSignal,
): Promise<Transport> {
  const attempt = new AbortController();
  const abort = () => attempt.abort();
  const timer = clock.setTimeout(abort, connectTimeout);
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  try {
    const conn = await dial({ hostname, port }, attempt.signal);
    // A message is written as a whole: its end is where its bytes end.
    return new ConnTransport(conn, bufferSize);
  } catch (cause) {
    if (signal.aborted) throw closed();
    const timeout = attempt.signal.aborted ? connectTimeout : undefined;
    throw dialFailed({ hostname, port }, cause, timeout);
  } finally {
    clock.clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
