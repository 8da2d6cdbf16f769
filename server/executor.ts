import type { MaybePromise } from "../protocol/envelope.ts";
import { CypherError } from "../protocol/errors.ts";
import type { Request } from "../protocol/message.ts";
import type { Answers, StoredAnswer } from "./answers.ts";
import { Call } from "./handler.ts";
import { failure, type Runner, UNREADABLE } from "./runner.ts";

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
 * Executes each token once. An execution belongs to its token's identity, not
 * to a connection: a repeat waits for the same one.
 */
export class Executor {
  #runner: Runner;
  #answers: Answers;

  constructor(runner: Runner, answers: Answers) {
    this.#runner = runner;
    this.#answers = answers;
  }

  /** Resolves once there is room for another request; undefined if there is. */
  get room(): Promise<true> | undefined {
    return this.#runner.room;
  }

  /** The answer to a request: at once, if its handler answers at once. */
  execute(
    request: Request | CypherError,
    identity: Uint8Array,
    origin: Origin,
  ): MaybePromise<Execution> {
    const claim = this.#answers.claim(identity);
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
      case "new":
        return this.#run(request, serial, identity, origin);
    }
  }

  #run(
    request: Request | CypherError,
    serial: number,
    identity: Uint8Array,
    origin: Origin,
  ): MaybePromise<Execution> {
    const done = (answer: StoredAnswer) => {
      this.#answers.store(serial, answer);
      return { serial, repeated: false, answer };
    };
    if (request instanceof CypherError) {
      return done(failure(UNREADABLE, "BAD_REQUEST", request.message));
    }
    const call = new Call(origin.address, origin.id, () => identity.toHex());
    const answer = this.#runner.run(request, call);
    if (!(answer instanceof Promise)) return done(answer);
    this.#answers.run(serial, answer);
    return answer.then(done);
  }
}

function lost(request: Request | CypherError): StoredAnswer {
  return failure(
    request instanceof CypherError ? UNREADABLE : request,
    "ANSWER_LOST",
    "The request was executed, its answer is no longer kept",
  );
}
