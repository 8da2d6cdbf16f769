import type { ConnectionRow } from "../../contract.ts";

/** Ids as the table shows them, in two groups. */
export interface Order {
  readonly live: readonly string[];
  readonly closed: readonly string[];
}

export const NO_ORDER: Order = { live: [], closed: [] };

type Rows = ReadonlyMap<string, ConnectionRow>;
type Test = (row: ConnectionRow) => boolean;
type Compare = (a: ConnectionRow, b: ConnectionRow) => number;

const isClosed = (row: ConnectionRow) => row.state.kind === "closed";

/** Sorts everything. `before` makes it quick: nearly sorted lists are. */
export function arrange(
  rows: Rows,
  matches: Test,
  compare: Compare,
  before: Order,
): Order {
  const known = new Set([...before.live, ...before.closed]);
  const live: ConnectionRow[] = [];
  const closed: ConnectionRow[] = [];
  const add = (row: ConnectionRow | undefined) => {
    if (row && matches(row)) (isClosed(row) ? closed : live).push(row);
  };
  for (const id of known) add(rows.get(id));
  for (const row of rows.values()) if (!known.has(row.id)) add(row);
  const ids = (list: ConnectionRow[]) => list.sort(compare).map((r) => r.id);
  return { live: ids(live), closed: ids(closed) };
}

/**
 * Puts those who came or left where they belong and leaves the others alone:
 * the list is true at once, and yet re-sorts no more than once a second.
 */
export function admit(
  order: Order,
  moved: ReadonlySet<string>,
  rows: Rows,
  matches: Test,
  compare: Compare,
): Order {
  const stay = (id: string) => !moved.has(id);
  const live = order.live.filter(stay);
  const closed = order.closed.filter(stay);
  for (const id of moved) {
    const row = rows.get(id);
    if (row && matches(row)) {
      insert(isClosed(row) ? closed : live, row, rows, compare);
    }
  }
  return { live, closed };
}

function insert(
  list: string[],
  row: ConnectionRow,
  rows: Rows,
  compare: Compare,
): void {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = rows.get(list[middle] ?? "");
    if (other && compare(other, row) < 0) low = middle + 1;
    else high = middle;
  }
  list.splice(low, 0, row.id);
}

/** Who waits while the order is frozen. */
export interface Waiting {
  readonly came: number;
  readonly gone: number;
}

export const NOBODY: Waiting = { came: 0, gone: 0 };

/** Counts those who came or left since the order was frozen. */
export function waiting(
  order: Order,
  moved: ReadonlySet<string>,
  rows: Rows,
  matches: Test,
): Waiting {
  if (moved.size === 0) return NOBODY;
  const live = new Set(order.live);
  const closed = new Set(order.closed);
  let came = 0;
  let gone = 0;
  for (const id of moved) {
    const row = rows.get(id);
    if (live.has(id)) {
      if (!row || isClosed(row)) gone++;
    } else if (row && !closed.has(id) && !isClosed(row) && matches(row)) {
      came++;
    }
  }
  return { came, gone };
}

/** `3 new, 1 gone`; empty when nobody waits. */
export function waitingText({ came, gone }: Waiting): string {
  return [came > 0 ? `${came} new` : "", gone > 0 ? `${gone} gone` : ""]
    .filter(Boolean).join(", ");
}
