import type { MaybePromise } from "../../protocol/envelope.ts";

/** The client that a message, or an event, is from. */
export interface SegmentPeer {
  /** The connection's id, unique within the monitor. */
  readonly connection: string;
  /** The client's address and port. */
  readonly address: string;
}

/** What a handler is told beside the message. */
export interface SegmentContext extends SegmentPeer {
  /** Aborts when the client is gone, time is up, or a stop's grace is over. */
  readonly signal: AbortSignal;
}

/**
 * Answers a message with a payload of at most the agreed buffer size less the
 * header, and at most 65,535 bytes. The C client takes an answer for lost if
 * it is empty, and for damaged if it holds a NUL.
 */
export type SegmentHandler = (
  message: Uint8Array,
  context: SegmentContext,
) => MaybePromise<Uint8Array>;

/**
 * Runs a handler: resolves to its answer, or rejects with what it threw. It is
 * not waited for once the context's signal aborts.
 */
export function runHandler(
  handler: SegmentHandler,
  message: Uint8Array,
  context: SegmentContext,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const { signal } = context;
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), {
      once: true,
    });
    // Not resolve(its promise): that would leave no room for an abort.
    Promise.try(handler, message, context).then(resolve, reject);
  });
}
