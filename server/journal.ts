import { DatabaseSync, type StatementSync } from "node:sqlite";
import { AnsweredSet } from "../protocol/answered.ts";
import { CypherError } from "../protocol/errors.ts";
import type { FrameType } from "../protocol/frames.ts";
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

const SCHEMA = `
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
  #database: DatabaseSync;
  #statements: Record<"start" | "end" | "remove" | "finish", StatementSync>;
  #forgetting: readonly StatementSync[];
  #safe: (() => void)[] = [];
  #open = false;

  /**
   * Opens a journal, making it first if there is none.
   *
   * @throws {CypherError} `BAD_OPTION` if the file cannot be used.
   */
  constructor(path: string) {
    try {
      this.#database = new DatabaseSync(path);
      this.#database.exec(SCHEMA);
      this.serverId = this.#serverId();
    } catch (cause) {
      throw new CypherError(
        "BAD_OPTION",
        `Cannot use the journal ${JSON.stringify(path)}: ${
          cause instanceof Error ? cause.message : cause
        }`,
        { cause },
      );
    }
    const prepare = (sql: string) => this.#database.prepare(sql);
    this.#statements = {
      start: prepare(
        "INSERT OR IGNORE INTO requests (client, id) VALUES (?, ?)",
      ),
      end: prepare("REPLACE INTO requests VALUES (?, ?, ?, ?)"),
      remove: prepare("DELETE FROM requests WHERE client = ? AND id = ?"),
      finish: prepare("REPLACE INTO clients VALUES (?, ?)"),
    };
    this.#forgetting = [
      prepare("DELETE FROM requests WHERE client = ?"),
      prepare("DELETE FROM clients WHERE id = ?"),
    ];
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
      for (const statement of this.#forgetting) statement.run(client);
    });
  }

  /** Everything that the journal remembers. `window` bounds a client's gaps. */
  load(window: number): JournalledClient[] {
    const clients = new Map<string, {
      id: string;
      finished: AnsweredSet;
      started: number[];
      ended: Map<number, Ending>;
    }>();
    const clientOf = (id: string) => {
      let client = clients.get(id);
      if (!client) {
        const finished = new AnsweredSet(window);
        client = { id, finished, started: [], ended: new Map() };
        clients.set(id, client);
      }
      return client;
    };
    for (const row of this.#rows("SELECT id, finished FROM clients")) {
      const set = JSON.parse(row["finished"] as string);
      clientOf(row["id"] as string).finished.merge(
        AnsweredSet.fromJson(set, window),
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

  /** Writes what is noted and closes the file. */
  close(): void {
    this.#commit();
    this.#database.close();
  }

  #rows(sql: string): Iterable<Record<string, unknown>> {
    return this.#database.prepare(sql).iterate() as Iterable<
      Record<string, unknown>
    >;
  }

  #serverId(): string {
    const [row] = this.#rows("SELECT id FROM server");
    if (row) return row["id"] as string;
    const id = crypto.randomUUID();
    this.#database.prepare("INSERT INTO server VALUES (?)").run(id);
    return id;
  }

  #note(write: () => void, safe?: () => void): void {
    if (!this.#open) {
      this.#open = true;
      this.#database.exec("BEGIN");
      queueMicrotask(() => this.#commit());
    }
    write();
    if (safe) this.#safe.push(safe);
  }

  #commit(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#database.exec("COMMIT");
    for (const safe of this.#safe.splice(0)) safe();
  }
}
