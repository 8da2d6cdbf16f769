import { connect, type Socket } from "node:net";
import type { Address } from "./fault_proxy.ts";
import { within } from "./cypher.ts";

/** Where attackers come from; healthy clients are on 127.0.0.1. */
export const ELSEWHERE = "127.0.0.2";

/**
 * A peer on an address of its own, which `Deno.connect` cannot have, that sends
 * what it likes.
 */
export class Attacker implements AsyncDisposable {
  /** Resolves once the connection is gone. */
  readonly closed: Promise<void>;
  #socket: Socket;
  #over = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) =>
      socket.on("close", () => {
        this.#over = true;
        resolve();
      })
    );
    // Being thrown out is what it is there for.
    socket.on("error", () => {});
    socket.resume();
  }

  /** Connects, without waiting for it. */
  static dial({ hostname, port }: Address, from = ELSEWHERE): Attacker {
    return new Attacker(
      connect({ host: hostname, port, localAddress: from, noDelay: true }),
    );
  }

  /** Whether the connection is gone. */
  get over(): boolean {
    return this.#over;
  }

  /** Sends bytes, or a text, whether or not anybody still listens. */
  send(bytes: Uint8Array | string): void {
    if (!this.#over) this.#socket.write(bytes);
  }

  /**
   * Waits for an answer on the classic wire, one that ends in NUL; false if the
   * connection goes before it comes.
   */
  async answer(): Promise<boolean> {
    const answered = Promise.withResolvers<boolean>();
    const look = (chunk: Uint8Array) => {
      if (chunk.includes(0)) answered.resolve(true);
    };
    this.#socket.on("data", look);
    this.closed.then(() => answered.resolve(false));
    const answer = await within("an answer", answered.promise);
    this.#socket.off("data", look);
    return answer;
  }

  /** Closes it. */
  async close(): Promise<void> {
    this.#socket.destroy();
    await within("the attacker's end", this.closed);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
