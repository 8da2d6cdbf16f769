import type {
  OfflineReason,
  Signal,
  SignalKind,
} from "../../../server/signals.ts";
import { duration } from "../format/duration.ts";
import { exact, latency, plural } from "../format/number.ts";
import { visible } from "../format/text.ts";

/** The kinds that have a toggle; limits and notices always show. */
export const KINDS = [
  "online",
  "offline",
  "timeout",
  "failure",
  "request",
] as const satisfies readonly SignalKind[];

export type Kind = typeof KINDS[number];

const REASONS: Readonly<Record<OfflineReason, string>> = {
  "peer-closed": "Peer closed",
  "peer-reset": "Peer reset",
  "peer-lost": "Peer lost",
  "timeout": "Timeout",
  "bad-token": "Bad token",
  "too-large": "Too large",
  "slow-reader": "Slow reader",
  "slow-sender": "Slow sender",
  "handshake-timeout": "Handshake timeout",
  "protocol-error": "Protocol error",
  "unresponsive": "Unresponsive",
  "unauthorized": "Wrong keys",
  "replaced": "Replaced",
  "withdrawn": "Keys withdrawn",
  "crowded-out": "Crowded out",
  "stopped": "Server stopped",
  "disconnected": "Disconnected",
  "internal": "Server fault",
};

/** A reason in words; codes that are newer than this page as they are. */
export const reasonText = (reason: string): string =>
  Object.hasOwn(REASONS, reason)
    ? REASONS[reason as OfflineReason]
    : visible(reason);

/** The second line of a signal. */
export function signalText(signal: Signal): string {
  switch (signal.kind) {
    case "online":
      return signal.name
        ? `${signal.wire || "unknown wire"} from ${visible(signal.address)}`
        : signal.wire || "unknown wire";
    case "offline":
      return offlineText(signal);
    case "timeout":
      return `No request for ${Math.round(signal.after / 1000)} s`;
    case "failure":
      return failureText(signal);
    case "request":
      return `${visible(signal.operation)} ${visible(signal.path)} · ${
        visible(signal.status)
      } in ${latency(signal.latency)}${signal.repeated ? ", repeated" : ""}`;
    case "limit":
      return limitText(signal);
    case "notice":
      return `${visible(signal.code)}: ${visible(signal.message)}`;
    default:
      return visible((signal as { kind: string }).kind);
  }
}

function offlineText(signal: Extract<Signal, { kind: "offline" }>): string {
  const { reason, connected, requests, inProgress } = signal;
  const facts = inProgress > 0
    ? `${plural(inProgress, "request")} unanswered`
    : `${duration(connected)} connected, ${plural(requests, "request")}`;
  return `${reasonText(reason)} · ${facts}`;
}

function limitText(
  { limit, count }: Extract<Signal, { kind: "limit" }>,
): string {
  const times = count > 1 ? `, ${plural(count, "time")}` : "";
  return `Limit reached: ${visible(limit)}${times}`;
}

function failureText(signal: Extract<Signal, { kind: "failure" }>): string {
  const { code, message, operation, path } = signal;
  if (path === undefined) return `${visible(code)}: ${visible(message)}`;
  return `${visible(code)} on ${visible(operation ?? "")} ${visible(path)}`;
}

/** `3 offline, 2 timeouts`, for the region that is read out; empty for none. */
export function summary(signals: readonly Signal[]): string {
  const sums = new Map<string, number>();
  for (const { kind } of signals) {
    if (kind !== "request") sums.set(kind, (sums.get(kind) ?? 0) + 1);
  }
  // Somebody is online or offline; all else can be counted.
  return [...sums].map(([kind, n]) =>
    kind.endsWith("line") ? `${exact(n)} ${kind}` : plural(n, kind)
  ).join(", ");
}
