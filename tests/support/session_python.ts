/** Runs the peers of `session_peer.py`, each in a process of its own. */

import { clientKeys, type Keys, serverKeys, within } from "./cypher.ts";
import { PythonPeer } from "./python_peer.ts";

const SCRIPT = `${import.meta.dirname}/session_peer.py`;

/** What a peer tells: an object on each line. */
type Event = Record<string, unknown>;

/** A Python peer on the session wire, and what it tells. */
export class PythonSession implements AsyncDisposable {
  readonly #peer: PythonPeer;
  /** What it has told that nobody has asked for yet. */
  readonly #told: Event[] = [];

  private constructor(peer: PythonPeer) {
    this.#peer = peer;
  }

  /** Starts one that listens; `args` as its help says. Gives its port too. */
  static async server(...args: string[]): Promise<[PythonSession, number]> {
    const session = await PythonSession.#start(serverKeys, ["server", ...args]);
    const { port } = await session.told("port");
    return [session, port as number];
  }

  /** Starts one that connects to `port` when it is told to `dial`. */
  static client(
    port: number,
    { keys = clientKeys, args = [] }: { keys?: Keys; args?: string[] } = {},
  ): Promise<PythonSession> {
    return PythonSession.#start(keys, ["client", `--port=${port}`, ...args]);
  }

  static async #start(keys: Keys, args: string[]): Promise<PythonSession> {
    return new PythonSession(await PythonPeer.start(keys, args, SCRIPT));
  }

  /** Has it do something. */
  order(what: string, rest: Event = {}): Promise<void> {
    return this.#peer.writeLine(JSON.stringify({ do: what, ...rest }));
  }

  /** Has it make a request; {@linkcode PythonSession.ending} has its end. */
  request(name: string, body: Event): Promise<void> {
    return this.order("request", { name, body });
  }

  /** The next event with this key, and with this value if there is one. */
  async told(key: string, value?: unknown): Promise<Event> {
    for (let at = 0;; at++) {
      while (at >= this.#told.length) {
        const line = await within(`its ${key}`, this.#peer.readLine());
        this.#told.push(JSON.parse(line));
      }
      const event = this.#told[at]!;
      if (!(key in event)) continue;
      if (value !== undefined && event[key] !== value) continue;
      this.#told.splice(at, 1);
      return event;
    }
  }

  /** The answer to a request, or its error's code. */
  async ending(name: string): Promise<unknown> {
    const { answer, error } = await this.told("name", name);
    return answer ?? (error as { code: string }).code;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#peer[Symbol.asyncDispose]();
  }
}
