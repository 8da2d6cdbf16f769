import type { Clock } from "../../protocol/clock.ts";
import { Deadline } from "../../protocol/deadline.ts";

/** How many answers may be unconfirmed before they are. */
const ANSWERS = 32;
/** How long an answer may be unconfirmed, in ms. */
const DELAY = 1_000;

/**
 * When the server is told which answers have come: it keeps them until then,
 * but to tell it of each one would cost a frame for each.
 */
export class Confirmations {
  #confirm: () => void;
  #unconfirmed = 0;
  #deadline: Deadline;

  /** `confirm` is called when it is time; it calls {@linkcode confirmed}. */
  constructor(clock: Clock, confirm: () => void) {
    this.#confirm = confirm;
    this.#deadline = new Deadline(clock, confirm);
  }

  /** An answer has come. */
  answered(): void {
    if (++this.#unconfirmed >= ANSWERS) return this.#confirm();
    if (this.#unconfirmed === 1) this.#deadline.set(DELAY);
  }

  /** The server is told of all that have come. */
  confirmed(): void {
    this.#unconfirmed = 0;
    this.#deadline.clear();
  }

  /** The connection is over: nothing is confirmed on it any more. */
  stop(): void {
    this.#deadline.stop();
  }
}
