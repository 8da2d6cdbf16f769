import { statusBlock } from "./block.ts";
import type { Agreement } from "./data.ts";

/** The steps of a handshake, in their order. */
export type Step = "SYN" | "SYN-ACK" | "ACK";

/** What is known of the peer once it has introduced itself. */
export interface Peer {
  /** Its initial sequence number. */
  readonly isn: number;
  /** What is to hold once the handshake is done. */
  readonly agreed: Agreement;
}

/** How a handshake ends. */
export type HandshakeEnd =
  /** Both sides are ready for data. */
  | { readonly kind: "open"; readonly agreed: Agreement }
  /** It failed at `step`; `problem` is a clause without the peer's bytes. */
  | { readonly kind: "failed"; readonly step: Step; readonly problem: string };

/** Where a handshake stands, on either side. */
export type HandshakeState =
  | { readonly kind: "SYN" }
  /** The server knows its peer by now, the client does not yet. */
  | { readonly kind: "SYN-ACK"; readonly peer?: Peer }
  | { readonly kind: "ACK"; readonly peer: Peer }
  | HandshakeEnd;

/** What a block that was received leads to. */
export interface Reaction {
  /** What to write, if anything. */
  readonly reply?: Uint8Array;
  /** Whether to wait before that: it is sent again, and not the first time. */
  readonly pause?: boolean;
  /** The step that is now done. */
  readonly done?: Step;
  /** What was wrong with the block. */
  readonly problem?: string;
}

/** A handshake's state, and the bound on what is sent again at each step. */
export class Progress {
  #resends: number;
  #state: HandshakeState = { kind: "SYN" };
  #tries = 0;

  /** `resends` is how often a message may be sent again, by either side. */
  constructor(resends: number) {
    this.#resends = resends;
  }

  /** Where it stands. */
  get state(): HandshakeState {
    return this.#state;
  }

  /** How it ended; undefined while it goes on. */
  get end(): HandshakeEnd | undefined {
    const state = this.#state;
    return state.kind === "open" || state.kind === "failed" ? state : undefined;
  }

  /** The step that is under way, or at which it ended. */
  get step(): Step {
    const state = this.#state;
    if (state.kind === "failed") return state.step;
    return state.kind === "open" ? "ACK" : state.kind;
  }

  /** The step is done, the next one begins. */
  advance(state: HandshakeState): void {
    this.#state = state;
    this.#tries = 0;
  }

  /** The peer's message is wrong: asks for it once more, or gives up. */
  askAgain(problem: string): Reaction {
    if (this.#tries++ === this.#resends) this.fail(problem);
    return { reply: statusBlock(false), problem };
  }

  /** The peer asks for our message: sends it once more, or gives up. */
  sendAgain(block: Uint8Array): Reaction {
    return this.#tries === this.#resends
      ? this.fail(`the peer asks for it again (re-sends made: ${this.#tries})`)
      : { reply: block, pause: this.#tries++ > 0 };
  }

  /** Ends the handshake at this step. */
  fail(problem: string): Reaction {
    this.#state = { kind: "failed", step: this.step, problem };
    return { problem };
  }
}

/** What to say of a block that should be a status. */
export const NO_STATUS = "what came is neither a 1 nor a 0";

/** A random 16-bit sequence number; `random` gives numbers from 0 up to 1. */
export function initialSequence(random: () => number): number {
  return Math.floor(random() * 0x1_0000) & 0xffff;
}
