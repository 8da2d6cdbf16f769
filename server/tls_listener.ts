import { createServer, type Server } from "node:net";
import type { AcceptedConn, Listen, Listener } from "./listener.ts";
import { TlsAccepted, type TlsKeys } from "./tls_accepted.ts";

/**
 * Listens for TLS. On `node:tls`: `Deno.listenTls` can neither ask for clients'
 * certificates nor switch Nagle's algorithm off, which makes answers that take
 * several writes wait 40 ms.
 */
export function listenTls(keys: TlsKeys): Listen {
  return async (address) => {
    // What is wrong with an address Deno says in errors that can be caught;
    // `node:net` throws a missing permission from its own event loop.
    Deno.listen(address).close();
    const server = createServer();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once("error", reject);
    server.listen(address.port, address.hostname, resolve);
    await promise;
    return new TlsListener(server, keys);
  };
}

/** A {@linkcode Listener} on a server that listens. */
class TlsListener implements Listener {
  readonly addr: Deno.NetAddr;
  #server: Server;
  /** Those that nobody has asked for yet. */
  #accepted: AcceptedConn[] = [];
  /** The one call that waits. */
  #waiting: PromiseWithResolvers<AcceptedConn> | undefined;
  #closed = false;

  constructor(server: Server, keys: TlsKeys) {
    const { address, port } = server.address() as {
      address: string;
      port: number;
    };
    this.addr = { transport: "tcp", hostname: address, port };
    this.#server = server;
    server.on(
      "connection",
      (socket) => this.#take(new TlsAccepted(socket, keys)),
    );
    server.on("error", (error) => this.#waiting?.reject(error));
  }

  accept(): Promise<AcceptedConn> {
    const next = this.#accepted.shift();
    if (next) return Promise.resolve(next);
    this.#waiting = Promise.withResolvers();
    if (this.#closed) this.#waiting.reject(closed());
    return this.#waiting.promise;
  }

  close(): void {
    this.#closed = true;
    this.#server.close();
    for (const conn of this.#accepted.splice(0)) conn.close();
    this.#waiting?.reject(closed());
  }

  #take(conn: AcceptedConn): void {
    if (!this.#waiting) return void this.#accepted.push(conn);
    this.#waiting.resolve(conn);
    this.#waiting = undefined;
  }
}

function closed(): Error {
  return new Deno.errors.BadResource("The listener is closed");
}
