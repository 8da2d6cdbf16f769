/** A log of which the newest part may be held back. Oldest first. */
export interface Held<T> {
  readonly shown: readonly T[];
  readonly held: readonly T[];
  /** Whether some of what was held had to be dropped. */
  readonly dropped: boolean;
}

/** How many are kept in view. */
export const SHOWN = 2000;
/** How many can wait. */
export const HELD = 9999;

export const EMPTY: Held<never> = { shown: [], held: [], dropped: false };

/** Takes in what came: into view, or behind what is held already. */
export function take<T>(
  log: Held<T>,
  came: readonly T[],
  holding: boolean,
): Held<T> {
  if (came.length === 0) return log;
  if (!holding && log.held.length === 0) {
    return { ...log, shown: [...log.shown, ...came].slice(-SHOWN) };
  }
  const held = [...log.held, ...came];
  return {
    shown: log.shown,
    held: held.slice(-HELD),
    dropped: log.dropped || held.length > HELD,
  };
}

/** Shows what was held. */
export function release<T>(log: Held<T>): Held<T> {
  if (log.held.length === 0) return log;
  return {
    shown: [...log.shown, ...log.held].slice(-SHOWN),
    held: [],
    dropped: false,
  };
}

/** `23`, or `9,999+` once some were dropped. */
export const heldCount = (n: number, dropped: boolean): string =>
  dropped ? "9,999+" : n.toLocaleString("en-US");
