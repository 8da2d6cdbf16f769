import type { Clock } from "../protocol/clock.ts";
import type { MaybePromise } from "../protocol/envelope.ts";
import { CypherError, CypherStatus } from "../protocol/errors.ts";
import type { Reply, Request } from "../protocol/message.ts";
import { writeFailure, writeReply } from "../protocol/write_message.ts";
import type { Tracing } from "../protocol/tracing.ts";
import type { Call, Handler, HandlerErrorInfo } from "./handler.ts";
import type { StoredAnswer } from "./stored_answer.ts";

/** How a {@linkcode Runner} is made. */
export interface RunnerOptions {
  handler: Handler;
  clock: Clock;
  /** How long a handler may take, in ms; `Infinity` for any time. */
  deadline: number;
  limits: {
    /** How many handlers may run before there is no room for more. */
    requests: number;
  };
  onHandlerError: (error: unknown, info: HandlerErrorInfo) => void;
  /** Follows requests into the handler. */
  tracing?: Tracing | undefined;
}

/**
 * Calls the handler and turns whatever comes of it into an answer: its reply,
 * a status, or `HANDLER_FAILED`. Never throws.
 */
export class Runner {
  #options: RunnerOptions;
  #calls = new Set<Call>();
  #ended = Promise.withResolvers<void>();
  #room: PromiseWithResolvers<true> | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** The answer to a request: at once, if its handler answers at once. */
  run(request: Request, call: Call): MaybePromise<StoredAnswer> {
    const { tracing } = this.#options;
    return tracing
      ? this.#traced(tracing, request, call)
      : this.#run(request, call);
  }

  /**
   * Resolves once there is room for more handlers; undefined while there is.
   * That is only when an eighth of them have ended: those who wait would
   * otherwise all be woken for each single one.
   */
  get room(): Promise<true> | undefined {
    if (this.#calls.size >= this.#options.limits.requests) {
      this.#room ??= Promise.withResolvers();
    }
    return this.#room?.promise;
  }

  /** Resolves once no handler runs. */
  async idle(): Promise<void> {
    while (this.#calls.size > 0) await this.#ended.promise;
  }

  /** Tells the handlers that still run to stop, and waits for them no more. */
  abort(reason: Error): void {
    for (const call of this.#calls) {
      call.abort(reason);
      this.#end(call);
    }
  }

  /** By itself, as a function that is made costs those who do not trace. */
  #traced(
    tracing: Tracing,
    request: Request,
    call: Call,
  ): MaybePromise<StoredAnswer> {
    return tracing.server(request, call, () => this.#run(request, call));
  }

  #run(request: Request, call: Call): MaybePromise<StoredAnswer> {
    try {
      const reply = this.#options.handler(request, call);
      return isThenable(reply)
        ? this.#await(request, call, Promise.resolve(reply))
        : this.#answer(request, reply);
    } catch (error) {
      return this.#failed(request, error);
    }
  }

  #end(call: Call): void {
    this.#calls.delete(call);
    if (this.#calls.size <= Math.floor(this.#options.limits.requests * 7 / 8)) {
      this.#room?.resolve(true);
      this.#room = undefined;
    }
    this.#ended.resolve();
    this.#ended = Promise.withResolvers();
  }

  #await(
    request: Request,
    call: Call,
    reply: Promise<Reply>,
  ): Promise<StoredAnswer> {
    const { clock, deadline } = this.#options;
    this.#calls.add(call);
    return new Promise((resolve) => {
      const timer = deadline === Infinity ? undefined : clock.setTimeout(
        () => {
          resolve(overdue(request, deadline));
          call.abort(
            new CypherError("DEADLINE", `The handler took over ${deadline} ms`),
          );
          this.#end(call);
        },
        deadline,
      );
      // Whatever comes after the deadline is dropped: a promise settles once.
      const settle = (answer: StoredAnswer) => {
        if (timer !== undefined) clock.clearTimeout(timer);
        this.#end(call);
        resolve(answer);
      };
      reply.then(
        (value) => settle(this.#answer(request, value)),
        (error) => settle(this.#failed(request, error, call)),
      );
    });
  }

  #answer(request: Request, reply: Reply): StoredAnswer {
    try {
      const text = writeReply(request, reply);
      const code = reply.status?.code ?? "OK";
      const message = code === "OK" ? "" : reply.status?.message ?? code;
      return { text, status: code, message };
    } catch (error) {
      return this.#failed(request, error);
    }
  }

  #failed(request: Request, error: unknown, call?: Call): StoredAnswer {
    if (error instanceof CypherStatus) {
      try {
        return failure(request, error.status, error.message, error.data);
      } catch (unsendable) {
        error = unsendable;
      }
    }
    const reference = crypto.randomUUID().slice(0, 8);
    const { path, operation } = request;
    this.#report(error, { reference, path, operation }, call);
    return failure(
      request,
      "HANDLER_FAILED",
      `The handler failed; the server's log has it as ${reference}`,
    );
  }

  #report(error: unknown, info: HandlerErrorInfo, call?: Call): void {
    try {
      // A handler that stops as it was told to has not failed.
      if (call?.isAbort(error)) return;
      this.#options.onHandlerError(error, info);
    } catch {
      // A broken logger must not cost the peer its answer.
    }
  }
}

/** What a request that could not be read is answered as. */
export const UNREADABLE = { path: "/", operation: "NONE" };

/** The answer that says a request failed. */
export function failure(
  request: Pick<Request, "path" | "operation">,
  status: string,
  message: string,
  data?: unknown,
): StoredAnswer {
  const text = writeFailure(request, { code: status, message }, data);
  return { text, status, message };
}

function overdue(request: Request, deadline: number): StoredAnswer {
  return failure(
    request,
    "DEADLINE",
    `The handler did not answer within ${deadline} ms`,
  );
}

function isThenable(value: unknown): value is PromiseLike<Reply> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}
