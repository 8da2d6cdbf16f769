/** Why a connection is gone, as the server saw it. */
export type OfflineReason =
  /** The peer closed it. */
  | "peer-closed"
  /** The peer, or something on the way, reset it. */
  | "peer-reset"
  /** The network gave up on it. */
  | "peer-lost"
  /** No request came within `timeout`. */
  | "timeout"
  /** A token did not open. */
  | "bad-token"
  /** A message was over `limits.messageBytes`. */
  | "too-large"
  /** The peer did not read what was written to it. */
  | "slow-reader"
  /** A message that had begun did not arrive in time. */
  | "slow-sender"
  /** The peer did not finish the handshake in time. */
  | "handshake-timeout"
  /** The peer did not keep to its protocol; see the `failure` signal. */
  | "protocol-error"
  /** The peer did not acknowledge, or give a sign of life, in time. */
  | "unresponsive"
  /** The peer does not have the keys. */
  | "unauthorized"
  /** The same client came back on another connection. */
  | "replaced"
  /** The keys that the peer uses were withdrawn. */
  | "withdrawn"
  /** It had not proven to hold the keys, and others needed the room. */
  | "crowded-out"
  /** The server was stopped. */
  | "stopped"
  /** An operator disconnected it. */
  | "disconnected"
  /** The server had a fault of its own; see the `failure` or `notice` signal. */
  | "internal";

/** What every signal about a connection says. */
export interface SignalBase {
  /** Counts up by one with each signal of a monitor. */
  readonly id: number;
  /** When, in ms since the Unix epoch. */
  readonly at: number;
  /** The connection's id, or `""` if it is about none in particular. */
  readonly connection: string;
  /**
   * The peer's address and port. Of a `limit` that is `badTokens`, the address
   * that is refused, or the /64 of it; `""` where it is about no peer.
   */
  readonly address: string;
  /** The peer's name, where its wire has names. */
  readonly name?: string | undefined;
  /** The wire it speaks, or `""` while that is unknown. */
  readonly wire: string;
}

/** A peer is there. */
export interface OnlineSignal extends SignalBase {
  /** Tells the signals apart. */
  readonly kind: "online";
}

/** A peer is gone. */
export interface OfflineSignal extends SignalBase {
  /** Tells the signals apart. */
  readonly kind: "offline";
  /** Why. */
  readonly reason: OfflineReason;
  /** How long it was connected, in ms. */
  readonly connected: number;
  /** How many requests it had made. */
  readonly requests: number;
  /** How many of them were still in progress. */
  readonly inProgress: number;
}

/** A peer was silent for too long; `offline` follows. */
export interface TimeoutSignal extends SignalBase {
  /** Tells the signals apart. */
  readonly kind: "timeout";
  /** The time that passed, in ms. */
  readonly after: number;
}

/** A request has its answer. */
export interface RequestSignal extends SignalBase {
  /** Tells the signals apart. */
  readonly kind: "request";
  /** The request's path. */
  readonly path: string;
  /** The request's operation. */
  readonly operation: string;
  /** The answer's status code; `"OK"` when it has none. */
  readonly status: string;
  /** From the request's last byte to its answer's first, in ms. */
  readonly latency: number;
  /** The request's size in bytes: of its token or, on a session, its JSON. */
  readonly bytesIn: number;
  /** The answer's, likewise. */
  readonly bytesOut: number;
  /**
   * Whether it had been executed before and was answered from memory (classic;
   * a session tells nothing of requests that come again).
   */
  readonly repeated: boolean;
}

/** Something went wrong with a request or a connection. */
export interface FailureSignal extends SignalBase {
  /** Tells the signals apart. */
  readonly kind: "failure";
  /**
   * The failed answer's status code, or what was wrong with the connection:
   * `BAD_TOKEN`, `BAD_MESSAGE`, `TOO_LARGE`, `UNAUTHORIZED`, `REFUSED`,
   * `WIRE_MISMATCH`, `TLS_FAILED`, `INTERNAL`. The smaller protocols have codes
   * of their own beside these.
   */
  readonly code: string;
  /** What went wrong, in a sentence without payloads. */
  readonly message: string;
  /** The request's path, if there is one. */
  readonly path?: string | undefined;
  /** The request's operation, if there is one. */
  readonly operation?: string | undefined;
}

/** A limit was reached; told once a second for each (and thread) at most. */
export interface LimitSignal extends SignalBase {
  /** Tells the signals apart. */
  readonly kind: "limit";
  /** The limit's name, such as `"connections"`. */
  readonly limit: string;
  /** How often it was reached since the signal before, this time included. */
  readonly count: number;
}

/** Something an operator should know about the server as a whole. */
export interface NoticeSignal extends SignalBase {
  /** Tells the signals apart. */
  readonly kind: "notice";
  /**
   * What, in one stable word: `"EQUAL_KEYS"`, `"JOURNAL_FAILED"`,
   * `"ONE_THREAD"`, `"THREAD_DIED"`, `"THREAD_FAILED"` or `"THREAD_STUCK"`.
   */
  readonly code: string;
  /** What it means and what to do. */
  readonly message: string;
}

/** Everything a server tells, told apart by `kind`. */
export type Signal =
  | OnlineSignal
  | OfflineSignal
  | TimeoutSignal
  | RequestSignal
  | FailureSignal
  | LimitSignal
  | NoticeSignal;

/** What tells signals apart. */
export type SignalKind = Signal["kind"];

/** The signals of some kinds. */
export type SignalOf<K extends SignalKind> = Extract<Signal, { kind: K }>;

/** Every kind, in an order that stays. */
export const SIGNAL_KINDS: readonly SignalKind[] = Object.keys(
  {
    online: true,
    offline: true,
    timeout: true,
    request: true,
    failure: true,
    limit: true,
    notice: true,
  } satisfies Record<SignalKind, true>,
) as SignalKind[];

/** A signal that the monitor has not numbered yet. */
export type NewSignal = Signal extends infer S
  ? S extends unknown ? Omit<S, "id" | "at"> : never
  : never;

/** What of a signal its connection does not add by itself. */
export type SignalBody = Signal extends infer S
  ? S extends unknown ? Omit<S, keyof SignalBase> : never
  : never;

/** What a signal says of the connection that it is about. */
export type About = Omit<SignalBase, "id" | "at">;

/** What a signal about no connection in particular says of its connection. */
export const NO_CONNECTION: About = { connection: "", address: "", wire: "" };
