import type { MaybePromise } from "../protocol/envelope.ts";
import { FifoMap } from "../protocol/fifo_map.ts";
import { bytes, count, milliseconds } from "../protocol/options.ts";
import { type Identities, OwnIdentities } from "./identities.ts";
import type { Journalling } from "./journal.ts";
import type { StoredAnswer } from "./stored_answer.ts";

/** What one stored answer costs beside its text, in bytes (measured: 180). */
const OVERHEAD = 200;
/** How many tokens the journal is told to forget at once. */
const FORGOTTEN_AT_ONCE = 1_024;

/** The options of the store of answers, `answers` on the server. */
export const ANSWERS_OPTIONS = {
  maxBytes: bytes(67_108_864, 0, 2 ** 40),
  tokens: count(1_000_000, 1_024, 2 ** 24),
  maxAge: milliseconds(600_000),
  clients: count(100_000, 1, 10_000_000),
};

/** What is known of a request's identity. */
export type Claim =
  /** Nothing: it is the caller's to execute, under this number. */
  | { readonly kind: "new"; readonly serial: number }
  /** It is being executed. */
  | {
    readonly kind: "running";
    readonly serial: number;
    readonly answer: Promise<StoredAnswer>;
  }
  /** It has been executed. */
  | {
    readonly kind: "answered";
    readonly serial: number;
    readonly answer: StoredAnswer;
  }
  /** It has been executed, and its answer is no longer kept. */
  | { readonly kind: "lost"; readonly serial: number }
  /** An earlier process was cut off while it executed it. */
  | { readonly kind: "unfinished"; readonly serial: number }
  /** Another thread has executed it, or does. */
  | {
    readonly kind: "elsewhere";
    readonly serial: number;
    /** What became of it; waits for an execution that is under way. */
    readonly outcome: Promise<Outcome>;
    /** Takes it over; false if somebody else has. */
    adopt(): boolean;
  };

/** What became of a request on another thread. */
export type Outcome = StoredAnswer | "lost" | "unfinished";

/** The other threads, which have executed requests as well. */
export interface AnswersElsewhere {
  /** What became of a request that another thread has claimed. */
  ask(serial: number, owner: number): Promise<Outcome>;
  /** Takes it over, as its thread was cut off; false if somebody else has. */
  adopt(serial: number, owner: number): boolean;
}

/** How {@linkcode Answers} are made. */
export interface AnswersOptions {
  /** What the answers may take in all, in bytes. */
  maxBytes: number;
  /** How many identities are remembered. */
  tokens: number;
  /** What survives the process, if anything is to. */
  journal?: Journalling | undefined;
  /** Where identities are kept, default for one thread alone. */
  identities?: Identities | undefined;
  /** The other threads, if there are any. */
  elsewhere?: AnswersElsewhere | undefined;
}

/**
 * Remembers what was executed, so that a request that comes again, however
 * often and on whatever connection, is executed once.
 *
 * Identities are kept for the last `tokens` requests; answers within `maxBytes`
 * in all. Answers that the peer is known to have go first, then the oldest.
 */
export class Answers {
  #identities: Identities;
  #elsewhere: AnswersElsewhere | undefined;
  #maxBytes: number;
  #journal: Journalling | undefined;
  /** The journal has no token below this number. */
  #forgotten: number;
  #bytes = 0;
  /** What an earlier process had begun, and nobody has run since. */
  #unfinished = new Set<number>();
  #running = new Map<number, Promise<StoredAnswer>>();
  #unconfirmed = new FifoMap<number, StoredAnswer>();
  #confirmed = new FifoMap<number, StoredAnswer>();

  /**
   * Remembers what the journal does.
   *
   * @throws {CypherError} `BAD_OPTION` if that is damaged.
   */
  constructor(options: AnswersOptions) {
    const { maxBytes, tokens, journal } = options;
    this.#maxBytes = maxBytes;
    this.#identities = options.identities ?? new OwnIdentities(tokens);
    this.#elsewhere = options.elsewhere;
    this.#journal = journal;
    const known = journal?.loadTokens(this.#identities.capacity) ?? [];
    for (const { serial, identity, ended, answer } of known) {
      this.#identities.restore(serial, identity);
      if (!ended) this.#unfinished.add(serial);
      if (answer) this.#keep(serial, answer);
    }
    this.#forgotten = this.#identities.oldest;
  }

  /** The bytes that stored answers take now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Looks an identity up and, if it is new, takes it for the caller. */
  claim(identity: Uint8Array): Claim {
    const { serial, fresh, owner } = this.#identities.claim(identity);
    if (fresh) {
      this.#forget();
      return { kind: "new", serial };
    }
    if (owner !== undefined) {
      const elsewhere = this.#elsewhere!;
      return {
        kind: "elsewhere",
        serial,
        outcome: elsewhere.ask(serial, owner),
        adopt: () => elsewhere.adopt(serial, owner),
      };
    }
    const running = this.#running.get(serial);
    if (running) return { kind: "running", serial, answer: running };
    const answer = this.#unconfirmed.get(serial) ?? this.#confirmed.get(serial);
    if (answer) return { kind: "answered", serial, answer };
    const kind = this.#unfinished.has(serial) ? "unfinished" : "lost";
    return { kind, serial };
  }

  /** What became of a request that was claimed here, for another thread. */
  outcomeOf(serial: number): MaybePromise<Outcome> {
    return this.#running.get(serial) ?? this.#unconfirmed.get(serial) ??
      this.#confirmed.get(serial) ??
      (this.#unfinished.has(serial) ? "unfinished" : "lost");
  }

  /** The execution has begun and takes its time. */
  run(serial: number, answer: Promise<StoredAnswer>): void {
    this.#running.set(serial, answer);
    this.#unfinished.delete(serial);
  }

  /** Whether an answer can be kept: one that is too large cannot. */
  keeps(answer: StoredAnswer): boolean {
    return sizeOf(answer) <= this.#maxBytes;
  }

  /** The execution is over. */
  store(serial: number, answer: StoredAnswer): void {
    this.#running.delete(serial);
    this.#identities.done(serial);
    // Its identity may have been pushed out while it ran.
    if (serial >= this.#identities.oldest) this.#keep(serial, answer);
  }

  #keep(serial: number, answer: StoredAnswer): void {
    // It would push out all the others, and itself.
    if (!this.keeps(answer)) return this.#journal?.dropAnswer(serial);
    this.#unconfirmed.add(serial, answer);
    this.#bytes += sizeOf(answer);
    this.#evict(this.#confirmed);
    this.#evict(this.#unconfirmed);
  }

  /** The peer has the answer: it may be the first to go. */
  confirm(serial: number): void {
    const answer = this.#unconfirmed.get(serial);
    if (!answer) return;
    this.#unconfirmed.delete(serial);
    this.#confirmed.add(serial, answer);
  }

  /** An identity was added: what it has pushed out need not be kept. */
  #forget(): void {
    const { oldest } = this.#identities;
    for (const answers of [this.#confirmed, this.#unconfirmed]) {
      this.#drop(answers, oldest - 1);
      // Other threads push out, too.
      while (answers.oldest && answers.oldest[0] < oldest) {
        this.#drop(answers, answers.oldest[0]);
      }
    }
    if (this.#journal && oldest - this.#forgotten >= FORGOTTEN_AT_ONCE) {
      this.#journal.forgetTokens(this.#forgotten = oldest);
    }
  }

  #evict(answers: FifoMap<number, StoredAnswer>): void {
    while (this.#bytes > this.#maxBytes && answers.oldest) {
      const [serial] = answers.oldest;
      this.#drop(answers, serial);
      this.#journal?.dropAnswer(serial);
    }
  }

  #drop(answers: FifoMap<number, StoredAnswer>, serial: number): void {
    const answer = answers.get(serial);
    if (!answer) return;
    answers.delete(serial);
    this.#bytes -= sizeOf(answer);
  }
}

function sizeOf({ text, message }: StoredAnswer): number {
  return OVERHEAD + text.length + message.length;
}
