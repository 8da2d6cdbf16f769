import type { ConnectionRow } from "../../contract.ts";

/** What the State column says: the server's states, with open split in two. */
export type Standing = "online" | "idle" | "draining" | "handshake" | "closed";

/** In the order in which the column sorts and the chips stand. */
export const STANDINGS: readonly Standing[] = [
  "online",
  "idle",
  "draining",
  "handshake",
  "closed",
];

/** An open connection without traffic for this long, in ms, counts as idle. */
const QUIET = 10_000;

/** What to call a connection's state at `now`; unknown ones keep their word. */
export function standing(row: ConnectionRow, now: number): string {
  const { kind } = row.state;
  if (kind !== "open") return kind;
  return row.inProgress === 0 && now - row.lastActivity >= QUIET
    ? "idle"
    : "online";
}
