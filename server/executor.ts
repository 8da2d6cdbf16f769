import type { Clock } from "../protocol/clock.ts";
import type { MaybePromise } from "../protocol/envelope.ts";
import { CypherError, CypherStatus } from "../protocol/errors.ts";
import {
  type Reply,
  type Request,
  writeFailure,
  writeReply,
} from "../protocol/message.ts";
import type { Answers, StoredAnswer } from "./answers.ts";
import { Call, type Handler, type HandlerErrorInfo } from "./handler.ts";

/** How an {@linkcode Executor} is made. */
export interface ExecutorOptions {
  handler: Handler;
  answers: Answers;
  clock: Clock;
  /** How long a handler may take, in ms; `Infinity` for any time. */
  deadline: number;
  onHandlerError?:
    | ((error: unknown, info: HandlerErrorInfo) => void)
    | undefined;
}

/** A request's answer, and what it was found under. */
export interface Execution {
  readonly serial: number;
  readonly repeated: boolean;
  readonly answer: StoredAnswer;
}

/** Where a request comes from. */
interface Origin {
  readonly id: string;
  readonly address: string;
}

/**
 * Runs the handler, once for each request identity. An execution belongs to its
 * identity, not to a connection: a repeat waits for the same one.
 */
export class Executor {
  #options: ExecutorOptions;
  #calls = new Set<Call>();
  #ended = Promise.withResolvers<void>();

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** The answer to a request: at once, if its handler answers at once. */
  execute(
    request: Request | CypherError,
    identity: Uint8Array,
    origin: Origin,
  ): MaybePromise<Execution> {
    const { answers } = this.#options;
    const claim = answers.claim(identity);
    const { serial } = claim;
    switch (claim.kind) {
      case "answered":
        return { serial, repeated: true, answer: claim.answer };
      case "running":
        return claim.answer.then((answer) => ({
          serial,
          repeated: true,
          answer,
        }));
      case "lost":
        return { serial, repeated: true, answer: lost(request) };
    }
    const answer = request instanceof CypherError
      ? failure(UNREADABLE, "BAD_REQUEST", request.message)
      : this.#call(request, new Call(origin.address, origin.id, identity));
    if (!(answer instanceof Promise)) {
      answers.store(serial, answer);
      return { serial, repeated: false, answer };
    }
    answers.run(serial, answer);
    return answer.then((answer) => {
      answers.store(serial, answer);
      return { serial, repeated: false, answer };
    });
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

  #end(call: Call): void {
    this.#calls.delete(call);
    this.#ended.resolve();
    this.#ended = Promise.withResolvers();
  }

  #call(request: Request, call: Call): MaybePromise<StoredAnswer> {
    try {
      const reply = this.#options.handler(request, call);
      return isThenable(reply)
        ? this.#await(request, call, Promise.resolve(reply))
        : this.#answer(request, reply);
    } catch (error) {
      return this.#failed(request, error);
    }
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
        (error) => settle(this.#failed(request, error)),
      );
    });
  }

  #answer(request: Request, reply: Reply): StoredAnswer {
    try {
      const text = writeReply(request, reply);
      const code = reply.status?.code;
      return typeof code === "string" && code !== "OK"
        ? { text, status: code, message: reply.status?.message ?? code }
        : { text, status: "OK", message: "" };
    } catch (error) {
      return this.#failed(request, error);
    }
  }

  #failed(request: Request, error: unknown): StoredAnswer {
    if (error instanceof CypherStatus) {
      try {
        return failure(request, error.status, error.message, error.data);
      } catch (unsendable) {
        error = unsendable;
      }
    }
    const reference = crypto.randomUUID().slice(0, 8);
    const { path, operation } = request;
    this.#report(error, { reference, path, operation });
    return failure(
      request,
      "HANDLER_FAILED",
      `The handler failed; the server's log has it as ${reference}`,
    );
  }

  #report(error: unknown, info: HandlerErrorInfo): void {
    try {
      this.#options.onHandlerError?.(error, info);
    } catch {
      // A broken logger must not cost the peer its answer.
    }
  }
}

/** What a request that could not be read is answered as. */
export const UNREADABLE = { path: "/", operation: "NONE" };

function lost(request: Request | CypherError): StoredAnswer {
  return failure(
    request instanceof CypherError ? UNREADABLE : request,
    "ANSWER_LOST",
    "The request was executed, its answer is no longer kept",
  );
}

function overdue(request: Request, deadline: number): StoredAnswer {
  return failure(
    request,
    "DEADLINE",
    `The handler did not answer within ${deadline} ms`,
  );
}

function failure(
  request: Pick<Request, "path" | "operation">,
  status: string,
  message: string,
  data?: unknown,
): StoredAnswer {
  const text = writeFailure(request, { code: status, message }, data);
  return { text, status, message };
}

function isThenable(value: unknown): value is PromiseLike<Reply> {
  return typeof value === "object" && value !== null && "then" in value &&
    typeof value.then === "function";
}
