/** How long to wait between dial attempts, in ms. */
export interface BackoffOptions {
  /** The most before the first retry. */
  readonly first: number;
  /** The most before any retry. */
  readonly max: number;
}

/**
 * The time to wait before dialling again: exponential backoff with full jitter,
 * so that the clients of a server that restarts come back spread out.
 *
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param failures How many attempts have failed in a row before this one.
 * @param random Gives a number from 0 up to 1.
 */
export function backoff(
  failures: number,
  { first, max }: BackoffOptions,
  random: () => number,
): number {
  return random() * Math.min(max, first * 2 ** failures);
}
