import type { Clock } from "../../protocol/clock.ts";
import { Deadline } from "../../protocol/deadline.ts";

/** How a {@linkcode Heartbeat} is made. Times in ms. */
export interface HeartbeatOptions {
  clock: Clock;
  /** From one ping to the next. */
  heartbeat: number;
  /** How long the peer may take to answer. */
  pongTimeout: number;
  /** Sends a ping. */
  ping(): void;
  /** Whether the peer is kept from answering by us, and is given more time. */
  excused(): boolean;
  /** The peer has not answered. */
  overdue(): void;
}

/** Whether an answer is awaited, and since when on the clock. */
type Beat =
  | { readonly kind: "resting" }
  | { readonly kind: "pinged"; readonly at: number };

/** Pings a peer now and then, and tells when it does not answer. */
export class Heartbeat {
  #options: HeartbeatOptions;
  #deadline: Deadline;
  #beat: Beat = { kind: "resting" };

  /** Starts: the first ping comes after `heartbeat`. */
  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#deadline = new Deadline(options.clock, () => this.#due());
    this.#deadline.set(options.heartbeat);
  }

  /** The peer answered: after how many ms; undefined if nothing had asked. */
  pong(): number | undefined {
    if (this.#beat.kind === "resting") return undefined;
    const since = this.#options.clock.now() - this.#beat.at;
    this.#beat = { kind: "resting" };
    this.#deadline.set(Math.max(0, this.#options.heartbeat - since));
    return since;
  }

  /** Ends it. */
  stop(): void {
    this.#deadline.stop();
  }

  #due(): void {
    const { clock, pongTimeout, ping, excused, overdue } = this.#options;
    if (this.#beat.kind === "pinged" && !excused()) return overdue();
    this.#deadline.set(pongTimeout);
    if (this.#beat.kind === "pinged") return;
    this.#beat = { kind: "pinged", at: clock.now() };
    ping();
  }
}
