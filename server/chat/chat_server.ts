import { CypherError } from "../../protocol/errors.ts";
import { checkNumbers } from "../../protocol/options.ts";
import type { Monitor } from "../monitor.ts";
import { TcpCore } from "../tcp_core.ts";
import {
  CHAT_GRACE,
  type ChatServerOptions,
  checkChatServerOptions,
} from "./options.ts";
import { Room } from "./room.ts";
import { ChatSession, FAREWELL, WIRE } from "./session.ts";

/**
 * A chat room over TCP, in lines that a person can type with `nc`. Private
 * messages between {@linkcode ChatClient}s pass through it sealed: it relays
 * what it cannot read.
 *
 * @example
 * ```ts
 * import { ChatServer } from "@cypher/protocol/chat";
 *
 * await using server = new ChatServer({ port: 0, greeting: "Hello" });
 * await server.start();
 * console.log(server.address.port, server.users);
 * ```
 */
export class ChatServer implements AsyncDisposable {
  /** Sees the connections and tells what happens to them. */
  readonly monitor: Monitor;
  #core: TcpCore;
  #room = new Room();

  /**
   * Makes a server; {@linkcode ChatServer.start} lets it listen.
   *
   * @throws {CypherError} `BAD_OPTION` naming the option that is not right.
   */
  constructor(options: ChatServerOptions = {}) {
    const settings = checkChatServerOptions(options);
    const { heartbeat, pongTimeout, limits } = settings;
    this.monitor = settings.monitor;
    this.#core = new TcpCore({
      ...settings,
      wires: [WIRE],
      // The heartbeat finds who is silent; this is for when it gets stuck.
      timeout: heartbeat + pongTimeout + 2 * FAREWELL,
      maxConnections: limits.connections,
      serve: (connection) =>
        new ChatSession(settings, this.#room, connection).run(),
    });
  }

  /**
   * Where it listens, with the port that was taken for port 0.
   *
   * @throws {CypherError} `CLOSED` before {@linkcode ChatServer.start}.
   */
  get address(): Deno.NetAddr {
    if (this.#core.address) return this.#core.address;
    throw new CypherError(
      "CLOSED",
      "Cannot tell the server's address: it was not started",
    );
  }

  /** The names of the users who are logged in, in the order they came. */
  get users(): string[] {
    return this.#room.names;
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
   * Stops: takes no new connections, tells every client (`DSCN Server stopped`),
   * lets what is being written arrive for at most `grace` ms (default 10,000)
   * and closes. Further calls wait for the first.
   *
   * @throws {CypherError} `BAD_OPTION` if `grace` is out of range.
   */
  async stop(options: { grace?: number } = {}): Promise<void> {
    const { grace } = checkNumbers("", options, { grace: CHAT_GRACE });
    this.#room.dissolve();
    await this.#core.stop(grace);
  }

  /** {@linkcode ChatServer.stop} with the default grace. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
