import { addressOf } from "../protocol/address.ts";
import { type Clock, sleep } from "../protocol/clock.ts";
import { CypherError } from "../protocol/errors.ts";
import { ConnTransport, lossOf } from "../protocol/transport.ts";
import { Admission } from "./admission.ts";
import type { BanOptions, Bans } from "./bans.ts";
import { Connection } from "./connection.ts";
import {
  type AcceptedConn,
  type Listen,
  type Listener,
  listenFailed,
  listenTcp,
} from "./listener.ts";
import type { MessagePace } from "./message_deadline.ts";
import type { ListenerInfo, Monitor } from "./monitor.ts";
import { originOf } from "./origin.ts";
import { NO_CONNECTION, type OfflineReason } from "./signals.ts";
import { Unproven, type UnprovenLimits } from "./unproven.ts";

/** How long to wait after an `accept()` that failed, in ms. */
const ACCEPT_PAUSE = 100;
/** After so long without such a failure, in ms, a shortage may be over. */
const SHORTAGE_OVER = 1_000;

/** Serves one connection until it is over. */
export type Serve = (connection: Connection) => Promise<void>;

/** How a {@linkcode TcpCore} is made. */
export interface TcpCoreOptions {
  hostname: string;
  port: number;
  /** The wires that `serve` speaks, for the monitor. */
  wires: readonly string[];
  serve: Serve;
  /** Resolves once nothing runs any more that outlives its connection. */
  idle?: () => Promise<void>;
  /** Called once the grace of a stop is over, before connections are closed. */
  abandon?: () => void;
  monitor: Monitor;
  clock: Clock;
  /** The longest a connection may go without a request, in ms. */
  timeout: number;
  /** The most that is written at once, in bytes. */
  transmissionBuffer: number;
  /** How many connections may be open. */
  maxConnections: number;
  /** How many of them may be of one address, default any number. */
  maxPerAddress?: number;
  /** When an address is refused for what it sent, default never. */
  bans?: Partial<Omit<BanOptions, "clock">>;
  /** How fast a message has to arrive, default at any pace. */
  pace?: MessagePace;
  /** What those that are not proven may use up, default without a bound. */
  unproven?: UnprovenLimits;
  /** Opens the listener, default TCP. */
  listen?: Listen;
  /** How long what `listen` puts below the wire may take, default `timeout`. */
  handshakeTimeout?: number;
}

/** Where a core stands. */
type CoreState =
  | { readonly kind: "new" }
  | { readonly kind: "listening"; readonly listener: Listener }
  | {
    readonly kind: "draining";
    readonly until: number;
    readonly done: Promise<void>;
  }
  | { readonly kind: "stopped"; readonly done: Promise<void> };

/**
 * Listens, accepts, counts and drains. It knows connections and no protocol:
 * what is spoken on them is up to `serve`.
 */
export class TcpCore {
  #options: TcpCoreOptions;
  #state: CoreState = { kind: "new" };
  #address: Deno.NetAddr | undefined;
  #unproven: Unproven;
  #admission: Admission;
  #connections = new Map<Connection, Promise<void>>();
  #accepting: Promise<void> = Promise.resolve();
  #stopped = new AbortController();
  #unlist = () => {};

  constructor(options: TcpCoreOptions) {
    this.#options = options;
    this.#unproven = new Unproven(
      options.unproven ?? { connections: Infinity, bytes: Infinity },
    );
    const { clock, monitor, bans, maxConnections, maxPerAddress = Infinity } =
      options;
    this.#admission = new Admission({
      clock,
      connections: maxConnections,
      connectionsPerAddress: maxPerAddress,
      badTokens: Infinity,
      banTime: 0,
      ...bans,
      onBan: (origin, time) => {
        monitor.limit("badTokens", { ...NO_CONNECTION, address: origin });
        bans?.onBan?.(origin, time);
      },
    });
  }

  /** The addresses that are refused for what they sent. */
  get bans(): Bans {
    return this.#admission.bans;
  }

  /** The address listened on, with the port that was taken for port 0. */
  get address(): Deno.NetAddr | undefined {
    return this.#address;
  }

  /**
   * Starts to listen.
   *
   * @throws {CypherError} `LISTEN_FAILED` if the address is taken or not ours,
   * `CLOSED` if the core was started before.
   */
  start(): void {
    if (this.#state.kind !== "new") {
      throw new CypherError(
        "CLOSED",
        "Cannot start the server: it was started before",
      );
    }
    const listener = this.#listen();
    this.#state = { kind: "listening", listener };
    this.#address = listener.addr as Deno.NetAddr;
    this.#unlist = this.#options.monitor.addListener(() => this.#info());
    this.#accepting = this.#accept(listener);
  }

  /**
   * Stops: accepts no more, lets requests in progress finish for `grace` ms,
   * then closes what is left. Further calls wait for the first.
   */
  stop(grace: number): Promise<void> {
    if (this.#state.kind === "draining" || this.#state.kind === "stopped") {
      return this.#state.done;
    }
    const listener = this.#state.kind === "listening" && this.#state.listener;
    const done = this.#drain(grace);
    const until = this.#options.clock.wall() + grace;
    this.#state = { kind: "draining", until, done };
    if (listener) listener.close();
    for (const connection of this.#connections.keys()) connection.drain(until);
    return done;
  }

  /** Closes the connections that a condition holds for. */
  closeEach(
    condition: (connection: Connection) => boolean,
    reason: OfflineReason,
  ): void {
    for (const connection of this.#connections.keys()) {
      if (condition(connection)) connection.close(reason);
    }
  }

  async #drain(grace: number): Promise<void> {
    await Promise.resolve();
    const { clock, idle, abandon } = this.#options;
    const over = new AbortController();
    const timer = clock.setTimeout(() => over.abort(), grace);
    over.signal.addEventListener("abort", () => {
      abandon?.();
      this.closeEach(() => true, "stopped");
    });
    this.#stopped.abort();
    await this.#accepting;
    await Promise.all(this.#connections.values());
    await idle?.();
    clock.clearTimeout(timer);
    this.#unlist();
    this.#state = { kind: "stopped", done: Promise.resolve() };
  }

  #listen(): Listener {
    const { hostname, port, listen = listenTcp() } = this.#options;
    try {
      return listen({ hostname, port });
    } catch (cause) {
      throw listenFailed(hostname, port, cause);
    }
  }

  async #accept(listener: Listener): Promise<void> {
    const { clock, monitor } = this.#options;
    let failed = -Infinity;
    let accepted = true;
    while (this.#state.kind === "listening") {
      try {
        const conn = await listener.accept();
        accepted = true;
        // Stopped on the same turn: nobody would tell it to end.
        if (this.#state.kind === "listening") this.#admit(conn);
        else conn.close();
      } catch (error) {
        if (this.#state.kind !== "listening") return;
        // The peer was gone before its turn: nobody else is to wait for that.
        if (lossOf(error) === "peer-reset") continue;
        // Most likely out of file descriptors: connections that close will
        // free some, and others take them again. Said once, not at every try;
        // while nobody is accepted it is not over, however late the next try.
        const now = clock.now();
        if (accepted && now - failed > SHORTAGE_OVER) {
          monitor.limit("descriptors");
        }
        failed = now;
        accepted = false;
        await sleep(clock, ACCEPT_PAUSE, this.#stopped.signal).catch(() => {});
      }
    }
  }

  #admit(conn: AcceptedConn): void {
    const { hostname } = conn.remoteAddr as Deno.NetAddr;
    const origin = originOf(hostname);
    const refusal = this.#admission.refusal(origin);
    // Where nobody has to prove anything, first come is first served.
    const crowded = refusal === "connections" && this.#options.unproven &&
      this.#unproven.crowdOutOldest(refusal);
    if (!refusal || crowded) return this.#take(conn, origin);
    conn.close();
    // A ban is told once, not at each try to come back.
    if (refusal !== "badTokens") this.#options.monitor.limit(refusal);
  }

  #take(conn: AcceptedConn, origin: string): void {
    const { monitor, clock, timeout, transmissionBuffer, pace } = this.#options;
    const { hostname, port } = conn.remoteAddr as Deno.NetAddr;
    const admission = this.#admission;
    withoutDelay(conn);
    const connection = new Connection({
      transport: new ConnTransport(conn, transmissionBuffer),
      monitor,
      clock,
      timeout,
      unproven: this.#unproven,
      pace,
      onUnopened: () => admission.bans.strike(origin),
      address: addressOf({ hostname, port }),
    });
    admission.enter(origin);
    const gone = this.#run(connection, conn).then(() =>
      admission.leave(origin)
    );
    this.#connections.set(connection, gone);
  }

  async #run(connection: Connection, conn: AcceptedConn): Promise<void> {
    try {
      if (conn.handshake) await this.#handshake(connection, conn);
      if (!connection.ended) await this.#options.serve(connection);
    } catch (error) {
      connection.fault(error);
    }
    await connection.release();
    this.#connections.delete(connection);
  }

  /** Sees through what is below the wire, or closes the connection. */
  async #handshake(connection: Connection, conn: AcceptedConn): Promise<void> {
    const { timeout, handshakeTimeout = timeout } = this.#options;
    connection.allow(
      handshakeTimeout,
      "handshake-timeout",
      "handshakeTimeout",
    );
    const held = (bytes: number) => this.#unproven.hold(connection, bytes);
    try {
      await conn.handshake!(held);
      held(0);
      connection.allow(timeout);
    } catch (error) {
      if (connection.ended) return;
      const reason = lossOf(error);
      if (reason !== "peer-lost") return connection.close(reason);
      const problem = error instanceof Error ? error.message : String(error);
      connection.failure("TLS_FAILED", problem);
      connection.close("protocol-error");
    }
  }

  #info(): ListenerInfo {
    const { hostname, port } = this.#address!;
    const { wires } = this.#options;
    const base = { hostname, port, wires };
    return this.#state.kind === "draining"
      ? { ...base, state: "draining", until: this.#state.until }
      : { ...base, state: "listening" };
  }
}

/**
 * An answer soon after another would wait until the peer has acknowledged that,
 * which a peer that has nothing to send does 40 ms later.
 */
function withoutDelay(conn: AcceptedConn): void {
  try {
    conn.setNoDelay?.(true);
  } catch {
    // It is gone already, as the first read will say.
  }
}
