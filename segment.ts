/**
 * The segment protocol: a three-way handshake over TCP that agrees on a buffer
 * size, and messages whose answers are checksummed and sent again until they
 * are intact. It speaks with the C client and server of version 1.
 *
 * A {@linkcode SegmentServer} answers messages, with themselves unless told
 * otherwise; a {@linkcode SegmentClient} sends them. Nothing is encrypted.
 *
 * @example
 * ```ts
 * import { SegmentClient, SegmentServer } from "@cypher/protocol/segment";
 *
 * await using server = new SegmentServer({ port: 0 });
 * await server.start();
 * await using client = new SegmentClient({ port: server.address.port });
 * const echo = await client.send("Hello!");
 * console.log(new TextDecoder().decode(echo)); // Hello!
 * ```
 *
 * @module
 */

// The two ends of a connection.
export { SegmentServer } from "./server/segment/segment_server.ts";
export { SegmentClient } from "./client/segment/segment_client.ts";

// What they are told when they are made.
export type { SegmentServerOptions } from "./server/segment/options.ts";
export type { SegmentClientOptions } from "./client/segment/options.ts";
export type { Dial } from "./client/dial.ts";
export type { Conn } from "./protocol/transport.ts";
export { type Clock, systemClock, type Timer } from "./protocol/clock.ts";

// What they say to each other.
export type { Version } from "./protocol/segment/header.ts";
export type { Agreement } from "./protocol/segment/data.ts";
export type {
  SegmentContext,
  SegmentHandler,
  SegmentPeer,
} from "./server/segment/handler.ts";
export type { MaybePromise } from "./protocol/envelope.ts";
export type { SendOptions } from "./client/segment/queue.ts";

// What they tell about it.
export type { SegmentServerStep } from "./server/segment/steps.ts";
export type {
  SegmentClientSignal,
  SegmentClientState,
  SegmentClientStep,
  SegmentOfflineReason,
} from "./client/segment/signals.ts";
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
export type { SubscribeOptions, Subscription } from "./protocol/broadcast.ts";

// What goes wrong.
export { CypherError, type CypherErrorCode } from "./protocol/errors.ts";
