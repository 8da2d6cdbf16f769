import type { Monitor } from "./monitor.ts";
import type { About, NewSignal, OfflineReason, SignalBody } from "./signals.ts";
import type { Tally } from "./tally.ts";

/** A request's outcome, for the monitor. */
export interface RequestOutcome {
  readonly path: string;
  readonly operation: string;
  /** The answer's status code, `"OK"` for success. */
  readonly status: string;
  /** What the status says to people. */
  readonly message: string;
  readonly repeated: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What one connection tells the monitor, and who it says that it is. */
export class ConnectionSignals {
  /** Who the peer says it is, once that is known. */
  name: string | undefined;
  #monitor: Monitor;
  #id: string;
  #address: string;
  #wire = "";

  /** `id` is the connection's, `address` the peer's, with its port. */
  constructor(monitor: Monitor, id: string, address: string) {
    this.#monitor = monitor;
    this.#id = id;
    this.#address = address;
  }

  /** What the peer speaks; `""` while that is not known. */
  get wire(): string {
    return this.#wire;
  }

  /** The peer speaks this wire, and may have said its name. */
  online(wire: string, name: string | undefined): void {
    this.#wire = wire;
    if (name !== undefined) this.name = name;
    this.#signal({ kind: "online" });
  }

  /** The peer is gone; told only if it was online. */
  offline(reason: OfflineReason, tally: Tally): void {
    if (this.#wire === "") return;
    this.#signal({
      kind: "offline",
      reason,
      connected: tally.age,
      requests: tally.requests,
      inProgress: tally.inProgress,
    });
  }

  /** The peer did not do what was due within `after` ms. */
  timeout(after: number): void {
    this.#signal({ kind: "timeout", after });
  }

  /** A request has ended so, `latency` ms after it began. */
  request(outcome: RequestOutcome, latency: number): void {
    if (!this.#monitor.wants("request")) return;
    const { path, operation, status, message: _, ...rest } = outcome;
    this.#signal({
      kind: "request",
      path,
      operation,
      status,
      latency,
      ...rest,
    });
  }

  /** Something went wrong. */
  failure(
    code: string,
    message: string,
    request: { path?: string; operation?: string },
  ): void {
    this.#signal({ kind: "failure", code, message, ...request });
  }

  /** A limit was hit, by what the peer does. */
  limit(limit: string): void {
    this.#monitor.limit(limit, this.#about());
  }

  #signal(body: SignalBody): void {
    if (!this.#monitor.wants(body.kind)) return;
    this.#monitor.publish({ ...this.#about(), ...body } as NewSignal);
  }

  #about(): About {
    return {
      connection: this.#id,
      address: this.#address,
      name: this.name,
      wire: this.#wire,
    };
  }
}
