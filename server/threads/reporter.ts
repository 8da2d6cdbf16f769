import { type ConnectionInfo, Monitor, type Watched } from "../monitor.ts";
import type { NewSignal, SignalKind } from "../signals.ts";
import type { Event, FromThread } from "./messages.ts";
import { isAnyWanted, isWanted } from "./wanted.ts";

/** How long what happened may wait to be told together, in ms. */
const GATHER = 10;
/** How often the main thread is told of connections' counts, in ms. */
const REFRESH = 500;

/** How a {@linkcode Reporter} is made. */
export interface ReporterOptions {
  /** Begins the connections' ids. */
  prefix: string;
  /** Where it stands what anybody wants to know. */
  control: SharedArrayBuffer;
  tell: (message: FromThread) => void;
}

/**
 * A thread's monitor: it has no listeners of its own, but tells the main
 * thread's, which shows every thread's connections.
 */
export class Reporter extends Monitor {
  #options: ReporterOptions;
  #control: Int32Array;
  #live = new Map<string, Watched>();
  #told = new Map<string, string>();
  #events: Event[] = [];
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #refreshing: ReturnType<typeof setInterval>;
  #last = 0;

  constructor(options: ReporterOptions) {
    super();
    this.#options = options;
    this.#control = new Int32Array(options.control);
    this.#refreshing = setInterval(() => this.#refresh(), REFRESH);
  }

  override get watched(): boolean {
    return isAnyWanted(this.#control);
  }

  override wants(kind: SignalKind): boolean {
    return isWanted(this.#control, kind);
  }

  override nextId(): string {
    return `${this.#options.prefix}-${++this.#last}`;
  }

  override add(connection: Watched): void {
    this.#live.set(connection.id, connection);
    this.#tell({ kind: "info", info: connection.info() });
  }

  override remove(connection: Watched): void {
    this.#live.delete(connection.id);
    this.#told.delete(connection.id);
    this.#tell({ kind: "gone", connection: connection.id });
  }

  override disconnect(id: string): boolean {
    const connection = this.#live.get(id);
    connection?.close("disconnected");
    return connection !== undefined;
  }

  override publish(signal: NewSignal): void {
    if (!this.wants(signal.kind)) return;
    const connection = this.#live.get(signal.connection);
    if (connection && signal.kind !== "request") {
      this.#tell({ kind: "info", info: connection.info() });
    }
    this.#tell({ kind: "signal", signal: { at: Date.now(), ...signal } });
  }

  /** Closes a connection, as the main thread was told to. */
  close(id: string, reason: Parameters<Watched["close"]>[0]): void {
    this.#live.get(id)?.close(reason);
  }

  /** Tells what is not told yet, and no more after that. */
  stop(): void {
    clearInterval(this.#refreshing);
    this.#flush();
  }

  #tell(event: Event): void {
    this.#events.push(event);
    this.#gathering ??= setTimeout(() => this.#flush(), GATHER);
  }

  #flush(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#events.length === 0) return;
    this.#options.tell({ kind: "report", events: this.#events });
    this.#events = [];
  }

  #refresh(): void {
    for (const connection of this.#live.values()) {
      const info = connection.info();
      const shown = countsOf(info);
      if (this.#told.get(info.id) === shown) continue;
      this.#told.set(info.id, shown);
      this.#tell({ kind: "info", info });
    }
  }
}

/** What of a connection changes without a signal. */
function countsOf(info: ConnectionInfo): string {
  const { state, requests, failures, bytesIn, bytesOut, inProgress } = info;
  return [state.kind, requests, failures, bytesIn, bytesOut, inProgress].join();
}
