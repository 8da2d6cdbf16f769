import { COLUMNS } from "./columns.ts";
import type { Filter } from "./filter.ts";
import { DEFAULT_SORT, type Sort } from "./sort.ts";

/** What the URL's hash keeps. */
export interface Query {
  readonly filter: Filter;
  readonly sort: Sort;
}

const list = (text: string | null): readonly string[] =>
  text ? text.split(",").filter(Boolean) : [];

/** Reads the hash: `#q=press&state=online,idle&wire=session&sort=-latency`. */
export function parseHash(hash: string): Query {
  const params = new URLSearchParams(hash.replace(/^#/, ""));
  const [, minus, word] = /^(-?)(.*)$/.exec(params.get("sort") ?? "") ?? [];
  const column = COLUMNS.find(({ key }) => key === word);
  return {
    filter: {
      text: params.get("q") ?? "",
      states: list(params.get("state")),
      wires: list(params.get("wire")),
    },
    sort: column ? { key: column.key, descending: !!minus } : DEFAULT_SORT,
  };
}

/** The opposite; empty for a view without filter in the default order. */
export function formatHash({ filter, sort }: Query): string {
  const params = new URLSearchParams();
  if (filter.text) params.set("q", filter.text);
  if (filter.states.length) params.set("state", filter.states.join(","));
  if (filter.wires.length) params.set("wire", filter.wires.join(","));
  if (
    sort.key !== DEFAULT_SORT.key || sort.descending !== DEFAULT_SORT.descending
  ) params.set("sort", (sort.descending ? "-" : "") + sort.key);
  // A comma is legal in a fragment and reads better than %2C.
  return params.toString().replaceAll("%2C", ",");
}
