import type { ClientOfflineReason } from "../signals.ts";

/** What every event says. */
export interface ChatEventBase {
  /** When, in ms since the Unix epoch. */
  readonly at: number;
}

/** An event about one user. */
export interface ChatUserEvent extends ChatEventBase {
  /** The other user's name. */
  readonly name: string;
}

/** We are logged in, and our public key is announced. */
export interface ChatOnlineEvent extends ChatEventBase {
  /** Tells the events apart. */
  readonly kind: "online";
}

/** The connection is lost, or could not be made; it is being tried again. */
export interface ChatOfflineEvent extends ChatEventBase {
  /** Tells the events apart. */
  readonly kind: "offline";
  /** Why. */
  readonly reason: ClientOfflineReason;
}

/** Back after a loss, the server does not let us in; it is being tried again. */
export interface ChatRefusedEvent extends ChatEventBase {
  /** Tells the events apart. */
  readonly kind: "refused";
  /** Its failure code: `FAIL01` if somebody else has the name now. */
  readonly status: string;
}

/** The server says something to people. */
export interface ChatNoticeEvent extends ChatEventBase {
  /** `greeting` on connect, `goodbye` before it closes the connection. */
  readonly kind: "greeting" | "goodbye";
  /** What it says. */
  readonly text: string;
}

/** Somebody came, or is gone: then their keys are forgotten. */
export interface ChatPresenceEvent extends ChatUserEvent {
  /** Tells the events apart. */
  readonly kind: "joined" | "left";
}

/** A message: to everybody, or to us alone and end-to-end encrypted. */
export interface ChatMessageEvent extends ChatUserEvent {
  /** Tells the events apart. */
  readonly kind: "broadcast" | "private";
  /** The message, without control characters. */
  readonly text: string;
}

/**
 * A private message that does not open: it was altered, not encrypted, or its
 * key never came. There is no text to show.
 */
export interface ChatUnopenedEvent extends ChatUserEvent {
  /** Tells the events apart. */
  readonly kind: "unopened";
  /** `no-key` if its sender has sent no key that opens. */
  readonly why: "no-key" | "not-opened";
}

/** Somebody announced a public key: they can be written to. */
export interface ChatKeyEvent extends ChatUserEvent {
  /** Tells the events apart. */
  readonly kind: "key";
  /**
   * The first 16 hex digits of its SHA-256, in groups of 4, for two people to
   * compare: the server could otherwise hand out a key of its own.
   */
  readonly fingerprint: string;
}

/** Somebody announced, or sent, a key that is not to be used. */
export interface ChatBadKeyEvent extends ChatUserEvent {
  /** Tells the events apart. */
  readonly kind: "bad-key";
  /** The public one, or the one for messages to us. */
  readonly which: "public" | "session";
}

/** Everything that a client tells, told apart by `kind`. */
export type ChatEvent =
  | ChatOnlineEvent
  | ChatOfflineEvent
  | ChatRefusedEvent
  | ChatNoticeEvent
  | ChatPresenceEvent
  | ChatMessageEvent
  | ChatUnopenedEvent
  | ChatKeyEvent
  | ChatBadKeyEvent;

/** An event before it is told. */
export type NewChatEvent = ChatEvent extends infer E
  ? E extends unknown ? Omit<E, "at"> : never
  : never;
