/**
 * What the sidecar and the page say to each other. Types only, shared by both.
 *
 * `GET <base>/events` is an SSE stream. Its events, each with `data` as JSON:
 *
 * | event | data | when |
 * |---|---|---|
 * | `snapshot` | {@linkcode Snapshot} | first, on a stream without `Last-Event-ID` |
 * | `resume` | {@linkcode Snapshot} with the first `signals` after that id, 500 at most; batches go on from there | first, when `Last-Event-ID` is still in the ring |
 * | `reset` | {@linkcode Snapshot} | first, when it is not (or is of another instance) |
 * | `batch` | {@linkcode Batch} | at most four times a second, when there is something |
 * | `heartbeat` | empty | every {@linkcode Snapshot.heartbeat} ms, after a comment |
 *
 * An event's id is `<instance>-<number of the last signal it includes>`. A
 * `reset` can come later too, to a stream that fell behind the ring.
 *
 * Each signal but the `request` ones comes exactly once, over any number of
 * resumes, or a `reset` says otherwise. `request` signals come at most once, in
 * order, on streams that asked for them (`?requests=1`); those left out are
 * counted in `skipped`.
 *
 * A socket takes megabytes that nobody reads, so a client has to say that it
 * still reads: `POST <base>/events/<Snapshot.stream>` at each `heartbeat`. The
 * answer is 204, or 404 if the stream is over. A stream without that ends after
 * 25 s, and its client resumes.
 *
 * @module
 */
import type { ConnectionInfo, ListenerInfo } from "../server/monitor.ts";
import type { Signal } from "../server/signals.ts";

/** What a viewer may do. */
export type Role = "admin" | "read-only";

/**
 * A connection as JSON carries it: `timeout` is null where there is none
 * (JSON has no Infinity).
 */
export interface ConnectionRow extends Omit<ConnectionInfo, "timeout"> {
  /** How long it may go without a request, in ms; null for any time. */
  readonly timeout: number | null;
  /** When a request last failed, in ms since the epoch; null for never. */
  readonly lastFailure: number | null;
}

/** One request in a connection's drawer. */
export interface RequestRow {
  /** When it was answered, in ms since the epoch. */
  readonly at: number;
  /** The request's path. */
  readonly path: string;
  /** The request's operation. */
  readonly operation: string;
  /** The answer's status code, `"OK"` for success. */
  readonly status: string;
  /** In ms. */
  readonly latency: number;
  /** The request's bytes on the wire. */
  readonly bytesIn: number;
  /** The answer's bytes on the wire. */
  readonly bytesOut: number;
}

/** The answer of `GET <base>/api/connections/:id`. */
export interface ConnectionDetail {
  /** The connection, live or recently closed. */
  readonly connection: ConnectionRow;
  /** Its signals that are still known, oldest first, without `request`. */
  readonly history: readonly Signal[];
  /** Its last 50 requests, newest first. */
  readonly requests: readonly RequestRow[];
  /** The 99th percentile of its latency in ms; null before any request. */
  readonly p99: number | null;
  /** Requests per second over the last minute. */
  readonly rate: number;
}

/**
 * The counters and percentiles of one interval: two seconds, ending at `at`.
 * The last 15 minutes are 450 of them.
 */
export interface Sample {
  /** The interval's end, in ms since the epoch. */
  readonly at: number;
  /** Live connections at its end. */
  readonly connections: number;
  /** Requests answered, per second. */
  readonly requests: number;
  /** Bytes in and out, per second. */
  readonly bytes: number;
  /** Latency percentiles in ms; null when no request was answered. */
  readonly p50: number | null;
  /** See p50. */
  readonly p90: number | null;
  /** See p50. */
  readonly p99: number | null;
  /** How many offline signals. */
  readonly offline: number;
  /** How many timeout signals. */
  readonly timeout: number;
  /** How many failure signals. */
  readonly failure: number;
}

/** The tiles. Rates and percentiles are of the last ten seconds. */
export interface Figures {
  /** Live connections now. */
  readonly connections: number;
  /** The most there have been, and when (ms since the epoch). */
  readonly peak: { readonly connections: number; readonly at: number };
  /** Requests per second. */
  readonly requests: number;
  /** Bytes in and out per second. */
  readonly bytes: number;
  /** Latency in ms; null when there was no request. */
  readonly p50: number | null;
  /** See p50. */
  readonly p99: number | null;
  /** Timeouts in the last minute. */
  readonly timeouts: number;
  /** Failures in the last minute. */
  readonly failures: number;
}

/** Everything the page shows, at one moment. */
export interface Snapshot {
  /** The monitor's last signal that is included here. */
  readonly id: number;
  /** New at each start of the server. */
  readonly instance: string;
  /** The sidecar's clock, in ms since the epoch; ages are reckoned from it. */
  readonly now: number;
  /** The server's name. */
  readonly name: string;
  /** The package's version. */
  readonly version: string;
  /** When it started, in ms since the epoch. */
  readonly started: number;
  /** What the viewer may do. */
  readonly role: Role;
  /** Whether signing out makes sense: the sidecar asks for a token. */
  readonly signedIn: boolean;
  /** How often the stream gives a sign of life, in ms. */
  readonly heartbeat: number;
  /** Where it listens, and whether it drains. */
  readonly listeners: readonly ListenerInfo[];
  /** Live connections, then those closed in the last five minutes. */
  readonly connections: readonly ConnectionRow[];
  /** The newest signals, oldest first; without `request`. */
  readonly signals: readonly Signal[];
  /** The last 15 minutes, oldest first; a gap in `at` is a gap in the data. */
  readonly samples: readonly Sample[];
  /** The tiles. */
  readonly figures: Figures;
  /** On a stream: its id, for saying that it is still read. */
  readonly stream?: string | undefined;
  /** On `resume`: how many `request` signals are not known any more. */
  readonly skipped?: number | undefined;
}

/** What has changed since the event before. */
export interface Batch {
  /** The monitor's last signal that is included. */
  readonly id: number;
  /** The sidecar's clock, in ms since the epoch. */
  readonly now: number;
  /** Connections that are new, changed or closed, whole. */
  readonly connections: readonly ConnectionRow[];
  /** Signals, oldest first; `request` ones only if the stream asked (`?requests=1`). */
  readonly signals: readonly Signal[];
  /** Samples completed. */
  readonly samples: readonly Sample[];
  /** The tiles. */
  readonly figures: Figures;
  /** Where the server listens, when that changed. */
  readonly listeners?: readonly ListenerInfo[];
  /** How many `request` signals were too many for this batch. */
  readonly skipped?: number | undefined;
}
