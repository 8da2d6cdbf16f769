import type { ConnectionRow } from "../../contract.ts";
import { idleTime, spokenDuration } from "../format/duration.ts";
import { plural } from "../format/number.ts";

/** What the idle cell shows. */
export interface Idle {
  readonly tone: "calm" | "warn" | "busy" | "none";
  /** How full the bar is now, 0 to 1; null without a bar. */
  readonly fill: number | null;
  /** Until it is full, in ms; null for a bar that stands. */
  readonly remaining: number | null;
  readonly text: string;
  /** The clock glyph. */
  readonly clock: boolean;
  /** For screen readers. */
  readonly label: string;
}

/** From here on the remaining time is more worth knowing than the passed. */
const LATE = 0.8;
/** The grace of a drain when its start was not seen, in ms. */
const GRACE = 10_000;

const clamp = (n: number) => Math.min(1, Math.max(0, n));
/** Rounded up: `0s left` would be a moment that never shows. */
const left = (ms: number) => `${idleTime(Math.ceil(ms / 1000) * 1000)} left`;

/** What the idle cell of a live connection shows at `now`. */
export function idle(row: ConnectionRow, now: number): Idle {
  if (row.state.kind === "draining") return draining(row.state.until, now);
  if (row.inProgress > 0) {
    return {
      tone: "busy",
      fill: 1,
      remaining: null,
      text: `${row.inProgress} active`,
      clock: false,
      label: `${plural(row.inProgress, "request")} in progress`,
    };
  }
  const passed = Math.max(0, now - row.lastActivity);
  const spoken = `idle ${spokenDuration(passed)}`;
  if (row.timeout === null) {
    return {
      tone: "none",
      fill: null,
      remaining: null,
      text: idleTime(passed),
      clock: false,
      label: `${spoken}, never times out`,
    };
  }
  const remaining = Math.max(0, row.timeout - passed);
  const fill = row.timeout > 0 ? clamp(passed / row.timeout) : 1;
  const late = fill >= LATE;
  return {
    tone: late ? "warn" : "calm",
    fill,
    remaining,
    text: late ? left(remaining) : idleTime(passed),
    clock: late,
    label: `${spoken}, times out in ${
      spokenDuration(Math.ceil(remaining / 1000) * 1000)
    }`,
  };
}

function draining(until: number, now: number): Idle {
  const remaining = Math.max(0, until - now);
  return {
    tone: "warn",
    fill: clamp(1 - remaining / Math.max(GRACE, remaining)),
    remaining,
    text: left(remaining),
    clock: false,
    label: `draining, ${
      spokenDuration(Math.ceil(remaining / 1000) * 1000)
    } left`,
  };
}
