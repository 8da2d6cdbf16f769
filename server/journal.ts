import { DatabaseSync } from "node:sqlite";
import { AnsweredSet } from "../protocol/answered.ts";
import { CypherError } from "../protocol/errors.ts";
import type { FrameType } from "../protocol/frames.ts";
import { LARGEST_WINDOW } from "../protocol/hello.ts";
import type { Ending } from "./session/client_record.ts";

/** What a journal remembers of one client. */
export interface JournalledClient {
  /** The client's id. */
  readonly id: string;
  /** The ids that are done with. */
  readonly finished: AnsweredSet;
  /** Requests whose handler began, and which have no ending. */
  readonly started: readonly number[];
  /** Endings that the client has not confirmed. */
  readonly ended: ReadonlyMap<number, Ending>;
}

/** What the wires note, wherever it is written down. */
export type Journalling = Pick<
  Journal,
  "know" | "start" | "end" | "remove" | "forget" | "load" | "close"
>;

// Locked for as long as it is open: with two servers on one journal, neither
// would know what the other has executed.
const SCHEMA = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS server (id TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS clients (
    id TEXT PRIMARY KEY,
    finished TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS requests (
    client TEXT NOT NULL,
    id INTEGER NOT NULL,
    type INTEGER,
    payload TEXT,
    PRIMARY KEY (client, id)
  ) WITHOUT ROWID;
`;

/**
 * What survives the server's process: which requests began, and how they ended.
 * Everything noted in one tick is one transaction; what depends on a note being
 * safe is given as a callback, and runs once it is on the disk.
 */
export class Journal {
  /** The server's id: the same for as long as the journal exists. */
  readonly serverId: string;
  #path: string;
  #onFailure: (error: CypherError) => void;
  #database: DatabaseSync;
  #statements: ReturnType<typeof prepareAll>;
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
      this.#database = new DatabaseSync(path);
    } catch (cause) {
      throw this.#unusable(cause);
    }
    try {
      this.#database.exec(SCHEMA);
      this.#statements = prepareAll(this.#database);
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
  remove(client: string, ids: readonly number[], finished: AnsweredSet): void {
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
   * Everything that the journal remembers.
   *
   * @throws {CypherError} `BAD_OPTION` if it is damaged; it is closed then.
   */
  load(): JournalledClient[] {
    try {
      return this.#load();
    } catch (cause) {
      this.close();
      throw this.#unusable(cause);
    }
  }

  #load(): JournalledClient[] {
    const clients = new Map<string, {
      id: string;
      finished: AnsweredSet;
      started: number[];
      ended: Map<number, Ending>;
    }>();
    const clientOf = (id: string) => {
      let client = clients.get(id);
      if (!client) {
        const finished = new AnsweredSet(LARGEST_WINDOW);
        client = { id, finished, started: [], ended: new Map() };
        clients.set(id, client);
      }
      return client;
    };
    for (const row of this.#rows("SELECT id, finished FROM clients")) {
      const set = JSON.parse(row["finished"] as string);
      clientOf(row["id"] as string).finished.merge(
        AnsweredSet.fromJson(set, LARGEST_WINDOW),
      );
    }
    const requests = "SELECT client, id, type, payload FROM requests " +
      "ORDER BY client, id";
    for (const row of this.#rows(requests)) {
      const client = clientOf(row["client"] as string);
      const id = row["id"] as number;
      if (row["type"] === null) client.started.push(id);
      else {
        client.ended.set(id, {
          type: row["type"] as FrameType,
          payload: row["payload"] as string,
        });
        client.finished.add(id);
      }
    }
    return [...clients.values()];
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
    // Not iterate(), which takes a damaged page for the end (Deno 2.9.6).
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
    return new CypherError(
      "BAD_OPTION",
      `Cannot use the journal ${JSON.stringify(this.#path)}: ${
        cause instanceof Error ? cause.message : cause
      }`,
      { cause },
    );
  }
}

// deno-lint-ignore explicit-function-return-type
function prepareAll(database: DatabaseSync) {
  return {
    know: database.prepare(
      `INSERT OR IGNORE INTO clients VALUES (?, '{"floor":0,"ranges":[]}')`,
    ),
    start: database.prepare(
      "INSERT OR IGNORE INTO requests (client, id) VALUES (?, ?)",
    ),
    end: database.prepare("REPLACE INTO requests VALUES (?, ?, ?, ?)"),
    remove: database.prepare(
      "DELETE FROM requests WHERE client = ? AND id = ?",
    ),
    finish: database.prepare("REPLACE INTO clients VALUES (?, ?)"),
    forgetRequests: database.prepare("DELETE FROM requests WHERE client = ?"),
    forgetClient: database.prepare("DELETE FROM clients WHERE id = ?"),
  };
}
