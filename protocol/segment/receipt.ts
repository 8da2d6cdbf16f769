import { joinBlocks, statusBlock } from "./block.ts";
import { type Agreement, readData } from "./data.ts";
import type { Question } from "./delivery.ts";

/** What a data block leads to. */
export interface Received {
  /** What to write: one or two statuses. */
  readonly reply: Uint8Array;
  /** What the block has answered with yes. */
  readonly confirmed: readonly Question[];
  /** The payload, once it is there and intact. */
  readonly payload?: Uint8Array;
  /** Nothing right came as often as it may be sent. */
  readonly exhausted?: Question;
}

/** The client's side of one payload: fed blocks, it says which statuses to send. */
export class Receipt {
  #agreed: Agreement;
  #resends: number;
  #again = 0;
  #question: Question = "arrived";

  /** `resends` is how often the server may send the block again, in all. */
  constructor(agreed: Agreement, resends: number) {
    this.#agreed = agreed;
    this.#resends = resends;
  }

  /** Takes a data block, whole. */
  receive(block: Uint8Array): Received {
    const data = readData(this.#agreed, block);
    const statuses: boolean[] = [];
    const confirmed: Question[] = [];
    if (this.#question === "arrived") {
      statuses.push(data.kind !== "missing");
      if (data.kind !== "missing") {
        confirmed.push("arrived");
        this.#question = "intact";
      }
    }
    if (this.#question === "intact") {
      statuses.push(data.kind === "intact");
      if (data.kind === "intact") confirmed.push("intact");
    }
    const reply = joinBlocks(...statuses.map(statusBlock));
    if (data.kind === "intact") {
      return { reply, confirmed, payload: data.payload };
    }
    return this.#again++ < this.#resends
      ? { reply, confirmed }
      : { reply, confirmed, exhausted: this.#question };
  }
}
