/** Where a segment client stands. */
export type SegmentClientState =
  /** There is no connection; the next message opens one. */
  | "idle"
  /** It dials, or is in its handshake. */
  | "connecting"
  /** The handshake is done. */
  | "online"
  /** Closed for good. */
  | "closed";

/** Why a segment client's connection is gone. */
export type SegmentOfflineReason =
  /** The program closed the client. */
  | "closed"
  /** The server closed it. */
  | "peer-closed"
  /** The server, or something on the way, reset it. */
  | "peer-reset"
  /** The network gave up on it. */
  | "peer-lost"
  /** No answer came within `timeout`. */
  | "timeout"
  /** The server did not keep to the protocol. */
  | "protocol-error"
  /** Bytes came that nothing had asked for. */
  | "unexpected-data"
  /** A message ended before its answer came, which must not meet the next. */
  | "abandoned";

/** A step that the client has taken, in the order they come. */
export type SegmentClientStep =
  /** The server has received the SYN. */
  | "syn-sent"
  /** The server's SYN-ACK came. */
  | "syn-ack-received"
  /** The server has received the ACK. */
  | "ack-sent"
  /** An answer came. */
  | "payload-received"
  /** That answer is intact. */
  | "payload-intact";

/** What a segment client tells. */
export type SegmentClientSignal =
  | {
    /** Tells the signals apart: the handshake is done. */
    readonly kind: "online";
    /** When, in ms since the Unix epoch. */
    readonly at: number;
  }
  | {
    /** Tells the signals apart: the connection is gone. */
    readonly kind: "offline";
    /** When, in ms since the Unix epoch. */
    readonly at: number;
    /** Why. */
    readonly reason: SegmentOfflineReason;
  }
  | {
    /** Tells the signals apart: one step further. */
    readonly kind: "step";
    /** When, in ms since the Unix epoch. */
    readonly at: number;
    /** Which one. */
    readonly step: SegmentClientStep;
  };
