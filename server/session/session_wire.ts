import { FifoMap } from "../../protocol/fifo_map.ts";
import type { Connection } from "../connection.ts";
import type { Wire } from "../wires.ts";
import { ServerSession } from "./server_session.ts";
import type { SessionWireOptions } from "./session_options.ts";

/** A session starts with NUL, which no Fernet token does. */
const SESSION_START = 0;

/** The session wire: fresh keys for each connection, many requests in flight. */
export class SessionWire implements Wire {
  readonly name = "session";
  #options: SessionWireOptions;
  #handshakes = new FifoMap<Connection, true>();

  constructor(options: SessionWireOptions) {
    this.#options = options;
  }

  startsWith(byte: number): boolean {
    return byte === SESSION_START;
  }

  async serve(
    connection: Connection,
    firstRead: Promise<Uint8Array | null>,
  ): Promise<void> {
    const handshakes = this.#handshakes;
    const settled = () => void handshakes.delete(connection);
    handshakes.add(connection, true);
    if (handshakes.size > this.#options.handshakes) {
      // Not the new one: else whoever holds them all keeps everybody out.
      const [oldest] = handshakes.oldest!;
      handshakes.delete(oldest);
      oldest.crowdOut("handshakes");
    }
    await new ServerSession(this.#options, connection).run(firstRead, settled);
  }
}
