import { addressOf, hostOf } from "../protocol/address.ts";
import { CypherError } from "../protocol/errors.ts";
import {
  badOption,
  checkHostname,
  checkNumber,
  count,
} from "../protocol/options.ts";
import type { Monitor } from "../server/monitor.ts";
import { type Dashboard, DashboardApp } from "./dashboard_app.ts";
import { isLoopback, isWildcard } from "./hosts.ts";
import type { DashboardOptions } from "./options.ts";

/** How {@linkcode serveDashboard} serves. */
export interface ServeDashboardOptions extends DashboardOptions {
  /**
   * The address to listen on, default `"127.0.0.1"`: this machine alone. Any
   * that others can reach needs `token`.
   */
  hostname?: string;
  /** The port, default 8080; 0 takes a free one. */
  port?: number;
  /** Whether to take a free port if this one is taken, default false. */
  fallbackPort?: boolean;
}

/** What `port` allows; the command line shares it. */
export const HTTP_PORT = count(8_080, 0, 65_535);

/** How long open answers may take to end at a close, in ms. */
const GRACE = 1_000;

/** A dashboard that listens by itself. */
export class DashboardServer implements AsyncDisposable {
  /** The app behind it. */
  readonly app: Dashboard;
  /** Where it listens. */
  readonly address: Deno.NetAddr;
  /** Whether the port was taken and it listens on another one. */
  readonly moved: boolean;
  #server: Deno.HttpServer<Deno.NetAddr>;
  #abort: AbortController;
  #closing: Promise<void> | undefined;

  /** Made by {@linkcode serveDashboard}. */
  constructor(monitor: Monitor, options: ServeDashboardOptions) {
    const { hostname: host, port, fallbackPort, ...rest } = options;
    const hostname = checkHostname("hostname", host, "127.0.0.1");
    const wanted = checkNumber("port", port, HTTP_PORT);
    if (fallbackPort !== undefined && typeof fallbackPort !== "boolean") {
      throw badOption("fallbackPort", "true or false", fallbackPort);
    }
    if (!isLoopback(hostname) && rest.token === undefined) {
      throw new CypherError(
        "BAD_OPTION",
        'Cannot use the option "hostname": others can reach this address, ' +
          'so it needs "token" beside it',
      );
    }
    const wildcard = isWildcard(hostname);
    this.app = new DashboardApp(monitor, rest, {
      hosts: wildcard ? [] : [hostOf(hostname)],
      addresses: wildcard,
    });
    this.#abort = new AbortController();
    try {
      this.#server = this.#listen(hostname, wanted, fallbackPort === true);
    } catch (error) {
      this.app.close();
      throw error;
    }
    this.address = this.#server.addr;
    this.moved = wanted !== 0 && this.address.port !== wanted;
  }

  /** What to open in a browser. */
  get url(): string {
    const { hostname, port } = this.address;
    if (isWildcard(hostname)) return `http://localhost:${port}/`;
    return `http://${addressOf(this.address)}/`;
  }

  /** Ends the streams and stops to listen. Further calls wait for the first. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** {@linkcode DashboardServer.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.app.close();
    // A client that does not read would hold up a polite end for ever.
    const timer = setTimeout(() => this.#abort.abort(), GRACE);
    await this.#server.shutdown();
    clearTimeout(timer);
  }

  #listen(
    hostname: string,
    port: number,
    fallback: boolean,
  ): Deno.HttpServer<Deno.NetAddr> {
    try {
      return Deno.serve({
        hostname,
        port,
        signal: this.#abort.signal,
        onListen: () => {},
        // The only errors that get here are of streams that were dropped.
        onError: () => new Response(null, { status: 500 }),
      }, this.app.fetch);
    } catch (cause) {
      if (fallback && cause instanceof Deno.errors.AddrInUse) {
        return this.#listen(hostname, 0, false);
      }
      throw new CypherError(
        "LISTEN_FAILED",
        `Cannot serve the dashboard on ${hostname}, port ${port}: ${
          cause instanceof Error ? cause.message : cause
        }`,
        { cause },
      );
    }
  }
}
