import { CypherError } from "../../protocol/errors.ts";

/**
 * A promise's result, unless the signal aborts before that.
 *
 * @throws {CypherError} `ABORTED`.
 */
export async function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (!signal) return await promise;
  const { promise: abortion, reject } = Promise.withResolvers<never>();
  const abort = () => reject(aborted(signal));
  signal.addEventListener("abort", abort);
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, abortion]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** What an aborted command is rejected with. */
export function aborted(signal: AbortSignal): CypherError {
  return new CypherError("ABORTED", "The command was aborted", {
    cause: signal.reason,
  });
}
