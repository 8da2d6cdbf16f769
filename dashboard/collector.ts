import type { Clock } from "../protocol/clock.ts";
import type { ConnectionInfo, Monitor } from "../server/monitor.ts";
import type {
  OfflineReason,
  RequestSignal,
  Signal,
} from "../server/signals.ts";
import type { ConnectionDetail, ConnectionRow } from "./contract.ts";
import type { DashboardLimits } from "./options.ts";
import { RecentRequests } from "./requests.ts";
import { closedRow, toRow } from "./rows.ts";
import { Sampler } from "./sampler.ts";
import { SignalRing } from "./signal_ring.ts";
import { boundedSignal } from "./text.ts";
import { Totals } from "./totals.ts";

/** How long closed connections stay listed, in ms. */
const CLOSED_KEPT = 5 * 60_000;

/** How long `request` signals are kept for a stream that broke, in ms. */
const REQUESTS_WANTED = 60_000;

/** What is known of a connection beyond what the monitor tells. */
interface Peer {
  readonly requests: RecentRequests;
  lastFailure: number | null;
}

/** A connection that is gone. */
interface Closed {
  readonly row: ConnectionRow;
  /** When it left, on the clock that never jumps. */
  readonly left: number;
}

/**
 * Remembers what a monitor told: the last signals, who left, the last requests
 * of each connection, and the figures over time. It listens from its making
 * on, at less than a microsecond for each request, and has no timer.
 */
export class Collector {
  /** Tells this start of the server from any other. */
  readonly instance: string = crypto.randomUUID().replaceAll("-", "")
    .slice(0, 16);
  /** When it was made, in ms since the epoch. */
  readonly started: number;
  /** What has happened since. */
  readonly totals: Totals = new Totals();
  /** The figures over time. */
  readonly sampler: Sampler;
  /** All signals but `request`. */
  readonly ring: SignalRing;
  /** The `request` signals, of the times when somebody wanted them. */
  readonly requests: SignalRing<RequestSignal>;
  /** Told the id of a connection that came, left or failed. */
  onMoved: ((id: string) => void) | undefined;
  #monitor: Monitor;
  #clock: Clock;
  #closedLimit: number;
  #online = new Set<string>();
  #peers = new Map<string, Peer>();
  /** Oldest first. */
  #closed = new Map<string, Closed>();
  /** On the clock that never jumps, as whatever decides here. */
  #requestsUntil = 0;
  #unlisten: () => void;

  /** Starts to listen. */
  constructor(monitor: Monitor, clock: Clock, limits: DashboardLimits) {
    this.#monitor = monitor;
    this.#clock = clock;
    this.#closedLimit = limits.closed;
    this.started = clock.wall();
    for (const { id, wire, state } of monitor.connections()) {
      if (wire !== "" && state.kind !== "closed") this.#come(id);
    }
    this.sampler = new Sampler(clock, this.#online.size);
    this.ring = new SignalRing(limits.signals, monitor.lastSignal);
    this.requests = new SignalRing(limits.requests, monitor.lastSignal);
    this.#unlisten = monitor.listen((signal) => this.#hear(signal));
  }

  /** Stops listening. */
  close(): void {
    this.#unlisten();
  }

  /** Somebody wants `request` signals: keeps them for the next minute. */
  wantRequests(): void {
    this.#requestsUntil = this.#clock.now() + REQUESTS_WANTED;
  }

  /** A live connection's row. */
  row(info: ConnectionInfo): ConnectionRow {
    return toRow(info, this.#peers.get(info.id)?.lastFailure ?? null);
  }

  /** The live connections, oldest first. */
  live(): ConnectionRow[] {
    return this.#monitor.connections()
      .filter((info) => info.state.kind !== "closed")
      .map((info) => this.row(info));
  }

  /** Those closed in the last five minutes, the last one last. */
  closed(): ConnectionRow[] {
    this.#forget();
    return Array.from(this.#closed.values(), ({ row }) => row);
  }

  /** One connection, live or recently closed. */
  find(id: string): ConnectionRow | undefined {
    const closed = this.#closed.get(id);
    if (closed) return closed.row;
    const info = this.#monitor.connection(id);
    return info && this.row(info);
  }

  /** What the drawer shows of a connection; undefined if it is not known. */
  detail(id: string): ConnectionDetail | undefined {
    const connection = this.find(id);
    if (connection === undefined) return undefined;
    const requests = this.#peers.get(id)?.requests;
    return {
      connection,
      history: this.ring.filter((signal) => signal.connection === id),
      requests: requests?.rows() ?? [],
      p99: requests?.p99() ?? null,
      rate: requests?.rate(this.#clock.now()) ?? 0,
    };
  }

  /**
   * A connection is gone. Those that never came online leave without a signal:
   * whoever finds them missing tells. Returns whether that was news.
   */
  left(info: ConnectionInfo, reason: OfflineReason, at: number): boolean {
    if (this.#closed.has(info.id)) return false;
    const lastFailure = this.#peers.get(info.id)?.lastFailure ?? null;
    const row = closedRow(info, lastFailure, reason, at);
    this.#closed.set(info.id, { row, left: this.#clock.now() });
    this.#forget();
    return true;
  }

  #hear(heard: Signal): void {
    const signal = boundedSignal(heard);
    this.totals.add(signal);
    if (signal.kind === "request") return this.#hearRequest(signal);
    this.ring.push(signal);
    const id = signal.connection;
    switch (signal.kind) {
      case "online":
        this.#come(id);
        this.sampler.connections(this.#online.size);
        break;
      case "offline":
        this.#online.delete(id);
        this.sampler.connections(this.#online.size);
        this.sampler.count("offline");
        this.left(this.#last(signal), signal.reason, signal.at);
        break;
      case "timeout":
        this.sampler.count("timeout");
        break;
      case "failure":
        this.sampler.count("failure");
        this.#failed(id, signal.at);
    }
    if (id !== "") this.onMoved?.(id);
  }

  #hearRequest(signal: RequestSignal): void {
    // Keeping thousands of them for nobody would cost more than the rest.
    const now = this.#clock.now();
    if (now < this.#requestsUntil) this.requests.push(signal);
    const { at, latency, bytesIn, bytesOut } = signal;
    this.sampler.request(at, latency, bytesIn + bytesOut);
    this.#peers.get(signal.connection)?.requests.push(signal, now);
  }

  #failed(id: string, at: number): void {
    const peer = this.#peers.get(id);
    if (peer) peer.lastFailure = at;
  }

  #come(id: string): void {
    this.#online.add(id);
    this.#peers.set(id, { requests: new RecentRequests(), lastFailure: null });
  }

  /** A leaver's last state, which the monitor knows at that moment. */
  #last(signal: Signal & { kind: "offline" }): ConnectionInfo {
    const { connection: id, address, name, wire, at } = signal;
    return this.#monitor.connection(id) ?? {
      id,
      address,
      name,
      wire,
      state: { kind: "closed", reason: signal.reason, at },
      since: at - signal.connected,
      lastActivity: at,
      timeout: Infinity,
      requests: signal.requests,
      failures: 0,
      bytesIn: 0,
      bytesOut: 0,
      inProgress: signal.inProgress,
      lastLatency: null,
    };
  }

  #forget(): void {
    const now = this.#clock.now();
    for (const [id, { left }] of this.#closed) {
      const old = now - left > CLOSED_KEPT;
      if (!old && this.#closed.size <= this.#closedLimit) break;
      this.#closed.delete(id);
      this.#peers.delete(id);
    }
  }
}
