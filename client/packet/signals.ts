/** Why a packet client is offline. */
export type PacketOfflineReason =
  /** The program closed the client. */
  | "closed"
  /** The server said goodbye, or closed the connection. */
  | "peer-closed"
  /** The peer, or something on the way, reset it. */
  | "peer-reset"
  /** The network gave up on it. */
  | "peer-lost"
  /** The server was silent for `timeout`. */
  | "timeout"
  /** A packet was not acknowledged, however often it was sent. */
  | "unresponsive"
  /** A message or a packet was over the limit. */
  | "too-large"
  /** One end did not keep to the protocol. */
  | "protocol-error";

/** What a packet client tells, once for each transition. */
export type PacketClientSignal =
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
    readonly reason: PacketOfflineReason;
  };
