import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Viewport } from "../parts/viewport.ts";
import { phone } from "../state/layout.ts";
import { order } from "./arranged.ts";
import { type Geometry, idAt, indexOf, rowAt, rowTop } from "./geometry.ts";
import type { Order } from "./order.ts";

/**
 * Rows inserted above must not shift what is in view: when the order changes,
 * the first visible row that is still there keeps its place on the screen.
 */
export function useAnchor(
  box: RefObject<HTMLElement | null>,
  view: Viewport,
  at: Geometry,
): void {
  const before = useRef<{ order: Order; at: Geometry; top: number } | null>(
    null,
  );
  const next = order.value;
  useLayoutEffect(() => {
    const was = before.current;
    before.current = { order: next, at, top: view.top };
    // At the very top the newest are meant to be seen.
    if (!was || was.order === next || view.top <= 0) return;
    const shift = shiftOf(was.order, was.at, next, at, view.top);
    if (shift === 0) return;
    if (phone.peek()) scrollBy(0, shift);
    else if (box.current) box.current.scrollTop += shift;
  });
}

/** How far the first visible row that is still there has moved, in px. */
function shiftOf(
  was: Order,
  wasAt: Geometry,
  next: Order,
  at: Geometry,
  top: number,
): number {
  const first = rowAt(wasAt, top);
  for (let i = first; i < first + 40; i++) {
    const id = idAt(was, i);
    if (id === undefined) return 0;
    const index = indexOf(next, id);
    if (index >= 0) return rowTop(at, index) - rowTop(wasAt, i);
  }
  return 0;
}
