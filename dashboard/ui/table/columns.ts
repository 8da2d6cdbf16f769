/** The table's columns, by what they show. */
export type ColumnKey =
  | "state"
  | "name"
  | "address"
  | "wire"
  | "connected"
  | "idle"
  | "requests"
  | "failures"
  | "in"
  | "out"
  | "latency"
  | "active"
  | "id";

/** One column. */
export interface Column {
  readonly key: ColumnKey;
  readonly title: string;
  readonly align: "left" | "right";
  /** The narrowest it gets, in rem. */
  readonly width: number;
  /** The widest it gets, in rem; without it the width is fixed. */
  readonly most?: number;
  /** Its width beside the narrow frame, in rem. */
  readonly tight?: number;
  readonly locked?: true;
  readonly optional?: true;
  /** How early it gives way to the others: the lowest first; 0 for never. */
  readonly yields: number;
}

/** The gap between columns, in rem; the style sheet has the same. */
const GAP = 0.5;

export const COLUMNS: readonly Column[] = [
  col("state", "State", "left", 5.375, 0, { locked: true }),
  col("name", "Name", "left", 7.75, 0, {
    locked: true,
    most: Infinity,
  }),
  col("address", "Address", "left", 7.25, 9, { tight: 6, most: 9.5 }),
  col("wire", "Wire", "left", 4.5, 7),
  col("connected", "Connected", "right", 4.625, 4),
  col("idle", "Idle", "left", 8.25, 8, { tight: 7, most: 9.5 }),
  col("requests", "Requests", "right", 4.5, 6, { tight: 4 }),
  col("failures", "Failures", "right", 3.5, 3),
  col("in", "In", "right", 3.75, 2),
  col("out", "Out", "right", 3.75, 1),
  col("latency", "Latency", "right", 3.75, 5),
  col("active", "In progress", "right", 4.5, 3.5, { optional: true }),
  col("id", "Id", "right", 3.5, 2.5, { optional: true }),
];

function col(
  key: ColumnKey,
  title: string,
  align: Column["align"],
  width: number,
  yields: number,
  more: Pick<Column, "most" | "tight" | "locked" | "optional"> = {},
): Column {
  return { key, title, align, width, yields, ...more };
}

/** What shows until the user chooses. */
export const DEFAULT_COLUMNS: readonly ColumnKey[] = COLUMNS
  .filter((column) => !column.optional).map((column) => column.key);

const least = ({ width, tight = width }: Column, narrow: boolean) =>
  narrow ? tight : width;

/** The chosen columns for which `room` rem suffice, in the table's order. */
export function fit(
  chosen: readonly ColumnKey[],
  room: number,
  narrow = false,
): readonly Column[] {
  const wanted = COLUMNS.filter((column) =>
    column.locked || chosen.includes(column.key)
  );
  const weakestFirst = wanted.filter((column) => column.yields > 0)
    .sort((a, b) => a.yields - b.yields);
  let needed = GAP * (wanted.length - 1) +
    wanted.reduce((sum, column) => sum + least(column, narrow), 0);
  const gone = new Set<Column>();
  for (const column of weakestFirst) {
    if (needed <= room) break;
    gone.add(column);
    needed -= least(column, narrow) + GAP;
  }
  return wanted.filter((column) => !gone.has(column));
}

/** The grid's tracks; on a wall all columns share what is left over. */
export const tracks = (
  columns: readonly Column[],
  narrow: boolean,
  share: boolean,
): string =>
  columns.map((column) => {
    const { width, most } = column;
    if (share) return `minmax(${width}rem, ${width}fr)`;
    const from = least(column, narrow);
    if (most === Infinity) return `minmax(${from}rem, 1fr)`;
    return `minmax(${from}rem, ${most ?? width}rem)`;
  }).join(" ");
