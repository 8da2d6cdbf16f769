import { Answers, type AnswersOptions, type Outcome } from "../answers.ts";
import type { Journal } from "../journal.ts";
import type { AskMessage, ToThread } from "./messages.ts";
import { SharedIdentities } from "./shared_identities.ts";

/** The main thread's number: it has what the journal had kept. */
const MAIN = 0;

/** A question that waits for its answer. */
interface Question {
  readonly from: number;
  readonly ask: number;
  readonly serial: number;
  readonly owner: number;
}

/** How {@linkcode Questions} are made. */
export interface QuestionsOptions extends AnswersOptions {
  /** What survives the process, if anything is to. */
  journal?: Journal | undefined;
  /** The memory of the identities that all threads share. */
  memory: SharedArrayBuffer;
  /** Tells a thread something; false if it is dead. */
  send: (thread: number, message: ToThread) => boolean;
}

/**
 * Classic tokens on several threads: each is one thread's to execute. When a
 * repeat comes on another, that asks, here, what became of it.
 */
export class Questions {
  #identities: SharedIdentities;
  #answers: Answers;
  #send: QuestionsOptions["send"];
  #journal: Journal | undefined;
  #waiting = new Map<number, Question>();
  #last = 0;

  constructor(options: QuestionsOptions) {
    const { memory, tokens, send } = options;
    this.#journal = options.journal;
    this.#send = send;
    this.#identities = new SharedIdentities(memory, tokens, MAIN);
    this.#answers = new Answers({ ...options, identities: this.#identities });
  }

  /** A thread asks about another's token. */
  async ask(from: number, { ask, serial, owner }: AskMessage): Promise<void> {
    const question = { from, ask, serial, owner };
    if (owner === MAIN) {
      return this.#tell(question, await this.#answers.outcomeOf(serial));
    }
    const number = ++this.#last;
    const message = { kind: "asked", question: number, serial } as const;
    if (this.#send(owner, message)) this.#waiting.set(number, question);
    else this.#tell(question, this.#left(question));
  }

  /** A thread has answered. */
  reply(number: number, outcome: Outcome): void {
    const question = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (question) this.#tell(question, outcome);
  }

  /** A thread has died: what it had not answered nobody knows. */
  died(thread: number): void {
    this.#identities.died(thread);
    for (const [number, question] of this.#waiting) {
      if (question.owner !== thread) continue;
      this.#waiting.delete(number);
      this.#tell(question, this.#left(question));
    }
  }

  /** What is known of a token whose thread is dead. */
  #left({ serial, owner }: Question): Outcome {
    const answer = this.#journal?.answerOf(serial);
    if (answer) return answer;
    return this.#identities.wasDone(serial, owner) ? "lost" : "unfinished";
  }

  #tell({ from, ask }: Question, outcome: Outcome): void {
    this.#send(from, { kind: "told", ask, outcome });
  }
}
