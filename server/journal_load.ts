import type { DatabaseSync } from "node:sqlite";
import { AnsweredSet } from "../protocol/answered.ts";
import type { FrameType } from "../protocol/frames.ts";
import { LARGEST_WINDOW } from "../protocol/offers.ts";
import type { Ending } from "./session/client_record.ts";
import type { StoredAnswer } from "./stored_answer.ts";

/** How many tokens are read at once. */
const CHUNK = 1_000;

type Row = Record<string, unknown>;

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

/** What a journal remembers of one classic token. */
export interface JournalledToken {
  /** Counts up from token to token; some numbers may be missing. */
  readonly serial: number;
  /** What tells the token from every other. */
  readonly identity: Uint8Array;
  /** Whether its execution ended; if not, it was cut off. */
  readonly ended: boolean;
  /** Its answer, while that is kept. */
  readonly answer: StoredAnswer | undefined;
}

/** Every client on record, or one of them alone. */
export function readClients(
  database: DatabaseSync,
  one?: string,
): JournalledClient[] {
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
  // Not iterate(), which takes a damaged page for the end (Deno 2.9.6).
  const [where, values] = one === undefined
    ? [() => "", []]
    : [(column: string) => `WHERE ${column} = ?`, [one]];
  const known = database.prepare(
    `SELECT id, finished FROM clients ${where("id")}`,
  ).all(...values);
  for (const row of known) {
    const set = JSON.parse(row["finished"] as string);
    clientOf(row["id"] as string).finished.merge(
      AnsweredSet.fromJson(set, LARGEST_WINDOW),
    );
  }
  const requests = database.prepare(
    "SELECT client, id, type, payload FROM requests " +
      `${where("client")} ORDER BY client, id`,
  ).all(...values);
  for (const row of requests) {
    const client = clientOf(row["client"] as string);
    const id = row["id"] as number;
    if (row["type"] === null) client.started.push(id);
    else {
      client.ended.set(id, endingIn(row));
      client.finished.add(id);
    }
  }
  return [...clients.values()];
}

/** The answer on record of one token. */
export function readAnswer(
  database: DatabaseSync,
  serial: number,
): StoredAnswer | undefined {
  const row = database.prepare(
    "SELECT status, message, text FROM answers WHERE serial = ?",
  ).get(serial);
  return row && answerIn(row);
}

function endingIn(row: Row): Ending {
  return {
    type: row["type"] as FrameType,
    payload: row["payload"] as string,
  };
}

function answerIn(row: Row): StoredAnswer {
  return {
    text: row["text"] as string,
    status: row["status"] as string,
    message: row["message"] as string,
  };
}

/** The tokens on record from number `from` on, the oldest first. */
export function* readTokens(
  database: DatabaseSync,
  from: number,
): Generator<JournalledToken> {
  const select = database.prepare(
    "SELECT serial, identity, ended, status, message, text " +
      "FROM tokens LEFT JOIN answers USING (serial) " +
      `WHERE serial >= ? ORDER BY serial LIMIT ${CHUNK}`,
  );
  for (;;) {
    const rows = select.all(from);
    for (const row of rows) {
      const serial = row["serial"] as number;
      yield {
        serial,
        identity: row["identity"] as Uint8Array,
        ended: row["ended"] === 1,
        answer: row["text"] === null ? undefined : answerIn(row),
      };
      from = serial + 1;
    }
    if (rows.length < CHUNK) return;
  }
}
