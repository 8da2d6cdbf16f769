import type { ConnectionRow } from "../../contract.ts";
import { standing } from "./standing.ts";

/** What the user narrowed the list to. Empty lists and text match all. */
export interface Filter {
  readonly text: string;
  readonly states: readonly string[];
  readonly wires: readonly string[];
}

export const NO_FILTER: Filter = { text: "", states: [], wires: [] };

export const isFiltering = (filter: Filter): boolean =>
  filter.text.trim() !== "" || filter.states.length > 0 ||
  filter.wires.length > 0;

/** Makes the test for one look at the list. */
export function matcher(
  filter: Filter,
  now: number,
): (row: ConnectionRow) => boolean {
  const text = filter.text.trim().toLowerCase();
  const { states, wires } = filter;
  return (row) =>
    (states.length === 0 || states.includes(standing(row, now))) &&
    (wires.length === 0 || wires.includes(row.wire)) &&
    (text === "" || (row.name ?? "").toLowerCase().includes(text) ||
      row.address.toLowerCase().includes(text) || row.id.includes(text));
}

/** How many rows each chip stands for. */
export interface Counts {
  readonly all: number;
  readonly states: ReadonlyMap<string, number>;
  readonly wires: ReadonlyMap<string, number>;
}

/** Counts all rows, whatever the filter: a chip says what it would add. */
export function tally(rows: Iterable<ConnectionRow>, now: number): Counts {
  const states = new Map<string, number>();
  const wires = new Map<string, number>();
  let all = 0;
  for (const row of rows) {
    all++;
    const state = standing(row, now);
    states.set(state, (states.get(state) ?? 0) + 1);
    if (row.wire) wires.set(row.wire, (wires.get(row.wire) ?? 0) + 1);
  }
  return { all, states, wires };
}

/** Adds `value` to a list, or takes it out. */
export const toggled = (
  list: readonly string[],
  value: string,
): readonly string[] =>
  list.includes(value) ? list.filter((one) => one !== value) : [...list, value];
