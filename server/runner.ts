import type { Clock, Timer } from "../protocol/clock.ts";
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
  /** The handlers that run, and when they are overdue. */
  #calls = new Map<Call, Timer | undefined>();
  /** Those that are to run soon. */
  #expected = new Set<Call>();
  #ended = Promise.withResolvers<void>();
  #room: PromiseWithResolvers<true> | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** The answer to a request: at once, if its handler answers at once. */
  run(request: Request, call: Call): MaybePromise<StoredAnswer> {
    const { tracing } = this.#options;
    const answer = tracing
      ? this.#traced(tracing, request, call)
      : this.#run(request, call);
    this.forgo(call);
    return answer;
  }

  /** A call is to come, once that is on record: from now on it takes room. */
  expect(call: Call): void {
    this.#expected.add(call);
  }

  /** It does not come, or has come: while its handler runs, that counts. */
  forgo(call: Call): void {
    if (this.#expected.delete(call)) this.#makeRoom();
  }

  /**
   * Resolves once there is room for more handlers; undefined while there is.
   * That is only when an eighth of them have ended: those who wait would
   * otherwise all be woken for each single one.
   */
  get room(): Promise<true> | undefined {
    if (this.#size >= this.#options.limits.requests) {
      this.#room ??= Promise.withResolvers();
    }
    return this.#room?.promise;
  }

  get #size(): number {
    return this.#calls.size + this.#expected.size;
  }

  /** Resolves once no handler runs. */
  async idle(): Promise<void> {
    while (this.#calls.size > 0) await this.#ended.promise;
  }

  /** Tells the handlers that still run to stop, and waits for them no more. */
  abort(reason: Error): void {
    for (const call of this.#calls.keys()) {
      call.abort(reason);
      this.#end(call);
    }
  }

  /**
   * By itself, as a function that is made costs those who do not trace. What
   * traces may fail: that must not cost the peer its answer.
   */
  #traced(
    tracing: Tracing,
    request: Request,
    call: Call,
  ): MaybePromise<StoredAnswer> {
    let answer: MaybePromise<StoredAnswer> | undefined;
    const run = () => answer ??= this.#run(request, call);
    const broken = (error: unknown) => {
      this.#report(request, error);
      return run();
    };
    try {
      const traced = tracing.server(request, call, run);
      return traced instanceof Promise ? traced.then(run, broken) : run();
    } catch (error) {
      return broken(error);
    }
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
    const timer = this.#calls.get(call);
    if (timer !== undefined) this.#options.clock.clearTimeout(timer);
    this.#calls.delete(call);
    this.#makeRoom();
    this.#ended.resolve();
    this.#ended = Promise.withResolvers();
  }

  #makeRoom(): void {
    if (this.#size > Math.floor(this.#options.limits.requests * 7 / 8)) return;
    this.#room?.resolve(true);
    this.#room = undefined;
  }

  #await(
    request: Request,
    call: Call,
    reply: Promise<Reply>,
  ): Promise<StoredAnswer> {
    const { clock, deadline } = this.#options;
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
      this.#calls.set(call, timer);
      // Whatever comes after the deadline is dropped: a promise settles once.
      const settle = (answer: StoredAnswer) => {
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
    const reference = this.#report(request, error, call);
    return failure(
      request,
      "HANDLER_FAILED",
      `The handler failed; the server's log has it as ${reference}`,
    );
  }

  /** Gives the reference that it was reported under. */
  #report(
    { path, operation }: Request,
    error: unknown,
    call?: Call,
  ): string {
    const reference = crypto.randomUUID().slice(0, 8);
    // A handler that stops as it was told to has not failed.
    if (!call?.isAbort(error)) {
      this.#options.onHandlerError(error, { reference, path, operation });
    }
    return reference;
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
