import { Hono } from "hono";
import { badOption } from "../protocol/options.ts";
import { Monitor } from "../server/monitor.ts";
import { addRoutes } from "./app.ts";
import type { Env } from "./auth.ts";
import { Collector } from "./collector.ts";
import { Events } from "./events.ts";
import { hostCheck } from "./hosts.ts";
import { checkDashboardOptions, type DashboardOptions } from "./options.ts";
import { Snapshots } from "./snapshot.ts";

/**
 * A Hono app. Spelled like this because `deno doc --lint` takes a package's
 * class for a private type of ours.
 */
export type HonoApp = InstanceType<(typeof import("hono"))["Hono"]>;

/** A dashboard: a Hono app that can be closed. */
export interface Dashboard extends HonoApp, AsyncDisposable {
  /** How many people look: the open event streams. */
  readonly streams: number;
  /** Ends the streams, and stops listening to the monitor. */
  close(): void;
}

/** {@linkcode Dashboard}, for the hosts that whoever serves it goes by. */
export class DashboardApp extends Hono implements Dashboard {
  #collector: Collector;
  #events: Events;

  /** `hosts` are further ones; `addresses` lets any IP address be one. */
  constructor(
    monitor: Monitor,
    options: DashboardOptions = {},
    { hosts = [], addresses = false }: {
      hosts?: readonly string[];
      addresses?: boolean;
    } = {},
  ) {
    super();
    if (!(monitor instanceof Monitor)) {
      throw badOption("monitor", "a Monitor", monitor);
    }
    const settings = checkDashboardOptions(options);
    const { clock, limits, allowedHosts } = settings;
    const collector = new Collector(monitor, clock, limits);
    const snapshots = new Snapshots(monitor, collector, settings);
    const events = new Events(monitor, collector, snapshots, settings);
    this.#collector = collector;
    this.#events = events;
    const routes = new Hono<Env>();
    addRoutes(routes, {
      monitor,
      collector,
      events,
      snapshots,
      settings,
      hosts: hostCheck([...allowedHosts, ...hosts], addresses),
    });
    this.route("/", routes);
  }

  get streams(): number {
    return this.#events.size;
  }

  close(): void {
    this.#events.close();
    this.#collector.close();
  }

  // deno-lint-ignore require-await
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
