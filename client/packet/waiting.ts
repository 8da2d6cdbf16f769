import { CypherError } from "../../protocol/errors.ts";

/**
 * Waits for a promise, unless `signal` aborts.
 *
 * @throws {CypherError} `ABORTED`, or what the promise rejects with.
 */
export async function unlessAborted(
  promise: Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (!signal) return await promise;
  const { promise: ended, reject } = Promise.withResolvers<void>();
  const abort = () => reject(connectingAborted(signal));
  signal.addEventListener("abort", abort);
  try {
    await Promise.race([promise, ended]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** What whoever stops waiting for a connection is told. */
export function connectingAborted(signal: AbortSignal): CypherError {
  return new CypherError("ABORTED", "Connecting was aborted", {
    cause: signal.reason,
  });
}
