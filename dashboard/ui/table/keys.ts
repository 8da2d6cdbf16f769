import type { RefObject } from "preact";
import { reveal } from "../parts/reveal.ts";
import type { Viewport } from "../parts/viewport.ts";
import { singleKeys } from "../state/keys.ts";
import { rows } from "../state/store.ts";
import { disconnecting, openDrawer, subject } from "../state/view.ts";
import { active, atHead } from "./active.ts";
import { order } from "./arranged.ts";
import { type Geometry, idAt, indexOf, rowCount, rowTop } from "./geometry.ts";
import { move } from "./moves.ts";

/** The table's keys: rows up and down, the head above them, open, disconnect. */
export function useGridKeys(
  box: RefObject<HTMLElement | null>,
  body: RefObject<HTMLElement | null>,
  at: Geometry,
  view: Viewport,
): (event: KeyboardEvent) => void {
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.length === 1 && !singleKeys.peek()) return;
    if (inHead(event.target) && headKey(event, box)) return;
    const from = active.peek() === null
      ? -1
      : indexOf(order.peek(), active.peek() ?? "");
    const page = Math.max(1, Math.floor(view.height / at.row) - 2);
    const to = move(event.key, from, rowCount(at), page);
    if (to !== null) {
      event.preventDefault();
      event.stopPropagation();
      if (to < 0) return enterHead(box);
      atHead.value = false;
      box.current?.focus({ preventScroll: true });
      const id = idAt(order.peek(), to);
      if (id === undefined) return;
      active.value = id;
      // The open drawer follows the arrows.
      if (subject.peek() !== null) subject.value = id;
      return reveal(box.current, body.current, rowTop(at, to), at.row);
    }
    const id = active.peek();
    if (id === null || inHead(event.target)) return;
    if (event.key === "Enter") {
      event.preventDefault();
      openDrawer(id);
    } else if (event.key === "Delete") {
      event.preventDefault();
      if (rows.get(id)?.state.kind !== "closed") disconnecting.value = id;
    }
  };
}

const inHead = (target: EventTarget | null): target is HTMLElement =>
  target instanceof HTMLElement && target.closest(".head") !== null;

const buttons = (box: RefObject<HTMLElement | null>) =>
  Array.from(box.current?.querySelectorAll<HTMLElement>(".head button") ?? []);

function enterHead(box: RefObject<HTMLElement | null>): void {
  const all = buttons(box);
  const sorted = all.find((button) => button.classList.contains("sorted"));
  const button = sorted ?? all[0];
  if (!button) return;
  atHead.value = true;
  button.focus();
}

function headKey(
  event: KeyboardEvent,
  box: RefObject<HTMLElement | null>,
): boolean {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step === undefined) {
    // From the head every way leads down to the first row.
    if (event.key === "ArrowDown" || event.key === "j") active.value = null;
    return event.key === "ArrowUp" || event.key === "k";
  }
  const all = buttons(box);
  const here = all.indexOf(event.target as HTMLElement);
  all[here + step]?.focus();
  event.preventDefault();
  return true;
}
