import type { ConnectionRow } from "../../contract.ts";
import { now } from "../state/clock.ts";
import { peer } from "../format/text.ts";
import type { Column } from "./columns.ts";
import { Address, CELLS, IdleCell, Name, State, Wire } from "./cells.tsx";
import { standing } from "./standing.ts";

/** What a row is told; everything else it reads from the row itself. */
export interface RowProps {
  readonly row: ConnectionRow;
  /** Its place in the grid, from 1; the head is 1. */
  readonly index: number;
  /** Its distance from the list's top, in px. */
  readonly top: number;
  readonly active: boolean;
  readonly selected: boolean;
}

const classes = ({ row, active, selected }: RowProps) =>
  [
    "row",
    row.state.kind === "closed" && "row-closed",
    active && "row-active",
    selected && "row-selected",
  ].filter(Boolean).join(" ");

const frame = (props: RowProps) => ({
  role: "row" as const,
  id: `row-${props.row.id}`,
  class: classes(props),
  "data-id": props.row.id,
  "aria-rowindex": props.index,
  "aria-selected": props.selected,
  style: { transform: `translateY(${props.top}px)` },
});

/** A line of the table. */
export function Row(props: RowProps & { readonly columns: readonly Column[] }) {
  const { row, columns } = props;
  const at = now.value;
  return (
    <div {...frame(props)}>
      {columns.map(({ key, align }, i) => (
        <div
          key={key}
          role="gridcell"
          aria-colindex={i + 1}
          class={`cell-${key} ${align}`}
        >
          {CELLS[key](row, at)}
        </div>
      ))}
    </div>
  );
}

/** The same on a phone: two lines. */
export function PhoneRow(props: RowProps) {
  const { row } = props;
  const at = now.value;
  const named = row.name !== undefined && row.name !== "";
  return (
    <div {...frame(props)}>
      <div role="gridcell" class="phone-name">
        <Name row={row} text={peer(row)} />
      </div>
      <div
        role="gridcell"
        class="phone-idle"
      >
        <IdleCell row={row} now={at} />
      </div>
      <div role="gridcell" class="phone-state">
        <State state={standing(row, at)} />
        <Wire wire={row.wire} />
      </div>
      <div role="gridcell" class="phone-address">
        {named && <Address address={row.address} />}
      </div>
    </div>
  );
}
