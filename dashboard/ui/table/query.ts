import { computed, effect, signal } from "@preact/signals";
import { layout } from "../state/layout.ts";
import { stored } from "../state/prefs.ts";
import { type ColumnKey, COLUMNS, DEFAULT_COLUMNS, fit } from "./columns.ts";
import { type Filter, NO_FILTER } from "./filter.ts";
import { formatHash, parseHash } from "./hash.ts";
import type { Sort } from "./sort.ts";

const initial = parseHash(location.hash);

export const filter = signal<Filter>(initial.filter);
export const sort = signal<Sort>(initial.sort);

/** Changes a part of the filter. */
export function narrow(part: Partial<Filter>): void {
  filter.value = { ...filter.peek(), ...part };
}

/** Shows everything again. */
export function clearFilter(): void {
  filter.value = NO_FILTER;
}

/** Keeps filter and order in the URL, and follows it back. */
export function startQuery(): void {
  effect(() => {
    const hash = formatHash({ filter: filter.value, sort: sort.value });
    if (hash === location.hash.slice(1)) return;
    // Not a new entry in the history: Back leaves the page, not a keystroke.
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname);
  });
  addEventListener("hashchange", () => {
    const query = parseHash(location.hash);
    filter.value = query.filter;
    sort.value = query.sort;
  });
}

/** Which columns the user wants. */
export const chosen = stored<readonly ColumnKey[]>(
  "columns",
  DEFAULT_COLUMNS,
  (value) =>
    Array.isArray(value)
      ? COLUMNS.map(({ key }) => key).filter((key) => value.includes(key))
      : null,
);

/** How wide the table is, in rem. */
export const room = signal(62.5);

/** Which columns show. */
export const columns = computed(() =>
  fit(chosen.value, room.value, layout.value === "narrow")
);
