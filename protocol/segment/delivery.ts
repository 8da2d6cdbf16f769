/** What a client is asked about each payload, one after the other. */
export type Question = "arrived" | "intact";

/** What a client's status means to the server. */
export type Verdict =
  /** The payload has arrived; whether it is intact comes next. */
  | "arrived"
  /** The payload is intact: the message is settled. */
  | "settled"
  /** The same block is to be sent again. */
  | "again"
  /** It was sent as often as it may be. */
  | "exhausted";

/**
 * The server's side of one payload: what the client's statuses mean. After a
 * `0` the block is sent again and the same question is answered again; the
 * questions before it are not.
 */
export class Delivery {
  #resends: number;
  #resent = 0;
  #question: Question = "arrived";

  /** `resends` is how often the block may be sent again, in all. */
  constructor(resends: number) {
    this.#resends = resends;
  }

  /** The question that the next status answers. */
  get question(): Question {
    return this.#question;
  }

  /** Takes the client's next status. */
  receive(right: boolean): Verdict {
    if (!right) {
      return this.#resent++ < this.#resends ? "again" : "exhausted";
    }
    if (this.#question === "intact") return "settled";
    this.#question = "intact";
    return "arrived";
  }
}
