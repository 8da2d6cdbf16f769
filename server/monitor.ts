import {
  Broadcast,
  type SubscribeOptions,
  type Subscription,
} from "../protocol/broadcast.ts";
import { type Clock, systemClock } from "../protocol/clock.ts";
import { badOption, checkNames } from "../protocol/options.ts";
import {
  type NewSignal,
  NO_CONNECTION,
  type OfflineReason,
  type Signal,
  SIGNAL_KINDS,
  type SignalBase,
  type SignalKind,
  type SignalOf,
} from "./signals.ts";

/** How often a limit is told at most, in ms. */
const LIMIT_PAUSE = 1_000;

/** Where a connection stands. */
export type ConnectionState =
  /** Accepted; which wire it speaks, or who it is, is not known yet. */
  | { readonly kind: "handshake" }
  /** In use. */
  | { readonly kind: "open" }
  /** Finishing its requests until `until` (ms since the epoch), then closed. */
  | { readonly kind: "draining"; readonly until: number }
  /** Gone, since `at` (ms since the epoch). */
  | {
    readonly kind: "closed";
    readonly reason: OfflineReason;
    readonly at: number;
  };

/** One connection as {@linkcode Monitor.connections} shows it. */
export interface ConnectionInfo {
  /** Unique within the monitor. */
  readonly id: string;
  /** The peer's address and port. */
  readonly address: string;
  /** The peer's name, where its wire has names. */
  readonly name?: string | undefined;
  /** The wire it speaks, or `""` while that is unknown. */
  readonly wire: string;
  /** Where it stands. */
  readonly state: ConnectionState;
  /** When it was accepted, in ms since the epoch. */
  readonly since: number;
  /** When a request last began or ended, in ms since the epoch. */
  readonly lastActivity: number;
  /** How long it may go without a request, in ms; `Infinity` for any time. */
  readonly timeout: number;
  /** Requests that have their answer. */
  readonly requests: number;
  /** Those of them that failed, and tokens that did not open. */
  readonly failures: number;
  /** Bytes received. */
  readonly bytesIn: number;
  /** Bytes sent. */
  readonly bytesOut: number;
  /** Requests being worked on. */
  readonly inProgress: number;
  /** The last answer's latency in ms; null before the first. */
  readonly lastLatency: number | null;
  /** How long the peer took to answer the last ping, in ms. */
  readonly roundTrip?: number | undefined;
  /** Which of the server's pairs of keys it uses, once that is known. */
  readonly generation?: number | undefined;
}

/** One address that a server listens on. */
export interface ListenerInfo {
  /** The address. */
  readonly hostname: string;
  /** The port. */
  readonly port: number;
  /** The wires it accepts. */
  readonly wires: readonly string[];
  /** Whether it accepts connections, or finishes those it has. */
  readonly state: "listening" | "draining";
  /** Until when it drains, in ms since the epoch. */
  readonly until?: number | undefined;
}

/** What a monitor needs of a live connection. */
export interface Watched {
  /** Unique within the monitor. */
  readonly id: string;
  /** Its present state and counts. */
  info(): ConnectionInfo;
  /** Closes it. */
  close(reason: OfflineReason): void;
}

/** What a listener wants to hear. */
export interface ListenOptions<K extends SignalKind = SignalKind> {
  /**
   * The kinds of signals that it is called with, default all. Of those that
   * nobody wants none are made: `request` costs something with each request.
   */
  kinds?: readonly K[];
}

/**
 * Sees every connection of the servers it is given to, and tells what happens
 * to them. With nobody listening it costs a counter here and there.
 *
 * @example
 * ```ts
 * import { Monitor } from "@cypher/protocol";
 *
 * const monitor = new Monitor(); // give it to servers: { monitor, ... }
 * const unlisten = monitor.listen((signal) => {
 *   if (signal.kind === "offline") console.log(signal.address, signal.reason);
 * });
 * console.log(monitor.connections().length);
 * unlisten();
 * ```
 */
export class Monitor {
  #clock: Clock;
  #signals = new Broadcast<Signal>();
  /** How many listeners want each kind. */
  #wanted = new Map<SignalKind, number>();
  #watching = new Set<(watched: boolean) => void>();
  #connections = new Map<string, Watched>();
  #listeners = new Set<() => ListenerInfo>();
  /** When each limit was told last, and how often it was reached since. */
  #limits = new Map<string, { at: number; count: number }>();
  #lastSignal = 0;
  #lastConnection = 0;

  /** Makes a monitor; one can serve several servers. */
  constructor({ clock = systemClock }: { clock?: Clock } = {}) {
    this.#clock = clock;
  }

  /** The live connections, oldest first. */
  connections(): ConnectionInfo[] {
    return Array.from(this.#connections.values(), (one) => one.info());
  }

  /** One live connection, or undefined when it is gone. */
  connection(id: string): ConnectionInfo | undefined {
    return this.#connections.get(id)?.info();
  }

  /** Closes a connection; false if there is none of that id. */
  disconnect(id: string): boolean {
    const connection = this.#connections.get(id);
    connection?.close("disconnected");
    return connection !== undefined;
  }

  /** The addresses its servers listen on. */
  listeners(): ListenerInfo[] {
    return Array.from(this.#listeners, (info) => info());
  }

  /**
   * The signals from now on, or those of some kinds, as an async iterable.
   *
   * @throws {CypherError} `BAD_OPTION` if an option is not right.
   */
  signals<K extends SignalKind = SignalKind>(
    { kinds, ...options }: SubscribeOptions & ListenOptions<K> = {},
  ): Subscription<SignalOf<K>> {
    const wanted = kinds && { kinds };
    // `listen` lets these through alone, which its type cannot say.
    return this.#signals.subscribe(
      options,
      (listener) => this.listen(listener, wanted),
    ) as unknown as Subscription<SignalOf<K>>;
  }

  /**
   * Calls `listener` with each signal, or with those of some kinds, at once;
   * returns what ends that.
   *
   * @throws {CypherError} `BAD_OPTION` if an option is not right.
   */
  listen<K extends SignalKind = SignalKind>(
    listener: (signal: SignalOf<K>) => void,
    options: ListenOptions<K> = {},
  ): () => void {
    checkNames("", options, ["kinds"]);
    const kinds = checkKinds(options.kinds);
    const unlisten = this.#signals.listen(
      kinds === SIGNAL_KINDS
        ? listener as (signal: Signal) => void
        : (signal) =>
          kinds.includes(signal.kind) && listener(signal as SignalOf<K>),
    );
    this.#want(kinds, 1);
    let listening = true;
    return () => {
      if (!listening) return;
      listening = false;
      unlisten();
      this.#want(kinds, -1);
    };
  }

  /** The number of the last signal published. */
  get lastSignal(): number {
    return this.#lastSignal;
  }

  /** Whether anybody listens. */
  get watched(): boolean {
    return this.#signals.watched;
  }

  /** Whether anybody wants signals of a kind; if not, none need be made. */
  wants(kind: SignalKind): boolean {
    return this.#wanted.get(kind) !== undefined;
  }

  /** For servers: a new connection's id. */
  nextId(): string {
    return String(++this.#lastConnection);
  }

  /** For servers: a connection is live from now on. */
  add(connection: Watched): void {
    this.#connections.set(connection.id, connection);
  }

  /** For servers: a connection is gone. */
  remove(connection: Watched): void {
    this.#connections.delete(connection.id);
  }

  /** For servers: `info` tells about a listener; returns what takes it back. */
  addListener(info: () => ListenerInfo): () => void {
    this.#listeners.add(info);
    return () => void this.#listeners.delete(info);
  }

  /**
   * For servers: `told` whenever somebody begins to listen or ends, with whether
   * anybody does.
   */
  onWatched(told: (watched: boolean) => void): () => void {
    this.#watching.add(told);
    return () => void this.#watching.delete(told);
  }

  /**
   * For servers: a limit was reached. A flood reaches it at each try, so it is
   * told once a second, with how often that was.
   */
  limit(
    limit: string,
    about: Omit<SignalBase, "id" | "at"> = NO_CONNECTION,
  ): void {
    if (!this.wants("limit")) return;
    const now = this.#clock.now();
    const { at = -Infinity, count = 0 } = this.#limits.get(limit) ?? {};
    const due = now - at >= LIMIT_PAUSE;
    this.#limits.set(
      limit,
      due ? { at: now, count: 0 } : { at, count: count + 1 },
    );
    if (due) {
      this.publish({ kind: "limit", limit, count: count + 1, ...about });
    }
  }

  /** For servers: numbers a signal and hands it to everybody. */
  publish(signal: NewSignal & { readonly at?: number }): void {
    if (!this.wants(signal.kind)) return;
    this.#signals.publish(
      { id: ++this.#lastSignal, at: this.#clock.wall(), ...signal } as Signal,
    );
  }

  #want(kinds: readonly SignalKind[], more: 1 | -1): void {
    for (const kind of kinds) {
      const count = (this.#wanted.get(kind) ?? 0) + more;
      if (count === 0) this.#wanted.delete(kind);
      else this.#wanted.set(kind, count);
    }
    for (const told of this.#watching) told(this.watched);
  }
}

function checkKinds(
  kinds: readonly SignalKind[] = SIGNAL_KINDS,
): readonly SignalKind[] {
  const known = Array.isArray(kinds) &&
    kinds.every((kind) => SIGNAL_KINDS.includes(kind));
  if (!known) {
    throw badOption("kinds", `a list of ${SIGNAL_KINDS.join(", ")}`, kinds);
  }
  // Whoever gave it may change it.
  return kinds === SIGNAL_KINDS ? kinds : [...kinds];
}
