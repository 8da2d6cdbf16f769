import { DatabaseSync } from "node:sqlite";
import type { AnsweredJson } from "../protocol/answered.ts";
import { CypherError } from "../protocol/errors.ts";
import { IDENTITY_BYTES } from "../protocol/identity_ring.ts";
import {
  type JournalledClient,
  type JournalledToken,
  readAnswer,
  readClients,
  readTokens,
} from "./journal_load.ts";
import { openSchema, type Statements } from "./journal_schema.ts";
import type { Ending } from "./session/client_record.ts";
import type { StoredAnswer } from "./stored_answer.ts";

/** What is noted of the wires, wherever that is written down. */
export type Journalling = Omit<
  Pick<Journal, keyof Journal>,
  "serverId" | "clientOf" | "answerOf"
>;

/** What SQLite says of a file that somebody else has open (Deno: no code). */
const BUSY = "database is locked";

/**
 * What survives the server's process: which requests began, and how they ended.
 * A session's request goes by its client and its id, a classic token by the
 * number that its identity was given.
 * Everything noted in one tick is one transaction; what depends on a note being
 * safe is given as a callback, and runs once it is on the disk.
 */
export class Journal {
  /** The server's id: the same for as long as the journal exists. */
  readonly serverId: string;
  #path: string;
  #onFailure: (error: CypherError) => void;
  #database: DatabaseSync;
  #statements: Statements;
  #safe: (() => void)[] = [];
  /** Whether there is a transaction. */
  #open = false;
  #closed = false;

  /**
   * Opens a journal, making it first if there is none.
   *
   * `onFailure` is told, once, when it cannot be written any more.
   *
   * @throws {CypherError} `BAD_OPTION` if the file cannot be used, or is used
   * by another server.
   */
  constructor(
    path: string,
    onFailure: (error: CypherError) => void = () => {},
  ) {
    this.#path = path;
    this.#onFailure = onFailure;
    try {
      makeFile(path);
      this.#database = new DatabaseSync(path);
    } catch (cause) {
      throw this.#unusable(cause);
    }
    try {
      this.#statements = openSchema(this.#database);
      this.serverId = this.#serverId();
    } catch (cause) {
      this.#database.close();
      throw this.#unusable(cause);
    }
  }

  /** A client is known from now on. */
  know(client: string): void {
    this.#note(() => this.#statements.know.run(client));
  }

  /** A handler is about to begin; it does so in `safe`. */
  start(client: string, id: number, safe: () => void): void {
    this.#note(() => this.#statements.start.run(client, id), safe);
  }

  /** A request has ended; its answer is sent in `safe`. */
  end(client: string, id: number, ending: Ending, safe: () => void): void {
    const { type, payload } = ending;
    this.#note(
      () => this.#statements.end.run(client, id, type, payload),
      safe,
    );
  }

  /** Endings need not be kept: their ids are in `finished`. */
  remove(client: string, ids: readonly number[], finished: AnsweredJson): void {
    this.#note(() => {
      this.#statements.finish.run(client, JSON.stringify(finished));
      for (const id of ids) this.#statements.remove.run(client, id);
    });
  }

  /** A client need not be known any more. */
  forget(client: string): void {
    this.#note(() => {
      this.#statements.forgetRequests.run(client);
      this.#statements.forgetClient.run(client);
    });
  }

  /**
   * A token's handler is about to begin; it does so in `safe`. Without that the
   * note is to be on record no later than the token's end.
   */
  startToken(serial: number, identity: Uint8Array, safe?: () => void): void {
    const kept = identity.subarray(0, IDENTITY_BYTES);
    this.#note(() => this.#statements.startToken.run(serial, kept), safe);
  }

  /**
   * A token's execution has ended; its answer is sent in `safe`. An answer that
   * is too large to be kept is left out.
   */
  endToken(
    serial: number,
    answer: StoredAnswer | undefined,
    safe: () => void,
  ): void {
    this.#note(() => {
      this.#statements.endToken.run(serial);
      if (!answer) return;
      const { status, message, text } = answer;
      this.#statements.addAnswer.run(serial, status, message, text);
    }, safe);
  }

  /** A token's answer need not be kept. */
  dropAnswer(serial: number): void {
    this.#note(() => this.#statements.dropAnswer.run(serial));
  }

  /** Tokens below a number need not be known any more. */
  forgetTokens(below: number): void {
    this.#note(() => {
      this.#statements.forgetTokens.run(below);
      this.#statements.forgetAnswers.run(below);
    });
  }

  /**
   * Every client that the journal remembers.
   *
   * @throws {CypherError} `BAD_OPTION` if it is damaged; it is closed then.
   */
  load(): JournalledClient[] {
    try {
      return readClients(this.#database);
    } catch (cause) {
      this.close();
      throw this.#unusable(cause);
    }
  }

  /**
   * The tokens that it remembers, oldest first, of the last `numbers` numbers;
   * older ones are forgotten.
   *
   * @throws {CypherError} `BAD_OPTION` if it is damaged; it is closed then.
   */
  *loadTokens(numbers: number): Generator<JournalledToken> {
    try {
      const [row] = this.#rows("SELECT max(serial) AS last FROM tokens");
      const from = Number(row!["last"]) - numbers + 1;
      this.#statements.forgetTokens.run(from);
      this.#statements.forgetAnswers.run(from);
      yield* readTokens(this.#database, from);
    } catch (cause) {
      this.close();
      throw this.#unusable(cause);
    }
  }

  /** What is on record of one client, or noted; undefined: nothing is. */
  clientOf(client: string): JournalledClient | undefined {
    return this.#closed ? undefined : readClients(this.#database, client)[0];
  }

  /** A token's answer, while that is on record, or noted. */
  answerOf(serial: number): StoredAnswer | undefined {
    return this.#closed ? undefined : readAnswer(this.#database, serial);
  }

  /**
   * Writes what is noted and closes the file. What ends later is not on record:
   * its outcome will be unknown.
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#commit();
    if (this.#database.isOpen) this.#database.close();
  }

  #rows(sql: string): Record<string, unknown>[] {
    return this.#database.prepare(sql).all();
  }

  #serverId(): string {
    const [row] = this.#rows("SELECT id FROM server");
    if (row) return row["id"] as string;
    const id = crypto.randomUUID();
    this.#database.prepare("INSERT INTO server VALUES (?)").run(id);
    return id;
  }

  #note(write: () => void, safe?: () => void): void {
    if (this.#closed) return;
    try {
      if (!this.#open) {
        this.#database.exec("BEGIN");
        this.#open = true;
        queueMicrotask(() => this.#commit());
      }
      write();
    } catch (cause) {
      return this.#fail(cause);
    }
    if (safe) this.#safe.push(safe);
  }

  #commit(): void {
    if (!this.#open) return;
    try {
      this.#database.exec("COMMIT");
    } catch (cause) {
      return this.#fail(cause);
    }
    this.#open = false;
    for (const safe of this.#safe.splice(0)) safe();
  }

  /**
   * What was noted last is not on record, so nothing that depends on it may
   * happen: no handler begins and no answer is sent any more.
   */
  #fail(cause: unknown): void {
    this.#closed = true;
    this.#open = false;
    this.#safe = [];
    this.#database.close();
    this.#onFailure(this.#unusable(cause));
  }

  #unusable(cause: unknown): CypherError {
    const problem = cause instanceof Error ? cause.message : cause;
    return new CypherError(
      "BAD_OPTION",
      `Cannot use the journal ${JSON.stringify(this.#path)}: ${
        problem === BUSY ? "another server has it open" : problem
      }`,
      { cause },
    );
  }
}

/** Makes the file, if there is none, for its owner alone (not on Windows). */
function makeFile(path: string): void {
  // What SQLite does not take for the name of a file.
  if (path === ":memory:" || path.startsWith("file:")) return;
  Deno.openSync(path, { create: true, write: true, mode: 0o600 }).close();
}
