import type { MaybePromise } from "../protocol/envelope.ts";
import type { Reply, Request } from "../protocol/message.ts";

/** What a handler is told beside the request. */
export interface RequestContext {
  /** The peer's address and port. */
  readonly address: string;
  /** The id of the connection that the request came on first. */
  readonly connection: string;
  /**
   * What tells this request from every other, the same however often it is
   * sent: up to 64 letters, digits and dashes. Store it with an effect to make
   * the two one.
   */
  readonly identity: string;
  /**
   * Aborts when the request's `deadline` passes, when its caller cancels it (on
   * the session wire) or when the server's grace ends. A handler that throws
   * its reason then has not failed: nobody is told.
   * Losing the connection does not abort it: the peer comes back for its
   * answer.
   */
  readonly signal: AbortSignal;
}

/**
 * Answers a request. What it leaves out of its answer comes from the request,
 * but for `data`, which is `null` then. A {@linkcode CypherStatus} that it
 * throws is answered as a status of its own.
 */
export type Handler = (
  request: Request,
  context: RequestContext,
) => MaybePromise<Reply>;

/** Which failure `onHandlerError` is told about. */
export interface HandlerErrorInfo {
  /** The number the peer was told instead of the error. */
  readonly reference: string;
  /** The request's path. */
  readonly path: string;
  /** The request's operation. */
  readonly operation: string;
}

/** One call of a handler. Its signal and its identity are made if it asks. */
export class Call implements RequestContext {
  readonly address: string;
  readonly connection: string;
  #identity: () => string;
  #controller: AbortController | undefined;

  constructor(address: string, connection: string, identity: () => string) {
    this.address = address;
    this.connection = connection;
    this.#identity = identity;
  }

  get identity(): string {
    return this.#identity();
  }

  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  abort(reason: Error): void {
    (this.#controller ??= new AbortController()).abort(reason);
  }

  /**
   * Whether an error says that the signal has aborted: it is the signal's
   * reason, or has that as its cause, as Node's own have.
   */
  isAbort(error: unknown): boolean {
    if (!this.#controller?.signal.aborted) return false;
    const { reason } = this.#controller.signal;
    try {
      return error === reason ||
        error instanceof Error && error.cause === reason;
    } catch {
      // What was thrown cannot even be looked at.
      return false;
    }
  }
}
