import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { reveal } from "../parts/reveal.ts";
import { rowSpan } from "../parts/span.ts";
import { useViewport } from "../parts/viewport.ts";
import { phone, rem } from "../state/layout.ts";
import { singleKeys } from "../state/keys.ts";
import { server } from "../state/store.ts";
import { openDrawer } from "../state/view.ts";
import { move } from "../table/moves.ts";
import { SignalItem } from "./item.tsx";
import { hovering, scrolled, shown } from "./log.ts";

/** The signals, newest on top; only those in view exist. */
export function SignalList() {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const active = useSignal<number | null>(null);
  const all = shown.value;
  const height = 3.25 * rem.value;
  const view = useViewport(box, list, phone.value);
  const { from, to } = rowSpan(view.top, view.height, height, all.length);
  // Newest first: position 0 is the last of the list.
  const at = (position: number) => all[all.length - 1 - position];

  useLayoutEffect(() => {
    scrolled.value = view.top > height / 2;
  }, [view.top > height / 2]);
  useLayoutEffect(() => {
    if (active.value === null) return;
    list.current
      ?.querySelector<HTMLElement>(`[data-signal="${active.value}"] button`)
      ?.focus();
  }, [active.value]);

  // A list that is taken away gets no event that says so.
  useLayoutEffect(() => () => {
    hovering.value = false;
    scrolled.value = false;
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key.length === 1 && !singleKeys.peek()) return;
    const here = all.findIndex(({ id }) => id === active.peek());
    const position = here < 0 ? -1 : all.length - 1 - here;
    const page = Math.max(1, Math.floor(view.height / height) - 1);
    const next = move(event.key, position, all.length, page);
    if (next === null) return;
    event.preventDefault();
    event.stopPropagation();
    if (next < 0) return;
    active.value = at(next)?.id ?? null;
    reveal(box.current, list.current, next * height, height);
  };

  const items = [];
  for (let position = from; position < to; position++) {
    const signal = at(position);
    if (!signal) continue;
    items.push(
      <SignalItem
        key={signal.id}
        signal={signal}
        top={position * height}
        position={position + 1}
        size={all.length}
        open={openDrawer}
      />,
    );
  }
  return (
    <div
      ref={box}
      id="signals-log"
      class="scroller log"
      role="log"
      aria-live="off"
      aria-label="Signals, newest first"
      tabIndex={0}
      onKeyDown={onKeyDown}
      onFocusIn={(event) => {
        // Below an item with the focus nothing may move.
        if (event.target === box.current) return;
        hovering.value = true;
        // The arrows go on from where a closed drawer gives the focus back.
        const item = event.target instanceof Element &&
          event.target.closest("[data-signal]");
        if (item) active.value = Number(item.getAttribute("data-signal"));
      }}
      onFocusOut={() => {
        hovering.value = false;
        active.value = null;
      }}
      onPointerEnter={(event) => {
        if (event.pointerType === "mouse") hovering.value = true;
      }}
      onPointerLeave={() => hovering.value = false}
    >
      <ol ref={list} style={{ height: `${all.length * height}px` }}>{items}</ol>
      {server.value && all.length === 0 && (
        <p class="log-empty">
          Nothing yet. Clients that come, go, time out or fail show here, with
          the reason.
        </p>
      )}
    </div>
  );
}
