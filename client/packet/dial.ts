import { ConnTransport, type Transport } from "../../protocol/transport.ts";
import { dialFailed } from "../dial.ts";
import type { PacketClientSettings } from "./options.ts";

/**
 * Opens a connection within `connectTimeout`, unless `closing` aborts.
 *
 * @throws {CypherError} `CONNECT_FAILED`.
 */
export async function dialWithin(
  settings: PacketClientSettings,
  closing: AbortSignal,
): Promise<Transport> {
  const { clock, connectTimeout, dial, hostname, port, transmissionBuffer } =
    settings;
  const attempt = new AbortController();
  const abort = () => attempt.abort();
  closing.addEventListener("abort", abort);
  const timer = clock.setTimeout(abort, connectTimeout);
  try {
    const conn = await dial({ hostname, port }, attempt.signal);
    return new ConnTransport(conn, transmissionBuffer);
  } catch (cause) {
    const timeout = attempt.signal.aborted ? connectTimeout : undefined;
    throw dialFailed({ hostname, port }, cause, timeout);
  } finally {
    clock.clearTimeout(timer);
    closing.removeEventListener("abort", abort);
  }
}
