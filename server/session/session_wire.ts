import type { Clock } from "../../protocol/clock.ts";
import { FifoMap } from "../../protocol/fifo_map.ts";
import type { Request } from "../../protocol/message.ts";
import type { Connection } from "../connection.ts";
import type { KeyRing } from "../key_ring.ts";
import type { Runner } from "../runner.ts";
import type { Wire } from "../wires.ts";
import type { ClientRegistry } from "./client_registry.ts";
import { ServerSession } from "./server_session.ts";

/** A session starts with NUL, which no Fernet token does. */
const SESSION_START = 0;

/** How a {@linkcode SessionWire} is made. */
export interface SessionWireOptions {
  clock: Clock;
  runner: Runner;
  clients: ClientRegistry;
  /** The server's id: new whenever it has forgotten its clients. */
  serverId: string;
  /** The keys that are accepted. */
  keys: KeyRing;
  /** Whether a request may be executed twice. */
  idempotent: (request: Request) => boolean;
  /** How many requests a client may have in flight. */
  window: number;
  /** After how many ms of silence a ping is sent. */
  heartbeat: number;
  /** How long a handshake may take, in ms. */
  handshakeTimeout: number;
  /** How many handshakes may be in progress; over it the oldest is closed. */
  handshakes: number;
  /** What may wait for a peer that does not read, in bytes. */
  writeBufferBytes: number;
  /** How long it may wait, in ms. */
  writeTimeout: number;
  /** The most that is read at once, in bytes. */
  recvBuffer: number;
  /** The largest payload that is taken, in bytes. */
  messageBytes: number;
  /** How deep a message's JSON may nest. */
  depth: number;
}

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
