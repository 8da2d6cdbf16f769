/**
 * Length-prefixed packets over TCP, with a handshake, checksums, sequence
 * numbers, acknowledgements and two modes: `"step-by-step"`, one packet at a
 * time, and `"burst"`, a window of them. Nothing is encrypted.
 *
 * @example
 * ```ts
 * import { PacketClient, PacketServer } from "@cypher/protocol/packet";
 *
 * await using server = new PacketServer({
 *   port: 0,
 *   handler: (message) => console.log(new TextDecoder().decode(message)),
 * });
 * await server.start();
 *
 * await using client = new PacketClient({
 *   port: server.address.port,
 *   mode: "burst",
 * });
 * await client.connect();
 * const { packets } = await client.send("21.5 degrees in the kitchen");
 * console.log(packets); // 1
 * ```
 *
 * @module
 */

// The two ends of a connection.
export { PacketServer } from "./server/packet/packet_server.ts";
export {
  PacketClient,
  type PacketClientState,
} from "./client/packet/packet_client.ts";

// What they are told when they are made.
export type { PacketServerOptions } from "./server/packet/options.ts";
export type { PacketClientOptions } from "./client/packet/options.ts";
export type {
  PacketContext,
  PacketHandler,
  PacketHandlerErrorInfo,
} from "./server/packet/handler.ts";
export type { Dial } from "./client/dial.ts";
export type { Conn } from "./protocol/transport.ts";
export type { Clock, Timer } from "./protocol/clock.ts";
export type { MaybePromise } from "./protocol/envelope.ts";

// What they agree on, and what becomes of a message.
export type {
  Agreement,
  PacketMode,
  SessionId,
} from "./protocol/packet/handshake.ts";
export type { Delivery } from "./protocol/packet/sending.ts";

// What they tell about it.
export {
  type ConnectionInfo,
  type ConnectionState,
  type ListenerInfo,
  type ListenOptions,
  Monitor,
  type Watched,
} from "./server/monitor.ts";
export type {
  FailureSignal,
  LimitSignal,
  NewSignal,
  NoticeSignal,
  OfflineReason,
  OfflineSignal,
  OnlineSignal,
  RequestSignal,
  Signal,
  SignalBase,
  SignalKind,
  SignalOf,
  TimeoutSignal,
} from "./server/signals.ts";
export type {
  PacketClientSignal,
  PacketOfflineReason,
} from "./client/packet/signals.ts";
export type { SubscribeOptions, Subscription } from "./protocol/broadcast.ts";

// What goes wrong.
export { PacketError, type PacketErrorCode } from "./protocol/packet/errors.ts";
export { CypherError, type CypherErrorCode } from "./protocol/errors.ts";
