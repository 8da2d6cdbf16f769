import type { RequestSignal, Signal } from "../server/signals.ts";
import type { Collector } from "./collector.ts";

/**
 * Signals of either sort in one event at most, about 100 KB; further ones wait
 * for the next batch. Small enough to get through where longer ones are cut.
 */
const EVENT_SIGNALS = 500;
/** `request` signals that may wait; over it the oldest are left out. */
const WAITING_REQUESTS = 2_000;

/** The signals of one event. */
export interface Cut {
  /** The number of the last signal it includes. */
  readonly id: number;
  /** Oldest first. */
  readonly signals: readonly Signal[];
  /** How many `request` signals were left out. */
  readonly skipped: number;
}

/** Which signals to take. */
export interface CutOptions {
  /** The number of the last signal that its client has. */
  readonly cursor: number;
  /** The monitor's last signal. */
  readonly last: number;
  /** Whether to take `request` signals. */
  readonly withRequests: boolean;
}

/**
 * The signals after `cursor`. Null if some of them are not known any more,
 * `request` ones aside: there are too many of those to promise any.
 */
export function cut(
  { ring, requests }: Collector,
  { cursor, last, withRequests }: CutOptions,
): Cut | null {
  if (cursor < ring.lost || cursor > last) return null;
  const limit = EVENT_SIGNALS;
  let others = ring.after(cursor, limit);
  // A full cut ends at its last signal: what comes after it comes next time.
  let id = others.length === limit ? others.at(-1)!.id : last;
  if (!withRequests) return { id, signals: others, skipped: 0 };
  let taken: RequestSignal[] = requests.after(cursor)
    .filter((signal) => signal.id <= id);
  if (taken.length > limit) {
    if (taken.length <= WAITING_REQUESTS) {
      taken = taken.slice(0, limit);
      id = taken.at(-1)!.id;
      others = others.filter((signal) => signal.id <= id);
    } else {
      taken = taken.slice(-limit);
    }
  }
  // Ids have no gaps: what was neither taken nor of another kind was left out.
  const skipped = id - cursor - others.length - taken.length;
  const signals = [...others, ...taken].sort((a, b) => a.id - b.id);
  return { id, signals, skipped };
}
