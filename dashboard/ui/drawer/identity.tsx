import type { ConnectionRow } from "../../contract.ts";
import { duration } from "../format/duration.ts";
import { iso, moment } from "../format/moment.ts";
import { visible } from "../format/text.ts";
import { Icon } from "../parts/icons.tsx";
import { reasonText } from "../signals/words.ts";
import { now } from "../state/clock.ts";
import { State, Wire } from "../table/cells.tsx";
import { idle } from "../table/idle.ts";
import { IdleBar } from "../table/idle_bar.tsx";
import { standing } from "../table/standing.ts";

/** Who it is, and how long it still may be silent. */
export function Identity({ row }: { readonly row: ConnectionRow }) {
  const at = now.value;
  return (
    <div class="identity">
      <p class="identity-line">
        <State state={standing(row, at)} />
        <Wire wire={row.wire} />
        <span class="identity-id">id {visible(row.id)}</span>
      </p>
      <p class="identity-address">{visible(row.address)}</p>
      {row.state.kind === "closed"
        ? (
          <p class="identity-reason">
            <Icon name="down" />
            <span>
              <b>{reasonText(row.state.reason)}</b>
              <time dateTime={iso(row.state.at)} title={iso(row.state.at)}>
                {moment(row.state.at, at)}, {duration(at - row.state.at)} ago
              </time>
            </span>
          </p>
        )
        : <Countdown row={row} at={at} />}
    </div>
  );
}

function Countdown({ row, at }: { row: ConnectionRow; at: number }) {
  const { tone, text, clock, label } = idle(row, at);
  return (
    <div class="identity-idle" role="group" aria-label={label}>
      <p>
        <span class="label">
          {row.state.kind === "draining" ? "Grace" : "Idle"}
        </span>
        <span class={`idle-text idle-${tone}${clock ? " idle-late" : ""}`}>
          {clock && <Icon name="timeout" />}
          {text}
        </span>
      </p>
      <IdleBar row={row} now={at} large />
      <p class="label identity-limit">
        {row.timeout === null
          ? "Never times out"
          : `Times out after ${duration(row.timeout)} without a request`}
      </p>
    </div>
  );
}
