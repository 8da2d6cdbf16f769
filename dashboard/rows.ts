import type { ConnectionInfo } from "../server/monitor.ts";
import type { OfflineReason } from "../server/signals.ts";
import type { ConnectionRow } from "./contract.ts";
import { bounded } from "./text.ts";

/** A connection as JSON carries it. */
export function toRow(
  info: ConnectionInfo,
  lastFailure: number | null,
): ConnectionRow {
  const { name, timeout } = info;
  return {
    ...info,
    name: name === undefined ? undefined : bounded(name),
    timeout: timeout === Infinity ? null : timeout,
    lastFailure,
  };
}

/** The last row of a connection that has gone. */
export function closedRow(
  info: ConnectionInfo,
  lastFailure: number | null,
  reason: OfflineReason,
  at: number,
): ConnectionRow {
  const row = toRow(info, lastFailure);
  return info.state.kind === "closed"
    ? row
    : { ...row, state: { kind: "closed", reason, at } };
}

/** Whether two looks at one connection would show the same row. */
export function sameRow(a: ConnectionInfo, b: ConnectionInfo): boolean {
  return a.lastActivity === b.lastActivity && a.bytesIn === b.bytesIn &&
    a.bytesOut === b.bytesOut && a.inProgress === b.inProgress &&
    a.requests === b.requests && a.failures === b.failures &&
    a.state.kind === b.state.kind && a.wire === b.wire && a.name === b.name;
}
