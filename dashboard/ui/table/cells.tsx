import type { JSX } from "preact";
import type { ConnectionRow } from "../../contract.ts";
import { duration } from "../format/duration.ts";
import {
  bytes,
  chipCount,
  count,
  exact,
  latency,
  plural,
  UNKNOWN,
} from "../format/number.ts";
import { iso } from "../format/moment.ts";
import { splitAddress, visible } from "../format/text.ts";
import { Icon, stateIcon, wireIcon } from "../parts/icons.tsx";
import { reasonText } from "../signals/words.ts";
import type { ColumnKey } from "./columns.ts";
import { idle } from "./idle.ts";
import { IdleBar } from "./idle_bar.tsx";
import { standing } from "./standing.ts";

/** A failure stays red for this long, in ms. */
const RECENT = 60_000;

type Cell = (row: ConnectionRow, now: number) => JSX.Element;

/** A state's glyph and word. */
export function State({ state }: { readonly state: string }) {
  return (
    <span class={`pair state-${stateIcon(state)}`}>
      <Icon name={stateIcon(state)} />
      <span>{state}</span>
    </span>
  );
}

/** A wire's glyph and word. */
export function Wire({ wire }: { readonly wire: string }) {
  if (!wire) return <span class="quiet">{UNKNOWN}</span>;
  return (
    <span class="pair wire">
      <Icon name={wireIcon(wire)} />
      <span>{visible(wire)}</span>
    </span>
  );
}

/** A name: heavy for the live, light for the closed, quiet for the nameless. */
export function Name({ row, text }: {
  readonly row: ConnectionRow;
  readonly text: string;
}) {
  if (text === UNKNOWN) return <span class="name quiet">{text}</span>;
  return row.state.kind === "closed"
    ? <span class="name" dir="auto" title={text}>{text}</span>
    : <b class="name" dir="auto" title={text}>{text}</b>;
}

/** An address that loses characters of its host, never its port. */
export function Address({ address }: { readonly address: string }) {
  const { host, port } = splitAddress(address);
  return (
    <span class="address" title={`${host}${port}`}>
      <span class="address-host">{host}</span>
      <span>{port}</span>
    </span>
  );
}

/** The idle column: bar and time, or for the closed why and when. */
export function IdleCell({ row, now }: {
  readonly row: ConnectionRow;
  readonly now: number;
}) {
  const { state } = row;
  if (state.kind === "closed") {
    return (
      <span class="reason" title={iso(state.at)}>
        {reasonText(state.reason)}, {duration(now - state.at)} ago
      </span>
    );
  }
  const { tone, text, clock, label } = idle(row, now);
  return (
    <span title={`since ${iso(row.lastActivity)}`}>
      <span class="offscreen">{label}</span>
      <span class="idle" aria-hidden="true">
        <IdleBar row={row} now={now} />
        <span class={`idle-text idle-${tone}${clock ? " idle-late" : ""}`}>
          {clock && <Icon name="timeout" />}
          {text}
        </span>
      </span>
    </span>
  );
}

const number = (value: number, text = count(value)) => (
  <span class={value === 0 ? "quiet" : undefined} title={exact(value)}>
    {text}
  </span>
);
const volume = (value: number) => (
  <span
    class={value === 0 ? "quiet" : undefined}
    title={plural(value, "byte")}
  >
    {bytes(value)}
  </span>
);

function Failures({ row, now }: { row: ConnectionRow; now: number }) {
  const { failures, lastFailure } = row;
  // Its column is narrow, and has a triangle to hold besides.
  const text = failures < 1e4 ? count(failures) : chipCount(failures);
  if (
    failures === 0 || lastFailure === null || now - lastFailure > RECENT ||
    row.state.kind === "closed"
  ) return number(failures, text);
  return (
    <span class="recent" title={`${exact(failures)}, last ${iso(lastFailure)}`}>
      <Icon name="failure" />
      {text}
    </span>
  );
}

/** How long it has been, or was, connected. */
export const age = (row: ConnectionRow, now: number): string =>
  duration((row.state.kind === "closed" ? row.state.at : now) - row.since);

/** What each column shows. */
export const CELLS: Readonly<Record<ColumnKey, Cell>> = {
  state: (row, now) => <State state={standing(row, now)} />,
  name: (row) => <Name row={row} text={visible(row.name || UNKNOWN)} />,
  address: (row) => <Address address={row.address} />,
  wire: (row) => <Wire wire={row.wire} />,
  connected: (row, now) => (
    <span title={`since ${iso(row.since)}`}>{age(row, now)}</span>
  ),
  idle: (row, now) => <IdleCell row={row} now={now} />,
  requests: (row) => number(row.requests),
  failures: (row, now) => <Failures row={row} now={now} />,
  in: (row) => volume(row.bytesIn),
  out: (row) => volume(row.bytesOut),
  latency: (row) => (
    <span class={row.lastLatency === null ? "quiet" : undefined}>
      {latency(row.lastLatency)}
    </span>
  ),
  active: (row) => number(row.inProgress),
  id: (row) => <span>{visible(row.id)}</span>,
};
