import type { ConnectionInfo, Monitor } from "../server/monitor.ts";
import type { OfflineReason } from "../server/signals.ts";
import type { Collector } from "./collector.ts";
import type { ConnectionRow } from "./contract.ts";
import { sameRow } from "./rows.ts";

/** Rows of connections that came, left or failed, in one batch at most. */
const MOVED_ROWS = 2_000;
/** Rows that merely changed: about 130 KB of JSON. */
const CHANGED_ROWS = 500;
/** Up to this many connections are looked through for each batch. */
const FEW = 1_000;
/** More are looked through for one batch in so many. */
const EVERY = 4;

/**
 * Finds the rows that changed since they were last sent, by looking them
 * through: requests cost nothing for it, and it sees what no signal tells,
 * such as a request that has only begun. Exists while somebody watches.
 */
export class Changes {
  #monitor: Monitor;
  #collector: Collector;
  #seen = new Map<string, ConnectionInfo>();
  #moved = new Set<string>();
  #changed = new Set<string>();
  #turn = 0;

  /** Takes the present state as known: it is in the first snapshot. */
  constructor(monitor: Monitor, collector: Collector) {
    this.#monitor = monitor;
    this.#collector = collector;
    for (const info of monitor.connections()) this.#seen.set(info.id, info);
    collector.onMoved = (id) => this.#moved.add(id);
  }

  /** Stops looking. */
  close(): void {
    this.#collector.onMoved = undefined;
  }

  /**
   * The rows for a batch; those over the bounds wait for the next one, in the
   * order in which they changed.
   */
  take(now: number): ConnectionRow[] {
    if (this.#seen.size <= FEW || this.#turn++ % EVERY === 0) this.#look(now);
    const ids = new Set([
      ...takeFrom(this.#moved, MOVED_ROWS),
      ...takeFrom(this.#changed, CHANGED_ROWS),
    ]);
    return Array.from(ids, (id) => this.#collector.find(id))
      .filter((row) => row !== undefined);
  }

  #look(now: number): void {
    const missing = this.#seen;
    this.#seen = new Map();
    for (const info of this.#monitor.connections()) {
      const before = missing.get(info.id);
      missing.delete(info.id);
      this.#seen.set(info.id, info);
      if (info.state.kind === "closed") {
        this.#gone(info, info.state.reason, info.state.at);
      } else if (before === undefined) {
        this.#moved.add(info.id);
      } else if (!sameRow(before, info)) {
        this.#changed.add(info.id);
      }
    }
    // Whoever was online has told that it left. Of the others the monitor
    // does not say why they are gone: nearly always they hung up.
    for (const info of missing.values()) this.#gone(info, "peer-closed", now);
  }

  #gone(info: ConnectionInfo, reason: OfflineReason, at: number): void {
    if (this.#collector.left(info, reason, at)) this.#moved.add(info.id);
  }
}

/** Removes and returns the first `count` members. */
function takeFrom(set: Set<string>, count: number): string[] {
  const taken: string[] = [];
  for (const id of set) {
    if (taken.length >= count) break;
    taken.push(id);
    set.delete(id);
  }
  return taken;
}
