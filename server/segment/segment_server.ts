import {
  Broadcast,
  type SubscribeOptions,
  type Subscription,
} from "../../protocol/broadcast.ts";
import { CypherError } from "../../protocol/errors.ts";
import { checkNumbers } from "../../protocol/options.ts";
import type { Connection } from "../connection.ts";
import type { Monitor } from "../monitor.ts";
import { GRACE } from "../options.ts";
import { TcpCore } from "../tcp_core.ts";
import {
  checkSegmentServerOptions,
  type SegmentServerOptions,
  type SegmentServerSettings,
} from "./options.ts";
import { serveSession, WIRE } from "./session.ts";
import type { SegmentServerStep } from "./steps.ts";

/**
 * Answers messages on the segment protocol: a three-way handshake, then each
 * message's answer in a block of an agreed size, sent again until the client
 * has it intact. It speaks both versions; each client chooses its own.
 *
 * Nothing is encrypted and nobody is authenticated: whom it listens to is
 * whoever can reach it, so by default that is this machine alone.
 *
 * @example
 * ```ts
 * import { SegmentServer } from "@cypher/protocol/segment";
 *
 * await using server = new SegmentServer({ port: 0 });
 * await server.start();
 * console.log(server.address.port);
 * ```
 */
export class SegmentServer implements AsyncDisposable {
  /** Sees the connections and tells what happens to them. */
  readonly monitor: Monitor;
  #settings: SegmentServerSettings;
  #core: TcpCore;
  #steps = new Broadcast<SegmentServerStep>();
  #stopped = new AbortController();

  /**
   * Makes a server; {@linkcode SegmentServer.start} lets it listen.
   *
   * @throws {CypherError} `BAD_OPTION` naming the option that is not right.
   */
  constructor(options: SegmentServerOptions = {}) {
    const settings = this.#settings = checkSegmentServerOptions(options);
    const { monitor, limits, bufferSize, onStep } = settings;
    this.monitor = monitor;
    if (onStep) this.#steps.listen(onStep);
    this.#core = new TcpCore({
      ...settings,
      wires: [WIRE],
      // A block is written as a whole.
      transmissionBuffer: bufferSize,
      maxConnections: limits.connections,
      // A handshake holds a block or two, whatever a peer sends.
      unproven: {
        connections: limits.handshakes,
        bytes: Infinity,
        limit: "handshakes",
      },
      serve: (connection) => this.#serve(connection),
      abandon: () =>
        this.#stopped.abort(
          new CypherError("CLOSED", "The server was stopped"),
        ),
    });
  }

  /**
   * Where it listens, with the port that was taken for port 0.
   *
   * @throws {CypherError} `CLOSED` before {@linkcode SegmentServer.start}.
   */
  get address(): Deno.NetAddr {
    if (this.#core.address) return this.#core.address;
    throw new CypherError(
      "CLOSED",
      "Cannot tell the server's address: it was not started",
    );
  }

  /**
   * Starts to listen.
   *
   * @throws {CypherError} `LISTEN_FAILED` if the address is taken or not this
   * machine's, `CLOSED` if the server was started before.
   */
  // deno-lint-ignore require-await
  async start(): Promise<void> {
    this.#core.start();
  }

  /** The clients' steps from now on, as an async iterable. */
  steps(options?: SubscribeOptions): Subscription<SegmentServerStep> {
    return this.#steps.subscribe(options);
  }

  /**
   * Stops: takes no new connections and messages, lets answers in progress be
   * settled for `grace` ms (default 10,000), then closes. Further calls wait
   * for the first.
   *
   * @throws {CypherError} `BAD_OPTION` if `grace` is out of range.
   */
  async stop(options: { grace?: number } = {}): Promise<void> {
    const { grace } = checkNumbers("", options, { grace: GRACE });
    await this.#core.stop(grace);
    this.#steps.close();
  }

  /** {@linkcode SegmentServer.stop} with the default grace. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #serve(connection: Connection): Promise<void> {
    const { id, address } = connection;
    return serveSession(connection, {
      settings: this.#settings,
      stopped: this.#stopped.signal,
      tell: (step) => {
        if (!this.#steps.watched) return;
        const at = this.#settings.clock.wall();
        this.#steps.publish({ step, at, connection: id, address });
      },
    });
  }
}
