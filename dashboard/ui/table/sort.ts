import type { ConnectionRow } from "../../contract.ts";
import { type ColumnKey, COLUMNS } from "./columns.ts";
import { standing, STANDINGS } from "./standing.ts";

/** By which column, and whether the largest comes first. */
export interface Sort {
  readonly key: ColumnKey;
  readonly descending: boolean;
}

export const DEFAULT_SORT: Sort = { key: "connected", descending: true };

type Key = number | string | null;

const COLLATOR = new Intl.Collator("en", { numeric: true });

/** What a column sorts by. Null is "unknown" and always comes last. */
function sortKey(
  row: ConnectionRow,
  key: ColumnKey,
  now: number,
): Key {
  const { state } = row;
  switch (key) {
    case "state":
      return (STANDINGS as readonly string[]).indexOf(standing(row, now));
    case "name":
      return row.name || null;
    case "address":
      return row.address;
    case "wire":
      return row.wire || null;
    case "connected":
      // The live by their start alone, so that time passing changes nothing.
      return state.kind === "closed" ? state.at - row.since : -row.since;
    case "idle":
      return -(state.kind === "closed" ? state.at : row.lastActivity);
    case "requests":
      return row.requests;
    case "failures":
      return row.failures;
    case "in":
      return row.bytesIn;
    case "out":
      return row.bytesOut;
    case "latency":
      return row.lastLatency;
    case "active":
      return row.inProgress;
    case "id":
      return row.id;
  }
}

function compareKeys(a: Key, b: Key, sign: number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * COLLATOR.compare(String(a), String(b));
}

/** Compares two rows; equal ones by age, then id, so that none ever swap. */
export function comparer(
  sort: Sort,
  now: number,
): (a: ConnectionRow, b: ConnectionRow) => number {
  const sign = sort.descending ? -1 : 1;
  return (a, b) =>
    compareKeys(
      sortKey(a, sort.key, now),
      sortKey(b, sort.key, now),
      sign,
    ) || a.since - b.since || COLLATOR.compare(a.id, b.id);
}

/** What a click on a column's head does: numbers start with the largest. */
export function nextSort(sort: Sort, key: ColumnKey): Sort {
  if (sort.key === key) return { key, descending: !sort.descending };
  const column = COLUMNS.find((one) => one.key === key);
  return { key, descending: column?.align === "right" || key === "idle" };
}
