import { CypherError } from "../protocol/errors.ts";
import { checkNumbers } from "../protocol/options.ts";
import { Answers } from "./answers.ts";
import { ClassicWire } from "./classic_wire.ts";
import { Executor } from "./executor.ts";
import { Journal } from "./journal.ts";
import { KeyRing, type ServerKeys } from "./key_ring.ts";
import type { Monitor } from "./monitor.ts";
import {
  checkServerOptions,
  type CypherServerOptions,
  GRACE,
} from "./options.ts";
import { Runner } from "./runner.ts";
import { NO_CONNECTION } from "./signals.ts";
import { TcpCore } from "./tcp_core.ts";
import { ClientRegistry } from "./session/client_registry.ts";
import { SessionWire } from "./session/session_wire.ts";
import { serveWires } from "./wires.ts";

/**
 * Answers encrypted requests over long-lived TCP connections.
 *
 * A request is executed at most once among the last `answers.tokens` of this
 * server instance, however often it is sent: a repeat gets the first answer.
 * With a `journal` that holds across restarts.
 *
 * @example
 * ```ts
 * import { CypherServer } from "@cypher/protocol";
 *
 * await using server = new CypherServer({
 *   port: 0,
 *   encryptionKey: "server-to-client-key-of-32-chars",
 *   decryptionKey: "client-to-server-key-of-32-chars",
 *   handler: ({ path }) => ({ data: `You asked for ${path}` }),
 * });
 * await server.start();
 * console.log(server.address.port);
 * ```
 */
export class CypherServer implements AsyncDisposable {
  /** Sees the connections and tells what happens to them. */
  readonly monitor: Monitor;
  #core: TcpCore;
  #keys: KeyRing;
  #clients: ClientRegistry;
  #stopped: Promise<void> | undefined;

  /**
   * Makes a server; {@linkcode CypherServer.start} lets it listen.
   *
   * @throws {CypherError} `BAD_OPTION` naming the option that is not right.
   */
  constructor(options: CypherServerOptions) {
    const checked = checkServerOptions(options);
    const { monitor, clock, limits, recvBuffer } = checked;
    // Should the journal be unusable.
    using undo = new DisposableStack();
    const keys = undo.use(
      new KeyRing([checked, ...checked.olderKeys], checked),
    );
    const journal = checked.journal
      ? new Journal(checked.journal, (error) => this.#failed(error))
      : undefined;
    const answers = new Answers({ ...checked.answers, journal });
    const runner = new Runner(checked);
    const { idempotent } = checked;
    const executor = new Executor({ runner, answers, idempotent, journal });
    const classic = new ClassicWire({
      keys,
      executor,
      answers,
      recvBuffer,
      ...limits,
    });
    const clients = new ClientRegistry({
      journal,
      clock,
      maxBytes: checked.answers.maxBytes,
      maxAge: checked.answers.maxAge,
      maxAway: checked.answers.clients,
    });
    const session = new SessionWire({
      ...limits,
      ...checked,
      runner,
      clients,
      serverId: journal?.serverId ?? crypto.randomUUID(),
      keys,
    });
    const wires = [session, classic].filter(({ name }) =>
      checked.wires.includes(name)
    );
    const choice = { wires, clock, patience: limits.handshakeTimeout };
    this.monitor = monitor;
    this.#keys = keys;
    this.#clients = clients;
    this.#core = new TcpCore({
      ...checked,
      clock,
      wires: wires.map(({ name }) => name),
      maxConnections: limits.connections,
      maxPerAddress: limits.connectionsPerAddress,
      bans: { badTokens: limits.badTokens, banTime: limits.banTime },
      pace: { timeout: limits.messageTimeout, rate: limits.messageRate },
      handshakeTimeout: limits.handshakeTimeout,
      unproven: { connections: limits.unproven, bytes: limits.unprovenBytes },
      serve: (connection) => serveWires(choice, connection),
      idle: () => runner.idle(),
      abandon: () =>
        runner.abort(new CypherError("CLOSED", "The server was stopped")),
    });
    undo.move();
  }

  /**
   * Where it listens, with the port that was taken for port 0.
   *
   * @throws {CypherError} `CLOSED` before {@linkcode CypherServer.start}.
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
    if (this.#keys.equalKeys) this.#warnOfEqualKeys();
  }

  /**
   * Accepts a newer pair of keys from now on, besides those that it accepts.
   * Gives the pair's generation, as {@linkcode ConnectionInfo} shows it.
   *
   * @throws {CypherError} `BAD_OPTION` if a key is not of its form.
   */
  addKeys(keys: ServerKeys): number {
    const number = this.#keys.add(keys);
    // Before the start nobody listens yet: that tells it then.
    const [added] = this.#keys.generations;
    if (this.#core.address && added?.envelope.equalKeys) {
      this.#warnOfEqualKeys();
    }
    return number;
  }

  /**
   * Accepts a pair of keys no longer, and closes the connections that use it.
   *
   * @throws {CypherError} `BAD_OPTION` if there is no such generation, or if it
   * is the only one.
   */
  withdrawKeys(generation: number): void {
    this.#keys.withdraw(generation);
    this.#core.closeEach(
      (connection) => connection.generation === generation,
      "withdrawn",
    );
  }

  /**
   * Stops: takes no new connections and requests, lets those in progress finish
   * for `grace` ms (default 10,000), then aborts their signals and closes.
   * Further calls wait for the first.
   *
   * @throws {CypherError} `BAD_OPTION` if `grace` is out of range.
   */
  async stop(options: { grace?: number } = {}): Promise<void> {
    const { grace } = checkNumbers("", options, { grace: GRACE });
    await (this.#stopped ??= this.#stop(grace));
  }

  #warnOfEqualKeys(): void {
    this.monitor.publish({
      kind: "notice",
      code: "EQUAL_KEYS",
      message: "Both keys are the same: what Python peers seal can be sent " +
        "back to them as if it were from the other side. Use two keys",
      ...NO_CONNECTION,
    });
  }

  /** Without its journal the server cannot keep its promise, so it stops. */
  #failed(error: CypherError): void {
    this.monitor.publish({
      kind: "notice",
      code: "JOURNAL_FAILED",
      message: `The server stops: ${error.message}`,
      ...NO_CONNECTION,
    });
    this.stop({ grace: 0 });
  }

  async #stop(grace: number): Promise<void> {
    await this.#core.stop(grace);
    this.#clients.close();
    this.#keys[Symbol.dispose]();
  }

  /** {@linkcode CypherServer.stop} with the default grace. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
