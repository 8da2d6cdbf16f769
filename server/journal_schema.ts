import type { DatabaseSync } from "node:sqlite";

/** The newest form of journal that is known; 0 is one without tokens. */
const VERSION = 1;

// Locked for as long as it is open: with two servers on one journal, neither
// would know what the other has executed.
const LOCK = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
`;

// A token's answer has a table of its own: it goes long before its token does,
// and would leave the pages that hold the tokens mostly empty.
const TABLES = `
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
  CREATE TABLE IF NOT EXISTS tokens (
    serial INTEGER PRIMARY KEY,
    identity BLOB NOT NULL,
    ended INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE IF NOT EXISTS answers (
    serial INTEGER PRIMARY KEY,
    status TEXT NOT NULL,
    message TEXT NOT NULL,
    text TEXT NOT NULL
  );
`;

/** The statements that write a journal. */
export type Statements = ReturnType<typeof prepareAll>;

/**
 * Locks a journal and brings it into its newest form.
 *
 * @throws If it is another's, damaged, or newer than this program.
 */
export function openSchema(database: DatabaseSync): Statements {
  database.exec(LOCK);
  const version = Number(
    database.prepare("PRAGMA user_version").get()!["user_version"],
  );
  if (version > VERSION) {
    throw new Error(
      `it is of version ${version}, newer than ${VERSION}, the last known here`,
    );
  }
  database.exec(TABLES);
  const statements = prepareAll(database);
  if (version < VERSION) database.exec(`PRAGMA user_version = ${VERSION}`);
  return statements;
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
    startToken: database.prepare(
      "INSERT OR IGNORE INTO tokens (serial, identity) VALUES (?, ?)",
    ),
    endToken: database.prepare("UPDATE tokens SET ended = 1 WHERE serial = ?"),
    addAnswer: database.prepare("REPLACE INTO answers VALUES (?, ?, ?, ?)"),
    dropAnswer: database.prepare("DELETE FROM answers WHERE serial = ?"),
    forgetTokens: database.prepare("DELETE FROM tokens WHERE serial < ?"),
    forgetAnswers: database.prepare("DELETE FROM answers WHERE serial < ?"),
  };
}
