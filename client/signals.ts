/** Why the client is offline. */
export type ClientOfflineReason =
  /** The program closed the client. */
  | "closed"
  /** Nobody accepts the connection, or it is not permitted. */
  | "refused"
  /** The hostname does not resolve. */
  | "unresolved-name"
  /** There is no way to the network, or to the host. */
  | "unreachable"
  /** The peer closed it. */
  | "peer-closed"
  /** The peer, or something on the way, reset it. */
  | "peer-reset"
  /** The network gave up on it. */
  | "peer-lost"
  /**
   * No answer came in time: `timeout` is that of a request, `connectTimeout`
   * that of a dial.
   */
  | "timeout"
  /** The server does not accept the keys. */
  | "unauthorized"
  /** The server does not speak the wire that was asked for. */
  | "wire-mismatch"
  /** The server is stopping. */
  | "draining"
  /** The server heard from another holder of this client's secret. */
  | "replaced"
  /** The server gave no sign of life. */
  | "unresponsive"
  /** The server did not keep to the protocol. */
  | "protocol-error"
  /** An answer did not open. */
  | "bad-token"
  /** An answer was over `limits.messageBytes`. */
  | "too-large"
  /** Bytes came that nothing had asked for. */
  | "unexpected-data"
  /** A request ended before its answer came, which must not meet the next. */
  | "abandoned";

/** What a client tells, once for each transition. */
export type ClientSignal =
  | {
    /** Tells the signals apart. */
    readonly kind: "online";
    /** When, in ms since the Unix epoch. */
    readonly at: number;
  }
  | {
    /** Tells the signals apart. */
    readonly kind: "offline";
    /** When, in ms since the Unix epoch. */
    readonly at: number;
    /** Why. */
    readonly reason: ClientOfflineReason;
  };
