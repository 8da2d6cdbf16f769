import type { ConnectionInfo, Monitor, Watched } from "../monitor.ts";
import type { OfflineReason } from "../signals.ts";
import type { Event } from "./messages.ts";

/** How a thread is told to close a connection. */
type Close = (connection: string, reason: OfflineReason) => void;

/** A connection of another thread, as it last was. */
class Distant implements Watched {
  last: ConnectionInfo;
  #close: Close;

  constructor(info: ConnectionInfo, close: Close) {
    this.last = info;
    this.#close = close;
  }

  get id(): string {
    return this.last.id;
  }

  info(): ConnectionInfo {
    return this.last;
  }

  close(reason: OfflineReason): void {
    this.#close(this.id, reason);
  }
}

/** Shows one thread's connections in the main thread's monitor. */
export class Watch {
  #monitor: Monitor;
  #close: Close;
  #connections = new Map<string, Distant>();

  constructor(monitor: Monitor, close: Close) {
    this.#monitor = monitor;
    this.#close = close;
  }

  /** What has happened there, in order. */
  report(events: readonly Event[]): void {
    for (const event of events) {
      switch (event.kind) {
        case "info":
          this.#show(event.info);
          break;
        case "gone":
          this.#remove(event.connection);
          break;
        case "signal":
          this.#monitor.publish(event.signal);
      }
    }
  }

  /** The thread is dead, and its connections with it. */
  died(reason: OfflineReason): void {
    const at = Date.now();
    for (const [id, { last }] of this.#connections) {
      this.#remove(id);
      const { state, wire, address, name, since, requests, inProgress } = last;
      if (state.kind === "closed" || wire === "") continue;
      this.#monitor.publish({
        kind: "offline",
        reason,
        connected: at - since,
        requests,
        inProgress,
        connection: id,
        address,
        name,
        wire,
      });
    }
  }

  #show(info: ConnectionInfo): void {
    const known = this.#connections.get(info.id);
    if (known) {
      known.last = info;
      return;
    }
    const connection = new Distant(info, this.#close);
    this.#connections.set(info.id, connection);
    this.#monitor.add(connection);
  }

  #remove(id: string): void {
    const connection = this.#connections.get(id);
    if (!connection) return;
    this.#connections.delete(id);
    this.#monitor.remove(connection);
  }
}
