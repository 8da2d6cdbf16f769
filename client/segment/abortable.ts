import { aborted } from "./errors.ts";

/**
 * Waits for a promise, or until `signal` aborts. The promise goes on without
 * whoever waited.
 *
 * @throws {CypherError} `ABORTED` once `signal` aborts.
 */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await promise;
  if (signal.aborted) throw aborted(signal);
  const { promise: abortion, reject } = Promise.withResolvers<never>();
  const abort = () => reject(aborted(signal));
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([promise, abortion]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
