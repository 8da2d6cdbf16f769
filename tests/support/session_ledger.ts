/**
 * Keeps the books of a simulated world: what was asked, what was executed and
 * how it ended; and says what must not be.
 */

/** What a request carries. */
export interface Work {
  readonly job: number;
  /** How long the handler takes, in ms; 0: it answers at once. */
  readonly time: number;
  /** Whether the effect is at the handler's beginning. */
  readonly early: boolean;
  /** Whether the handler goes on after its signal has aborted. */
  readonly deaf: boolean;
  /** Whether the server holds it to be harmless to execute it twice. */
  readonly twice: boolean;
  /** Whether it is answered with a status. */
  readonly fails: boolean;
  /** Whether the server crashes right before its effect, or right after. */
  readonly fatal: "before" | "after" | "";
  readonly pad: string;
  /** How long the answer is. */
  readonly answer: number;
}

/** What a request is answered. */
export interface Done {
  readonly job: number;
  readonly identity: string;
}

/** What a client asks, and what became of it. */
export interface Job {
  readonly work: Work;
  /** Whether the client may have it executed more than once. */
  readonly repeatable: boolean;
  /** What else may end it than an answer. */
  readonly allowed: ReadonlySet<string>;
  /** The client's id and the request's, once it was written. */
  identity: string | undefined;
  /** How often it was written, or was about to be. */
  writings: number;
  /** The servers that it was written to. */
  readonly servers: Set<string>;
  /** In which processes it was executed. */
  readonly effects: number[];
  /** Whether a handler has begun with it. */
  began: boolean;
  /** Whether a handler has given its answer. */
  returned: boolean;
  /** Whether that was a failure. */
  threw: boolean;
  /** Whether it has taken a server down with it. */
  killed: boolean;
  ended: boolean;
}

/** What is known of a client. */
interface Client {
  /** The last server it was online with. */
  server: string | undefined;
  lastId: number;
  /** Whether a server has told it that it was forgotten. */
  forgotten: boolean;
}

/** How a {@linkcode Ledger} is kept. */
export interface LedgerOptions {
  /** Whether the server's memory outlives its process. */
  readonly journal: boolean;
  /** Whether the server may forget a client that is away. */
  readonly forgetful: boolean;
}

/** What was asked in one world, and what came of it. */
export class Ledger {
  readonly jobs: Job[] = [];
  readonly #options: LedgerOptions;
  readonly #byIdentity = new Map<string, Job>();
  readonly #clients = new Map<string, Client>();
  /** Of which the journal knows no more than that they began. */
  readonly #unknowable = new Set<string>();
  #wrong: Error | undefined;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** The jobs that have not ended. */
  get open(): Job[] {
    return this.jobs.filter(({ ended }) => !ended);
  }

  /** Whether requests that were written wait for their answers. */
  get busy(): boolean {
    return this.open.some(({ identity }) => identity !== undefined);
  }

  /** Whether any client was forgotten. */
  get anyForgotten(): boolean {
    return this.#clients.values().some(({ forgotten }) => forgotten);
  }

  /** Something is asked. */
  add(job: Pick<Job, "work" | "repeatable" | "allowed">): Job {
    const added: Job = {
      ...job,
      identity: undefined,
      writings: 0,
      servers: new Set(),
      effects: [],
      began: false,
      returned: false,
      threw: false,
      killed: false,
      ended: false,
    };
    this.jobs.push(added);
    return added;
  }

  /** A client is online. */
  connected(id: string, server: string): void {
    this.#client(id).server = server;
  }

  /** The server has told a client that it does not remember it. */
  forgotten(id: string): void {
    this.check(this.#options.forgetful, `client ${id} was forgotten`);
    this.#client(id).forgotten = true;
  }

  /** A client writes a request. */
  written(id: string, number: number, job: Job): void {
    const client = this.#client(id);
    const identity = `${id}-${number}`;
    this.check(!job.ended, `${job.work.job} is written after its end`);
    job.writings++;
    job.servers.add(client.server!);
    if (job.identity === identity) return;
    this.check(
      job.identity === undefined,
      `${job.work.job} was ${job.identity}, and is ${identity}`,
    );
    this.check(
      number === client.lastId + 1,
      `${identity} comes after ${client.lastId}`,
    );
    client.lastId = number;
    job.identity = identity;
    this.#byIdentity.set(identity, job);
  }

  /** A process executes a request. */
  effect(process: number, identity: string, job: Job): void {
    const { work, effects, repeatable } = job;
    this.check(
      this.#byIdentity.get(identity) === job,
      `${work.job} is executed as ${identity}`,
    );
    const inside = effects.at(-1) === process;
    const again = inside || this.#options.journal
      ? this.#sentAsNew(job) || !inside && work.twice
      : repeatable;
    this.check(
      effects.length === 0 || again,
      `${work.job} was executed twice, in ${[...effects, process]}`,
    );
    effects.push(process);
  }

  /** A process is gone; of these requests the journal knows no ending. */
  lost(identities: readonly string[]): void {
    for (const identity of identities) {
      const job = this.#byIdentity.get(identity);
      this.check(job !== undefined, `${identity} was never written`);
      this.check(!job?.work.twice, `${identity} need not be in the journal`);
      this.#unknowable.add(identity);
    }
  }

  /** A request was answered so. */
  answered(job: Job, { job: number, identity }: Done): void {
    const { work, effects } = job;
    this.check(number === work.job, `${work.job} got ${number}'s answer`);
    this.check(
      identity === job.identity,
      `${job.identity} got ${identity}'s answer`,
    );
    this.check(effects.length > 0, `${number} was answered, not executed`);
  }

  /** A request has ended. */
  ended(job: Job, outcome: string): void {
    const { work, allowed, effects, identity } = job;
    this.check(!job.ended, `${work.job} ended twice`);
    job.ended = true;
    this.check(
      outcome === "answered" || allowed.has(outcome),
      `${work.job} ended in ${outcome}`,
    );
    switch (outcome) {
      case "answered":
        return this.check(!work.fails, `${work.job} should have failed`);
      case "STATUS":
        return this.check(job.threw, `${work.job} did not fail`);
      case "ANSWER_LOST":
        this.check(
          !this.#unknowable.has(identity ?? "") || this.#sentAsNew(job),
          `${work.job}'s outcome is unknown, not lost`,
        );
        return this.check(job.began, `${work.job} never began, and was lost`);
      case "ANSWER_TOO_LARGE":
        return this.check(
          job.began,
          `${work.job} ended in ${outcome}, and was not executed`,
        );
      case "QUEUE_FULL":
      case "TOO_LARGE":
        return this.check(
          effects.length === 0,
          `${work.job} ended in ${outcome}, and was executed`,
        );
      case "OUTCOME_UNKNOWN":
        return this.check(
          identity !== undefined && this.#isUnknowable(identity, job),
          `${work.job}'s outcome is known`,
        );
    }
  }

  /** Whether the client of a request was forgotten before. */
  forgot(identity: string): boolean {
    return this.#client(clientOf(identity)).forgotten;
  }

  /** Whether a request may be new to a server that has forgotten its client. */
  #sentAsNew({ identity, repeatable }: Job): boolean {
    return repeatable && identity !== undefined && this.forgot(identity);
  }

  /** Remembers the first thing that must not be: it may be seen anywhere. */
  readonly check = (condition: boolean, message: string): void => {
    if (!condition) this.#wrong ??= new Error(message);
  };

  /** Throws if there was anything that must not be. */
  audit(): void {
    if (this.#wrong) throw this.#wrong;
  }

  /** Whether the server of now cannot tell if a request was executed. */
  #isUnknowable(identity: string, job: Job): boolean {
    // Too large to be written again to a server that takes less than before.
    if (job.allowed.has("TOO_LARGE") && job.writings > 1) return true;
    // Even of what the client lets repeat: the journal's word is final.
    if (this.#unknowable.has(identity)) return true;
    const { server } = this.#client(clientOf(identity));
    const elsewhere = !this.#options.journal &&
      job.servers.values().some((one) => one !== server);
    return !job.repeatable && (elsewhere || this.forgot(identity));
  }

  #client(id: string): Client {
    return this.#clients.getOrInsertComputed(id, () => ({
      server: undefined,
      lastId: 0,
      forgotten: false,
    }));
  }
}

/** The client that a request's identity belongs to. */
export function clientOf(identity: string): string {
  return identity.slice(0, identity.indexOf("-"));
}
