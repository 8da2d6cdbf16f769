/** What becomes of requests in the model of threads. */

/** What really became of one request. */
export interface Fate {
  readonly client: string;
  readonly id: number;
  readonly idempotent: boolean;
  cancelled: boolean;
  /** How often its handler began. */
  begun: number;
  /** A thread died in its midst. */
  cutOff: boolean;
  /** How often its handler came to an end. */
  done: number;
  /** The one thread that has its answer; undefined: the main one, or nobody. */
  at: number | undefined;
  /** The thread that alone had its answer died. */
  lost: boolean;
  /** What the client heard. */
  outcome: string | undefined;
}

/** What is not as it must be; undefined if nothing is. */
export function faultOf(fate: Fate, journal: boolean): string | undefined {
  const { idempotent, begun, cancelled, outcome, cutOff, lost, done } = fate;
  if (begun > 1 && !(idempotent && (cutOff || lost))) return "executed twice";
  switch (outcome) {
    case undefined:
      return "never ended";
    case "answered":
      return done > 0 ? undefined : "answered by nobody";
    case "CANCELLED":
      return cancelled ? undefined : "nobody cancelled it";
    case "OUTCOME_UNKNOWN":
      if (idempotent) return "it may run again";
      return cutOff ? undefined : "nobody was cut off";
    case "ANSWER_LOST":
      return lost && !journal || cancelled ? undefined : "nobody lost it";
    default:
      return "an unknown end";
  }
}
