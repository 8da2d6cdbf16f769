import { CypherError } from "../protocol/errors.ts";
import { checkNumbers } from "../protocol/options.ts";
import { CypherCore, type Serving } from "./cypher_core.ts";
import { Journal } from "./journal.ts";
import type { ServerKeys } from "./key_ring.ts";
import type { Monitor } from "./monitor.ts";
import {
  type CheckedOptions,
  checkServerOptions,
  type CypherServerOptions,
  GRACE,
} from "./options.ts";
import { NO_CONNECTION } from "./signals.ts";
import { Threads } from "./threads/threads.ts";

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
  #serving: Serving;
  #stopped: Promise<void> | undefined;

  /**
   * Makes a server; {@linkcode CypherServer.start} lets it listen.
   *
   * @throws {CypherError} `BAD_OPTION` naming the option that is not right.
   */
  constructor(options: CypherServerOptions) {
    const checked = checkServerOptions(options);
    this.monitor = checked.monitor;
    this.#serving = serve(checked, (error) => this.#failed(error));
  }

  /**
   * Where it listens, with the port that was taken for port 0.
   *
   * @throws {CypherError} `CLOSED` before {@linkcode CypherServer.start}.
   */
  get address(): Deno.NetAddr {
    if (this.#serving.address) return this.#serving.address;
    throw new CypherError(
      "CLOSED",
      "Cannot tell the server's address: it was not started",
    );
  }

  /**
   * Starts to listen.
   *
   * @throws {CypherError} `LISTEN_FAILED` if the address is taken or not this
   * machine's, `CLOSED` if the server was started before, `BAD_OPTION` if the
   * handler's module cannot be used, or has not loaded within `loadTimeout`;
   * `cause` is what the module threw.
   */
  async start(): Promise<void> {
    try {
      await this.#serving.start();
    } catch (error) {
      // Its stack would show our own code: who reads it looks for who started.
      if (error instanceof CypherError) Error.captureStackTrace(error);
      throw error;
    }
    if (this.#serving.equalKeys) this.#warnOfEqualKeys();
  }

  /**
   * Accepts a newer pair of keys from now on, besides those that it accepts.
   * Gives the pair's generation, as {@linkcode ConnectionInfo} shows it.
   *
   * @throws {CypherError} `BAD_OPTION` if a key is not of its form.
   */
  addKeys(keys: ServerKeys): number {
    const number = this.#serving.addKeys(keys);
    // Before the start nobody listens yet: that tells it then.
    const equal = keys.encryptionKey === keys.decryptionKey;
    if (equal && this.#serving.address) this.#warnOfEqualKeys();
    return number;
  }

  /**
   * Accepts a pair of keys no longer, and closes the connections that use it.
   *
   * @throws {CypherError} `BAD_OPTION` if there is no such generation, or if it
   * is the only one.
   */
  withdrawKeys(generation: number): void {
    this.#serving.withdrawKeys(generation);
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
    await (this.#stopped ??= this.#serving.stop(grace));
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

  /** {@linkcode CypherServer.stop} with the default grace. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** What serves with these options; `failed` is told when its journal is lost. */
function serve(
  options: CheckedOptions,
  failed: (error: CypherError) => void,
): Serving {
  const { handler } = options;
  if (handler instanceof URL) {
    return new Threads({ ...options, handler, failed });
  }
  const journalling = options.journal
    ? new Journal(options.journal, failed)
    : undefined;
  const serverId = journalling?.serverId ?? crypto.randomUUID();
  try {
    return new CypherCore({ ...options, handler, journalling, serverId });
  } catch (error) {
    journalling?.close();
    throw error;
  }
}
