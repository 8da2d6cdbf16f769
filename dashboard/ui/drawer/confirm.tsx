import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { ConnectionRow } from "../../contract.ts";
import { plural } from "../format/number.ts";
import { peer, visible } from "../format/text.ts";
import { Dialog } from "../parts/dialog.tsx";
import { disconnect } from "../state/api.ts";
import { gone } from "../state/link.ts";
import { revision, rows, server } from "../state/store.ts";
import { sayError } from "../state/toast.ts";
import { disconnecting } from "../state/view.ts";

/** Asks before it disconnects. */
export function Confirm() {
  const id = disconnecting.value;
  if (id === null || server.value?.role === "read-only") return null;
  return <Ask key={id} id={id} />;
}

const close = () => disconnecting.value = null;

function Ask({ id }: { readonly id: string }) {
  const keep = useRef<HTMLButtonElement>(null);
  const busy = useSignal(false);
  const first = useRef(rows.get(id));
  useLayoutEffect(() => keep.current?.focus(), []);
  void revision.value;
  const row = rows.get(id);
  const shown = row ?? first.current;
  if (!shown) return null;
  const left = row === undefined || row.state.kind === "closed";
  const name = peer(shown);

  const confirm = async () => {
    busy.value = true;
    const reason = await disconnect(id);
    // Meanwhile it may ask about another one.
    if (disconnecting.peek() === id) close();
    if (reason !== null) sayError(`${name} was not disconnected: ${reason}.`);
  };

  return (
    <Dialog label={`Disconnect ${name}?`} close={close}>
      <h2>Disconnect {name}?</h2>
      <p>{left ? "It has just left by itself." : consequence(shown)}</p>
      <div class="dialog-buttons">
        <button type="button" class="button" ref={keep} onClick={close}>
          {left ? "Close" : "Keep connected"}
        </button>
        {!left && (
          <button
            type="button"
            class="button button-alarm"
            disabled={busy.value || gone.value}
            onClick={confirm}
          >
            Disconnect
          </button>
        )}
      </div>
    </Dialog>
  );
}

function consequence(row: ConnectionRow): string {
  const { address, wire, inProgress } = row;
  const who = `${visible(address)}${wire ? `, ${visible(wire)}` : ""}.`;
  const running = inProgress > 0
    ? ` Its ${plural(inProgress, "request")} in progress ${
      inProgress === 1 ? "runs" : "run"
    } on;`
    : "";
  const back = wire === "session" || wire === "classic"
    ? inProgress > 0
      ? " a Cypher client comes back for the answers."
      : " A Cypher client comes back by itself."
    : inProgress > 0
    ? " their answers are lost."
    : "";
  return who + running + back;
}
