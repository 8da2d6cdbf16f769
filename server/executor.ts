import type { MaybePromise } from "../protocol/envelope.ts";
import { CypherError } from "../protocol/errors.ts";
import type { Request } from "../protocol/message.ts";
import type { Answers } from "./answers.ts";
import { Call } from "./handler.ts";
import type { Journalling } from "./journal.ts";
import { failure, type Runner, UNREADABLE } from "./runner.ts";
import type { StoredAnswer } from "./stored_answer.ts";

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

/** How an {@linkcode Executor} is made. */
export interface ExecutorOptions {
  runner: Runner;
  answers: Answers;
  /** Whether a request may be executed twice. */
  idempotent: (request: Request) => boolean;
  /** What survives the process, if anything is to. */
  journal?: Journalling | undefined;
}

/**
 * Executes each token once. An execution belongs to its token's identity, not
 * to a connection: a repeat waits for the same one.
 */
export class Executor {
  #options: ExecutorOptions;

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Resolves once there is room for another request; undefined if there is. */
  get room(): Promise<true> | undefined {
    return this.#options.runner.room;
  }

  /** The answer to a request: at once, if its handler answers at once. */
  execute(
    request: Request | CypherError,
    identity: Uint8Array,
    origin: Origin,
  ): MaybePromise<Execution> {
    const claim = this.#options.answers.claim(identity);
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
      case "unfinished":
        return this.#mayRunAgain(request)
          ? this.#run(request, serial, identity, origin)
          : { serial, repeated: true, answer: unknown(request) };
      case "elsewhere":
        return claim.outcome.then((outcome) => {
          if (outcome === "unfinished" && this.#mayRunAgain(request)) {
            return claim.adopt()
              ? this.#run(request, serial, identity, origin)
              // Somebody else was faster: that one's answer is this one's.
              : this.execute(request, identity, origin);
          }
          const answer = outcome === "lost"
            ? lost(request)
            : outcome === "unfinished"
            ? unknown(request)
            : outcome;
          return { serial, repeated: true, answer };
        });
      case "new":
        return this.#run(request, serial, identity, origin);
    }
  }

  /** With a handler that may run twice what was cut off is as good as new. */
  #mayRunAgain(request: Request | CypherError): boolean {
    return request instanceof CypherError || this.#options.idempotent(request);
  }

  #run(
    request: Request | CypherError,
    serial: number,
    identity: Uint8Array,
    origin: Origin,
  ): MaybePromise<Execution> {
    const { runner, answers, journal } = this.#options;
    const done = (answer: StoredAnswer) => {
      answers.store(serial, answer);
      return { serial, repeated: false, answer };
    };
    if (request instanceof CypherError) {
      return done(failure(UNREADABLE, "BAD_REQUEST", request.message));
    }
    const call = new Call(origin.address, origin.id, () => identity.toHex());
    const answer = journal
      ? this.#onRecord(journal, request, serial, identity, call)
      : runner.run(request, call);
    if (!(answer instanceof Promise)) return done(answer);
    answers.run(serial, answer);
    return answer.then(done);
  }

  /**
   * Runs a handler once its beginning is on record; its answer is known once
   * that is. What may run twice need not wait: after a crash it is as good as
   * new.
   */
  #onRecord(
    journal: Journalling,
    request: Request,
    serial: number,
    identity: Uint8Array,
    call: Call,
  ): Promise<StoredAnswer> {
    const { runner, answers, idempotent } = this.#options;
    return new Promise((resolve) => {
      const end = (answer: StoredAnswer) => {
        const kept = answers.keeps(answer) ? answer : undefined;
        journal.endToken(serial, kept, () => resolve(answer));
      };
      const begin = () => {
        const answer = runner.run(request, call);
        if (answer instanceof Promise) answer.then(end);
        else end(answer);
      };
      if (!idempotent(request)) {
        runner.expect(call);
        return journal.startToken(serial, identity, begin);
      }
      journal.startToken(serial, identity);
      begin();
    });
  }
}

function unknown(request: Request | CypherError): StoredAnswer {
  return failure(
    request instanceof CypherError ? UNREADABLE : request,
    "OUTCOME_UNKNOWN",
    "The server was cut off while the request was being executed",
  );
}

function lost(request: Request | CypherError): StoredAnswer {
  return failure(
    request instanceof CypherError ? UNREADABLE : request,
    "ANSWER_LOST",
    "The request was executed, its answer is no longer kept",
  );
}
