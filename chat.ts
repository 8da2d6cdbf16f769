/**
 * A chat over TCP, in lines that a person can type with `nc`; private messages
 * between {@linkcode ChatClient}s are encrypted end to end.
 *
 * @example
 * ```ts
 * import { ChatClient, ChatServer } from "@cypher/protocol/chat";
 *
 * await using server = new ChatServer({ port: 0 });
 * await server.start();
 * const { port } = server.address;
 *
 * await using alice = new ChatClient({ name: "alice", port });
 * await using bob = new ChatClient({ name: "bob", port });
 * await alice.connect();
 * const events = alice.events();
 * await bob.connect();
 * await bob.pm("alice", "for your eyes only");
 * for await (const event of events) {
 *   if (event.kind !== "private") continue;
 *   console.log(event.name, event.text); // bob for your eyes only
 *   break;
 * }
 * ```
 *
 * @module
 */

// The two ends of a connection.
export { ChatServer } from "./server/chat/chat_server.ts";
export { ChatClient } from "./client/chat/chat_client.ts";

// What they are told.
export type { ChatServerOptions } from "./server/chat/options.ts";
export type {
  ChatClientOptions,
  ChatCommandOptions,
} from "./client/chat/options.ts";
export type { ClientState } from "./client/keeper.ts";
export type { Dial } from "./client/dial.ts";
export type { Conn } from "./protocol/transport.ts";
export type { Clock, Timer } from "./protocol/clock.ts";

// What a client tells.
export type {
  ChatBadKeyEvent,
  ChatEvent,
  ChatEventBase,
  ChatKeyEvent,
  ChatMessageEvent,
  ChatNoticeEvent,
  ChatOfflineEvent,
  ChatOnlineEvent,
  ChatPresenceEvent,
  ChatRefusedEvent,
  ChatUnopenedEvent,
  ChatUserEvent,
} from "./client/chat/events.ts";
export type { ClientOfflineReason } from "./client/signals.ts";
export type { SubscribeOptions, Subscription } from "./protocol/broadcast.ts";

// What a server tells.
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

// The lines themselves, for peers of one's own making.
export {
  type ChatCommand,
  type ChatCommandWord,
  parseCommand,
  writeCommand,
} from "./protocol/chat/command.ts";
export {
  parseServerLine,
  type ServerLine,
  writeServerLine,
} from "./protocol/chat/server_line.ts";
export type { ChatFailure, ChatFailureCode } from "./protocol/chat/failures.ts";
export { type Line, LineSplitter } from "./protocol/chat/line_splitter.ts";

// What goes wrong.
export {
  CypherError,
  type CypherErrorCode,
  CypherStatus,
} from "./protocol/errors.ts";
