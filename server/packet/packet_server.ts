import { sleep } from "../../protocol/clock.ts";
import { CypherError } from "../../protocol/errors.ts";
import { checkNumbers } from "../../protocol/options.ts";
import type { Connection } from "../connection.ts";
import type { Monitor } from "../monitor.ts";
import { TcpCore } from "../tcp_core.ts";
import {
  checkPacketServerOptions,
  PACKET_GRACE,
  type PacketServerOptions,
  type PacketServerSettings,
} from "./options.ts";
import { Session, WIRE } from "./session.ts";

/**
 * Takes messages over the packet protocol, and acknowledges them.
 *
 * @example
 * ```ts
 * import { PacketServer } from "@cypher/protocol/packet";
 *
 * await using server = new PacketServer({
 *   port: 0,
 *   handler: (message, { address }) => console.log(address, message.length),
 * });
 * await server.start();
 * console.log(server.address.port);
 * ```
 */
export class PacketServer implements AsyncDisposable {
  /** Sees the connections and tells what happens to them. */
  readonly monitor: Monitor;
  #settings: PacketServerSettings;
  #core: TcpCore;
  #sessions = new Map<Session, Promise<void>>();
  #abandoned = new AbortController();
  #stopping: Promise<void> | undefined;

  /**
   * Makes a server; {@linkcode PacketServer.start} lets it listen.
   *
   * @throws {CypherError} `BAD_OPTION` naming the option that is not right.
   */
  constructor(options: PacketServerOptions = {}) {
    const settings = this.#settings = checkPacketServerOptions(options);
    this.monitor = settings.monitor;
    this.#core = new TcpCore({
      ...settings,
      wires: [WIRE],
      maxConnections: settings.limits.connections,
      serve: (connection) => this.#serve(connection),
      abandon: () => this.#abandoned.abort(),
    });
  }

  /**
   * Where it listens, with the port that was taken for port 0.
   *
   * @throws {CypherError} `CLOSED` before {@linkcode PacketServer.start}.
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

  /**
   * Stops: takes no more connections and messages, lets the handler finish what
   * was acknowledged for `grace` ms (default 10,000), says goodbye to the peers
   * and closes. Further calls wait for the first.
   *
   * @throws {CypherError} `BAD_OPTION` if `grace` is out of range.
   */
  async stop(options: { grace?: number } = {}): Promise<void> {
    const { grace } = checkNumbers("", options, { grace: PACKET_GRACE });
    await (this.#stopping ??= this.#stop(grace));
  }

  /** {@linkcode PacketServer.stop} with the default grace. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(grace: number): Promise<void> {
    const { clock } = this.#settings;
    const end = clock.now() + grace;
    // The goodbyes come before the core's drain, which closes idle connections
    // without a word.
    const left = new AbortController();
    const over = sleep(clock, grace, left.signal).catch(() => {});
    for (const session of this.#sessions.keys()) session.leave();
    await Promise.race([Promise.allSettled(this.#sessions.values()), over]);
    left.abort();
    await this.#core.stop(Math.max(0, Math.round(end - clock.now())));
  }

  async #serve(connection: Connection): Promise<void> {
    if (this.#stopping) return connection.close("stopped");
    const session = new Session(
      this.#settings,
      connection,
      this.#abandoned.signal,
    );
    const running = session.run();
    this.#sessions.set(session, running);
    try {
      await running;
    } finally {
      this.#sessions.delete(session);
    }
  }
}
