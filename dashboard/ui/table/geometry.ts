import type { Order } from "./order.ts";

/** Where rows stand: two groups of equal rows with a head between them. */
export interface Geometry {
  readonly row: number;
  readonly group: number;
  readonly live: number;
  readonly closed: number;
}

/** How many rows there are. */
export const rowCount = ({ live, closed }: Geometry): number => live + closed;

/** A row's distance from the top, in px. */
export const rowTop = (at: Geometry, index: number): number =>
  index * at.row + (index >= at.live ? at.group : 0);

/** The height of everything, in px. */
export const fullHeight = (at: Geometry): number =>
  rowCount(at) * at.row + (at.closed > 0 ? at.group : 0);

/** The row at a distance from the top, in px. */
export function rowAt(at: Geometry, top: number): number {
  const inLive = Math.floor(top / at.row);
  return inLive < at.live
    ? Math.max(0, inLive)
    : Math.max(at.live, Math.floor((top - at.group) / at.row));
}

/** The id at an index of both groups together. */
export const idAt = (order: Order, index: number): string | undefined =>
  index < order.live.length
    ? order.live[index]
    : order.closed[index - order.live.length];

/** The index of an id in both groups together, or -1. */
export function indexOf(order: Order, id: string): number {
  const live = order.live.indexOf(id);
  if (live >= 0) return live;
  const closed = order.closed.indexOf(id);
  return closed < 0 ? -1 : order.live.length + closed;
}
