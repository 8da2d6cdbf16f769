import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { peer } from "../format/text.ts";
import { Alarm } from "../frame/alarm.tsx";
import { Copy } from "../parts/copy.tsx";
import { Icon } from "../parts/icons.tsx";
import { gone } from "../state/link.ts";
import { phone } from "../state/layout.ts";
import { revision, rows, server } from "../state/store.ts";
import { closeDrawer, disconnecting, subject } from "../state/view.ts";
import { detail, followSubject, forgotten } from "./detail.ts";
import { Facts } from "./facts.tsx";
import { History } from "./history.tsx";
import { Identity } from "./identity.tsx";
import { Requests } from "./requests.tsx";

/** One connection in full: the fourth column, or on a phone the screen. */
export function Drawer() {
  const id = subject.value;
  return id === null ? null : <Open id={id} />;
}

function Open({ id }: { readonly id: string }) {
  const close = useRef<HTMLButtonElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  useEffect(followSubject, []);
  useLayoutEffect(() => {
    // Not modal: on a desktop the focus stays where the arrows are, unless
    // that is what the drawer covers.
    const at = document.activeElement;
    if (phone.peek() || !at?.closest(".connections")) close.current?.focus();
  }, []);
  useLayoutEffect(() => scroller.current?.scrollTo(0, 0), [id]);
  void revision.value;
  const known = detail.value?.connection.id === id ? detail.value : null;
  const row = rows.get(id) ?? known?.connection;

  return (
    <aside
      class="drawer"
      aria-label={row ? `Connection ${peer(row)}` : "Connection"}
    >
      {phone.value && gone.value && <Alarm />}
      <div class="drawer-head">
        <h2 dir="auto" title={row ? peer(row) : undefined}>
          {row ? peer(row) : `Connection ${id}`}
        </h2>
        <button
          ref={close}
          type="button"
          class="icon-button"
          aria-label="Close"
          onClick={closeDrawer}
        >
          <Icon name="closed" />
        </button>
      </div>
      <div
        class="scroller drawer-body"
        tabIndex={0}
        ref={scroller}
        role="group"
        aria-label="Details"
      >
        {row && <Identity row={row} />}
        {row && <Facts row={row} detail={known} />}
        {!row && forgotten.value && (
          <p class="quiet">The server no longer remembers this connection.</p>
        )}
        <History signals={known?.history ?? null} />
        <Requests requests={known?.requests ?? null} />
      </div>
      <div class="drawer-foot">
        <Copy text={id} label="Copy id" word="Copy id" />
        <Disconnect id={id} live={row?.state.kind !== "closed" && !!row} />
      </div>
    </aside>
  );
}

function Disconnect(
  { id, live }: { readonly id: string; readonly live: boolean },
) {
  const readOnly = server.value?.role === "read-only";
  const title = readOnly
    ? "Read-only. Sign in with the admin token to disconnect."
    : undefined;
  return (
    <>
      {readOnly && <small class="drawer-note" id="read-only">{title}</small>}
      <button
        type="button"
        class="button button-danger"
        disabled={!live || readOnly || gone.value}
        title={title}
        aria-describedby={readOnly ? "read-only" : undefined}
        onClick={() => disconnecting.value = id}
      >
        Disconnect…
      </button>
    </>
  );
}
