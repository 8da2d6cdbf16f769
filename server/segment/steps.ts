import type { SegmentPeer } from "./handler.ts";

/** A step that a client has taken, in the order they come. */
export interface SegmentServerStep extends SegmentPeer {
  /** When, in ms since the Unix epoch. */
  readonly at: number;
  /** Which one. */
  readonly step:
    /** Its SYN came. */
    | "syn-received"
    /** It has received our SYN-ACK. */
    | "syn-ack-sent"
    /** Its ACK came: it is connected. */
    | "ack-received"
    /** An answer has reached it. */
    | "payload-received"
    /** That answer is intact. */
    | "payload-intact";
}

/** What a step of one connection adds to what is known of it. */
export type TellStep = (step: SegmentServerStep["step"]) => void;
