import type { Clock } from "../protocol/clock.ts";
import type { MaybePromise } from "../protocol/envelope.ts";
import { CypherError } from "../protocol/errors.ts";
import { Fifo, type Place } from "../protocol/fifo.ts";
import type { Answer, RequestInit } from "../protocol/message.ts";

/** What bounds one request. */
export interface RequestOptions {
  /** Ends the request; its promise rejects with `ABORTED`. */
  signal?: AbortSignal | undefined;
  /** The most time the request may take, re-sending included, in ms. */
  deadline?: number | undefined;
  /**
   * Whether executing it twice does no harm; then it is sent again to a server
   * that has restarted (session wire). Default false.
   */
  idempotent?: boolean | undefined;
}

/** The same, and what the client itself adds. */
export interface PendingOptions extends RequestOptions {
  /** Called whenever the request is sent again. */
  resent?: (() => void) | undefined;
}

/** A request that has not ended. */
export interface PendingRequest {
  /** What was asked. */
  readonly request: RequestInit;
  /** Its text, before sealing: ASCII alone. */
  readonly plain: string;
  /** What goes on the wire: the same bytes however often it is sent. */
  sealed: MaybePromise<Uint8Array> | undefined;
  /** How often in a row the connection was cut instead of an answer. */
  cuts: number;
  /** Its id on the session wire, once it has been written. */
  id: number | undefined;
  /** Whether a server that has forgotten us may have executed it. */
  mayHaveRun: boolean;
  /** Its place among those that the session wire has not written. */
  unwritten: Place<PendingRequest> | undefined;
  /** Whether executing it twice does no harm. */
  readonly idempotent: boolean;
  /** Called whenever it is sent again. */
  readonly resent: (() => void) | undefined;
}

interface Entry extends PendingRequest {
  /** Its place among those that wait; undefined once it has ended. */
  place: Place<Entry> | undefined;
  resolve(answer: Answer): void;
  reject(error: CypherError): void;
  /** Takes away what could end it early, if there is anything. */
  unbind: (() => void) | undefined;
}

/**
 * The requests that wait for their answers, first come first served. The only
 * place where a request ends: each ends exactly once, in its answer or an error.
 */
export class Pending {
  #clock: Clock;
  #limit: number;
  #entries = new Fifo<Entry>();
  #onEnd: (request: PendingRequest) => void;
  #trouble: () => string | undefined;

  /**
   * `limit` is how many may wait; `onEnd` is called with each request that
   * ended before its answer was taken; `trouble` says why there is no
   * connection, if there is none.
   */
  constructor(
    clock: Clock,
    limit: number,
    onEnd: (request: PendingRequest) => void,
    trouble: () => string | undefined = () => undefined,
  ) {
    this.#clock = clock;
    this.#limit = limit;
    this.#onEnd = onEnd;
    this.#trouble = trouble;
  }

  /** How many requests wait. */
  get size(): number {
    return this.#entries.size;
  }

  /** The request that is in flight, or to be sent next. */
  get first(): PendingRequest | undefined {
    return this.#entries.oldest;
  }

  /**
   * Adds a request; resolves to its answer.
   *
   * @throws {CypherError} `QUEUE_FULL` or `ABORTED`, at once; as a rejection
   * `ABORTED`, `DEADLINE` or whatever it is failed with.
   */
  add(
    request: RequestInit,
    plain: string,
    { signal, deadline = Infinity, idempotent = false, resent }: PendingOptions,
    added: (request: PendingRequest) => void,
  ): Promise<Answer> {
    if (signal?.aborted) throw aborted(signal);
    if (this.#entries.size >= this.#limit) {
      throw new CypherError(
        "QUEUE_FULL",
        `Cannot send the request: ${this.#limit} are waiting already`,
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const entry: Entry = {
      request,
      plain,
      sealed: undefined,
      cuts: 0,
      id: undefined,
      unwritten: undefined,
      idempotent,
      resent,
      mayHaveRun: false,
      place: undefined,
      resolve,
      reject,
      unbind: undefined,
    };
    if (signal || deadline !== Infinity) this.#bind(entry, signal, deadline);
    entry.place = this.#entries.add(entry);
    added(entry);
    return promise;
  }

  /** Ends a request with its answer. */
  settle(request: PendingRequest, answer: Answer): void {
    this.#take(request)?.resolve(answer);
  }

  /** Ends a request with an error. */
  fail(request: PendingRequest, error: CypherError): void {
    const entry = this.#take(request);
    if (!entry) return;
    entry.reject(error);
    this.#onEnd(request);
  }

  /** Ends every request with an error of its own: whoever asked adds to it. */
  failAll({ code, message, cause }: CypherError): void {
    const options = cause === undefined ? {} : { cause };
    for (const request of this.#entries.values()) {
      this.fail(request, new CypherError(code, message, options));
    }
  }

  #take(request: PendingRequest): Entry | undefined {
    // Requests are made nowhere but here.
    const entry = request as Entry;
    if (!this.#entries.delete(entry.place)) return undefined;
    entry.unbind?.();
    return entry;
  }

  /** Lets a signal and a deadline end a request, until it has ended. */
  #bind(entry: Entry, signal: AbortSignal | undefined, deadline: number): void {
    const abort = () => this.fail(entry, aborted(signal));
    signal?.addEventListener("abort", abort);
    const timer = deadline === Infinity ? undefined : this.#clock.setTimeout(
      () => this.fail(entry, overdue(deadline, this.#trouble())),
      deadline,
    );
    entry.unbind = () => {
      signal?.removeEventListener("abort", abort);
      if (timer !== undefined) this.#clock.clearTimeout(timer);
    };
  }
}

function aborted(signal: AbortSignal | undefined): CypherError {
  return new CypherError("ABORTED", "The request was aborted", {
    cause: signal?.reason,
  });
}

function overdue(deadline: number, trouble: string | undefined): CypherError {
  const said = `The request had no answer within ${deadline} ms`;
  return new CypherError("DEADLINE", trouble ? `${said}. ${trouble}` : said);
}
