import { Icon } from "../parts/icons.tsx";
import type { Column } from "./columns.ts";
import { sort } from "./query.ts";
import { nextSort } from "./sort.ts";

/**
 * The table's head. Its buttons are reached with the arrows, not with Tab:
 * the table is one stop.
 */
export function Head({ columns }: { readonly columns: readonly Column[] }) {
  const { key: by, descending } = sort.value;
  return (
    <div role="row" class="row head" aria-rowindex={1}>
      {columns.map(({ key, title, align }, i) => (
        <div
          key={key}
          role="columnheader"
          aria-colindex={i + 1}
          class={`cell-${key} ${align}`}
          aria-sort={by === key
            ? descending ? "descending" : "ascending"
            : undefined}
        >
          <button
            type="button"
            tabIndex={-1}
            class={by === key ? "sorted" : undefined}
            onClick={() => sort.value = nextSort(sort.peek(), key)}
          >
            {by === key && <Icon name={descending ? "sortDown" : "sortUp"} />}
            {title}
          </button>
        </div>
      ))}
    </div>
  );
}
