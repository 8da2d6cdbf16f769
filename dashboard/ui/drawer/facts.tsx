import type { ConnectionDetail, ConnectionRow } from "../../contract.ts";
import {
  bytes,
  exact,
  latency,
  plural,
  rate,
  UNKNOWN,
} from "../format/number.ts";
import { iso, moment } from "../format/moment.ts";
import { now } from "../state/clock.ts";
import { age } from "../table/cells.tsx";

/** Its numbers. */
export function Facts({ row, detail }: {
  readonly row: ConnectionRow;
  readonly detail: ConnectionDetail | null;
}) {
  const at = now.value;
  const closed = row.state.kind === "closed";
  const facts: [string, string, string?][] = [
    ["Since", moment(row.since, at), iso(row.since)],
    [closed ? "Lasted" : "Connected", age(row, at)],
    ["Requests", exact(row.requests)],
    ["Rate, 1 min", detail ? `${rate(detail.rate)} /s` : UNKNOWN],
    ["Failures", exact(row.failures)],
    ["In progress", exact(row.inProgress)],
    ["Latency, last", latency(row.lastLatency)],
    ["Latency p99", latency(detail?.p99 ?? null)],
    ["Key generation", row.generation ? exact(row.generation) : UNKNOWN],
    ["Round trip", latency(row.roundTrip ?? null)],
    ["In", bytes(row.bytesIn), plural(row.bytesIn, "byte")],
    ["Out", bytes(row.bytesOut), plural(row.bytesOut, "byte")],
  ];
  return (
    <dl class="facts">
      {facts.map(([name, value, title]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd title={title}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
