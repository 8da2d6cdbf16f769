import { Fifo } from "../../protocol/fifo.ts";
import { FRAME } from "../../protocol/frames.ts";
import { writeError } from "../../protocol/notices.ts";
import type { ClientRecord, Ending, Kept } from "./client_record.ts";

/** What one kept ending costs beside its text, in bytes. */
const OVERHEAD = 200;

/** How a request ends whose handler ran when its thread, or all, ended. */
export const UNKNOWN: Ending = {
  type: FRAME.error,
  payload: writeError({
    code: "OUTCOME_UNKNOWN",
    message: "The server was cut off while the request was being executed",
  }),
};

/**
 * What the endings that are kept take, of all clients; where that is too much,
 * the oldest are given up.
 */
export class KeptEndings {
  #maxBytes: number;
  #onGivenUp: (kept: Kept) => void;
  #queue = new Fifo<Kept>();
  #bytes = 0;

  /** `maxBytes` is what they may take in all. */
  constructor(maxBytes: number, onGivenUp: (kept: Kept) => void) {
    this.#maxBytes = maxBytes;
    this.#onGivenUp = onGivenUp;
  }

  /** The bytes that they take now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps an ending with its client. */
  keep(record: ClientRecord, id: number, ending: Ending): void {
    const kept: Kept = { record, id, ending, place: undefined };
    // A client that comes from another thread can bring one that is told, too.
    const before = record.kept.get(id);
    if (before) this.drop(before);
    record.kept.set(id, kept);
    // Never given up, or it would seem to have been executed; it costs little
    // more than its id, and a client has a window of them at most.
    if (ending.payload === UNKNOWN.payload) return;
    kept.place = this.#queue.add(kept);
    this.#bytes += sizeOf(ending);
    while (this.#bytes > this.#maxBytes) this.#giveUpOldest();
  }

  /** Its client need not have it kept any more. */
  drop({ place, ending }: Kept): void {
    if (this.#queue.delete(place)) this.#bytes -= sizeOf(ending);
  }

  #giveUpOldest(): void {
    const kept = this.#queue.oldest!;
    kept.record.kept.delete(kept.id);
    this.drop(kept);
    this.#onGivenUp(kept);
  }
}

function sizeOf(ending: Ending): number {
  return OVERHEAD + ending.payload.length;
}
