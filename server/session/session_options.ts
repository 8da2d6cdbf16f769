import type { Clock } from "../../protocol/clock.ts";
import type { Request } from "../../protocol/message.ts";
import type { KeyRing } from "../key_ring.ts";
import type { Runner } from "../runner.ts";
import type { ClientRegistry } from "./client_registry.ts";

/** How the session wire is made, and what its sessions go by. */
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
