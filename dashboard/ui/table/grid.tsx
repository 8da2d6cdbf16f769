import { useLayoutEffect, useRef } from "preact/hooks";
import { rowSpan } from "../parts/span.ts";
import { useViewport } from "../parts/viewport.ts";
import { layout, phone, rem } from "../state/layout.ts";
import { revision, rows } from "../state/store.ts";
import { openDrawer, subject } from "../state/view.ts";
import { active, atHead } from "./active.ts";
import { useAnchor } from "./anchor.ts";
import { focused, hovered, order } from "./arranged.ts";
import {
  fullHeight,
  type Geometry,
  idAt,
  indexOf,
  rowCount,
  rowTop,
} from "./geometry.ts";
import { Head } from "./head.tsx";
import { useGridKeys } from "./keys.ts";
import { columns, room } from "./query.ts";
import { PhoneRow, Row } from "./row.tsx";
import { tracks } from "./columns.ts";

/** On a wall, from here on in rem, all columns share the slack. */
const WALL = 106;

/** The table: only the rows in view exist. */
export function Grid() {
  const box = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLDivElement>(null);
  const { live, closed } = order.value;
  const size = rem.value;
  const at: Geometry = {
    row: (phone.value ? 3.75 : 2) * size,
    group: 1.75 * size,
    live: live.length,
    closed: closed.length,
  };
  const view = useViewport(box, body, phone.value);
  useAnchor(box, view, at);
  const onKeyDown = useGridKeys(box, body, at, view);
  useRoom(body, size);
  useLayoutEffect(() => letGo, []);
  // Rows are plain objects: their revision says when to look again.
  void revision.value;

  const count = rowCount(at);
  const top = view.top > live.length * at.row ? view.top - at.group : view.top;
  const { from, to } = rowSpan(top, view.height, at.row, count);
  const visible = new Set<number>();
  for (let i = from; i < to; i++) visible.add(i);
  const activeIndex = active.value === null
    ? -1
    : indexOf(order.value, active.value);
  // Kept even when scrolled away: `aria-activedescendant` points at it.
  if (activeIndex >= 0) visible.add(activeIndex);

  const cols = columns.value;
  const wall = innerWidth / size > WALL;
  return (
    <div
      ref={box}
      id="connections-grid"
      class="scroller grid"
      role="grid"
      tabIndex={0}
      aria-label="Connections"
      aria-rowcount={count + 1}
      aria-colcount={phone.value ? 4 : cols.length}
      aria-activedescendant={activeIndex >= 0 && !atHead.value
        ? `row-${active.value}`
        : undefined}
      style={{ "--tracks": tracks(cols, layout.value === "narrow", wall) }}
      onKeyDown={onKeyDown}
      onPointerEnter={(event) => {
        if (event.pointerType === "mouse") hovered.value = true;
      }}
      onPointerLeave={() => hovered.value = false}
      onFocusIn={() => focused.value = active.peek() !== null}
      onFocusOut={() => focused.value = false}
      onClick={(event) => clicked(event.target)}
    >
      <div role="rowgroup" class="grid-head">
        {!phone.value && <Head columns={cols} />}
        {phone.value && <PhoneHead />}
      </div>
      <div
        ref={body}
        role="rowgroup"
        class="grid-body"
        style={{ height: `${fullHeight(at)}px` }}
      >
        {closed.length > 0 && (
          <div
            class="group"
            role="row"
            style={{ transform: `translateY(${live.length * at.row}px)` }}
          >
            <span role="gridcell">Closed in the last 5 minutes</span>
          </div>
        )}
        {[...visible].sort((a, b) => a - b).map((index) => {
          const row = rows.get(idAt(order.value, index) ?? "");
          if (!row) return null;
          const props = {
            row,
            index: index + 2,
            top: rowTop(at, index),
            active: index === activeIndex,
            selected: row.id === subject.value,
          };
          return phone.value
            ? <PhoneRow key={row.id} {...props} />
            : <Row key={row.id} {...props} columns={cols} />;
        })}
      </div>
    </div>
  );
}

/** A grid needs a head; a phone has no room to show it. */
function PhoneHead() {
  return (
    <div role="row" class="offscreen" aria-rowindex={1}>
      {["Name", "Idle", "State and wire", "Address"].map((title) => (
        <span key={title} role="columnheader">{title}</span>
      ))}
    </div>
  );
}

function clicked(target: EventTarget | null): void {
  const row = target instanceof Element ? target.closest("[data-id]") : null;
  const id = row?.getAttribute("data-id");
  if (!id) return;
  active.value = id;
  openDrawer(id);
}

/** A table that is taken away gets no event that says so. */
function letGo(): void {
  hovered.value = false;
  focused.value = false;
}

/** Tells the columns how much room they have. */
function useRoom(
  body: { readonly current: HTMLElement | null },
  size: number,
): void {
  useLayoutEffect(() => {
    const element = body.current;
    if (!element) return;
    const measure = () => room.value = element.clientWidth / size;
    measure();
    const sizes = new ResizeObserver(measure);
    sizes.observe(element);
    return () => sizes.disconnect();
  }, [size]);
}
