/**
 * Encrypted request/response over TCP connections that heal themselves.
 *
 * A {@linkcode CypherServer} answers requests; a {@linkcode CypherClient} keeps
 * its connection alive, sends again what has no answer yet, and tells when it
 * is offline. Both share two keys, and no certificates.
 *
 * @example
 * ```ts
 * import { CypherClient, CypherServer } from "@cypher/protocol";
 *
 * const clientToServer = "client-to-server-key-of-32-chars";
 * const serverToClient = "server-to-client-key-of-32-chars";
 *
 * await using server = new CypherServer({
 *   port: 0,
 *   encryptionKey: serverToClient,
 *   decryptionKey: clientToServer,
 *   handler: ({ data }) => ({ data: { doubled: Number(data) * 2 } }),
 * });
 * await server.start();
 *
 * await using client = new CypherClient({
 *   port: server.address.port,
 *   encryptionKey: clientToServer,
 *   decryptionKey: serverToClient,
 * });
 * const answer = await client.request({ path: "/NUMBER", data: 21 });
 * console.log(answer.data); // { doubled: 42 }
 * ```
 *
 * @module
 */

// The two ends of a connection.
export { CypherServer } from "./server/cypher_server.ts";
export { CypherClient } from "./client/cypher_client.ts";

export type { ClientState } from "./client/keeper.ts";

// What they are told when they are made.
export type { CypherServerOptions } from "./server/options.ts";
export type { CypherClientOptions } from "./client/options.ts";
export type { Dial } from "./client/dial.ts";
export type { ClientTls } from "./client/dial_tls.ts";
export type { ServerKeys } from "./server/key_ring.ts";
export type { AcceptedConn, Listen, Listener } from "./server/listener.ts";
export type { TlsKeys } from "./server/tls_keys.ts";
export type { Conn } from "./protocol/transport.ts";
export { type Clock, systemClock, type Timer } from "./protocol/clock.ts";
export { generateKeys, type KeyPair } from "./protocol/keys.ts";

// What they say to each other.
export type {
  Answer,
  Reply,
  Request,
  RequestInit,
  Status,
} from "./protocol/message.ts";
export type { JsonValue } from "./protocol/json.ts";
export type { MaybePromise } from "./protocol/envelope.ts";
export type { RequestOptions } from "./client/pending.ts";
export type {
  Handler,
  HandlerErrorInfo,
  RequestContext,
} from "./server/handler.ts";

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
export { logSignals } from "./server/log/log_signals.ts";
export type { LogOptions } from "./server/log/log.ts";
export type { LogFormat } from "./server/log/format.ts";
export type { LogLevel } from "./server/log/line.ts";
export type { ClientOfflineReason, ClientSignal } from "./client/signals.ts";
export type { SubscribeOptions, Subscription } from "./protocol/broadcast.ts";
export type { Send, Tracing } from "./protocol/tracing.ts";

// What goes wrong.
export {
  CypherError,
  type CypherErrorCode,
  CypherStatus,
} from "./protocol/errors.ts";
