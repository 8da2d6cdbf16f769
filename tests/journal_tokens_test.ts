/**
 * Classic tokens in the journal: by themselves, and under a server. What a
 * crash leaves behind is seen in a copy of the files, made at that moment; for
 * real crashes see faults/replay_test.ts.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { CypherError, type CypherServerOptions, type Handler } from "../mod.ts";
import { FRAME } from "../protocol/frames.ts";
import { Answers } from "../server/answers.ts";
import { Journal } from "../server/journal.ts";
import type { StoredAnswer } from "../server/stored_answer.ts";
import {
  Gate,
  SignalLog,
  startServer,
  until,
  Wire,
  within,
} from "./support/cypher.ts";
import { JournalFolder } from "./support/journal_folder.ts";

const TOKENS = 1_024;
const nothing = () => {};

/** Identities of 32 bytes that all differ in their first. */
function identityOf(number: number): Uint8Array {
  const identity = new Uint8Array(32).fill(0xa5);
  new DataView(identity.buffer).setUint32(0, Math.imul(number, 0x9e3779b1));
  return identity;
}

function answerOf(number: number): StoredAnswer {
  const text = `{"DATA":${number}}`.padEnd(500);
  return { text, status: "OK", message: "" };
}

/** Answers on a journal, which closes with them. */
function open(
  path: string,
  { maxBytes = 2 ** 30, tokens = TOKENS } = {},
): { answers: Answers; journal: Journal } & Disposable {
  const journal = new Journal(path);
  const answers = new Answers({ maxBytes, tokens, journal });
  return { answers, journal, [Symbol.dispose]: () => journal.close() };
}

/** What becomes of a number's token: as the executor does it. */
function execute(
  { answers, journal }: ReturnType<typeof open>,
  number: number,
) {
  const identity = identityOf(number);
  const { kind, serial } = answers.claim(identity);
  assertEquals(kind, "new");
  const answer = answerOf(number);
  journal.startToken(serial, identity);
  const kept = answers.keeps(answer) ? answer : undefined;
  journal.endToken(serial, kept, nothing);
  answers.store(serial, answer);
}

/** The kinds of what is known of some tokens. */
function kindsOf(answers: Answers, ...numbers: number[]): string[] {
  return numbers.map((number) => answers.claim(identityOf(number)).kind);
}

function count(path: string, table: string): number {
  const database = new DatabaseSync(path);
  const row = database.prepare(`SELECT count(*) AS n FROM ${table}`).get();
  database.close();
  return Number(row!["n"]);
}

Deno.test("after a restart each token is known as it was", () => {
  using folder = new JournalFolder();
  {
    using first = open(folder.journal);
    execute(first, 1);
    const { serial } = first.answers.claim(identityOf(2));
    first.journal.startToken(serial, identityOf(2));
    execute(first, 3);
  }
  using second = open(folder.journal);
  const found = second.answers.claim(identityOf(3));
  assert(found.kind === "answered");
  assertEquals(found.answer, answerOf(3));
  assertEquals(kindsOf(second.answers, 1, 2, 3, 4), [
    "answered",
    "unfinished",
    "answered",
    "new",
  ]);
});

Deno.test("what was unfinished is executed like any other, if it is", () => {
  using folder = new JournalFolder();
  {
    using first = open(folder.journal);
    first.answers.claim(identityOf(1));
    first.journal.startToken(0, identityOf(1));
  }
  {
    using second = open(folder.journal);
    const { kind, serial } = second.answers.claim(identityOf(1));
    assertEquals(kind, "unfinished");
    second.answers.run(serial, Promise.withResolvers<StoredAnswer>().promise);
    assertEquals(kindsOf(second.answers, 1), ["running"]);
    second.journal.startToken(serial, identityOf(1));
    second.journal.endToken(serial, answerOf(1), nothing);
    second.answers.store(serial, answerOf(1));
    assertEquals(kindsOf(second.answers, 1), ["answered"]);
  }
  using third = open(folder.journal);
  assertEquals(kindsOf(third.answers, 1), ["answered"]);
});

Deno.test("numbers that never got on record are nobody's", () => {
  using folder = new JournalFolder();
  {
    using first = open(folder.journal);
    execute(first, 0);
    for (let i = 1; i <= 20; i++) first.answers.claim(identityOf(i));
    execute(first, 21);
  }
  {
    using second = open(folder.journal);
    assertEquals(kindsOf(second.answers, 0, 21), ["answered", "answered"]);
    execute(second, 1);
  }
  using third = open(folder.journal);
  const kinds = kindsOf(third.answers, 0, 1, 21, 2);
  assertEquals(kinds, ["answered", "answered", "answered", "new"]);
});

Deno.test("the journal drops the answers that memory does", () => {
  using folder = new JournalFolder();
  const maxBytes = 10_000;
  let kept: number;
  {
    using first = open(folder.journal, { maxBytes });
    for (let i = 0; i < 100; i++) execute(first, i);
    kept =
      [...Array(100).keys()].filter((i) =>
        kindsOf(first.answers, i)[0] === "answered"
      ).length;
  }
  assert(kept > 5 && kept < 20, `${kept}`);
  assertEquals(count(folder.journal, "answers"), kept);
  assertEquals(count(folder.journal, "tokens"), 100);
  {
    using second = open(folder.journal, { maxBytes });
    assertEquals(kindsOf(second.answers, 99 - kept, 100 - kept), [
      "lost",
      "answered",
    ]);
  }
  // With less room than before it keeps less.
  open(folder.journal, { maxBytes: 0 })[Symbol.dispose]();
  assertEquals(count(folder.journal, "answers"), 0);
  using fourth = open(folder.journal, { maxBytes: 0 });
  assertEquals(kindsOf(fourth.answers, 0, 99), ["lost", "lost"]);
});

Deno.test("the journal holds no more tokens than are remembered", () => {
  using folder = new JournalFolder();
  let made = 0;
  for (let life = 0; life < 4; life++) {
    using one = open(folder.journal);
    for (let i = 0; i < 2_500; i++) execute(one, made++);
    const known = kindsOf(one.answers, made - TOKENS, made - 1);
    assertEquals(known, ["answered", "answered"]);
  }
  assert(count(folder.journal, "tokens") < 2 * TOKENS);
  assert(count(folder.journal, "answers") < 2 * TOKENS);
  using last = open(folder.journal);
  const kinds = kindsOf(last.answers, made - TOKENS, made - TOKENS - 1);
  assertEquals(kinds, ["answered", "new"]);
});

Deno.test("fewer tokens than before: the last ones stay", () => {
  using folder = new JournalFolder();
  {
    using first = open(folder.journal, { tokens: 8 * TOKENS });
    for (let i = 0; i < 5_000; i++) execute(first, i);
  }
  {
    using second = open(folder.journal);
    const kinds = kindsOf(second.answers, 5_000 - TOKENS, 4_999);
    assertEquals(kinds, ["answered", "answered"]);
  }
  assertEquals(count(folder.journal, "tokens"), TOKENS);
});

Deno.test("a journal of before the tokens takes them", () => {
  using folder = new JournalFolder();
  const ending = { type: FRAME.response, payload: "{}" };
  const older = new Journal(folder.journal);
  const { serverId } = older;
  older.end("a".repeat(32), 1, ending, nothing);
  older.close();
  const database = new DatabaseSync(folder.journal);
  database.exec("DROP TABLE tokens; DROP TABLE answers");
  database.exec("PRAGMA user_version = 0");
  database.close();
  {
    using now = open(folder.journal);
    assertEquals(now.journal.serverId, serverId);
    assertEquals(now.journal.load().length, 1);
    execute(now, 1);
  }
  using next = open(folder.journal);
  assertEquals(kindsOf(next.answers, 1), ["answered"]);
});

Deno.test("a journal of a newer version is one clear error, and untouched", () => {
  using folder = new JournalFolder();
  new Journal(folder.journal).close();
  const database = new DatabaseSync(folder.journal);
  database.exec("PRAGMA user_version = 99");
  database.close();
  const error = assertThrows(() => new Journal(folder.journal), CypherError);
  assertEquals(error.code, "BAD_OPTION");
  assert(error.message.includes("version 99, newer than"), error.message);
});

Deno.test("tokens that are damaged are one clear error", async () => {
  using folder = new JournalFolder();
  {
    using first = open(folder.journal);
    for (let i = 0; i < TOKENS; i++) execute(first, i);
  }
  using file = await Deno.open(folder.journal, { write: true });
  for (let page = 7; page < 40; page++) {
    await file.seek(page * 4_096, Deno.SeekMode.Start);
    await file.write(new Uint8Array(4_096).fill(0x55));
  }
  const starting = startServer(() => ({}), { journal: folder.journal });
  const error = await starting.then(() => undefined, (error) => error);
  assert(error instanceof CypherError);
  assertEquals(error.code, "BAD_OPTION");
  assert(error.message.startsWith("Cannot use the journal"), error.message);
});

/** A server on the classic wire that keeps a journal. */
function startJournalled(
  journal: string,
  handler: Handler,
  options: Partial<CypherServerOptions> = {},
): ReturnType<typeof startServer> {
  return startServer(handler, { journal, ...options });
}

/** The first bytes of the tokens on record, and whether they have ended. */
function onRecord(path: string): Map<string, boolean> {
  const journal = new Journal(path);
  const tokens = [...journal.loadTokens(TOKENS)];
  journal.close();
  return new Map(tokens.map((one) => [one.identity.toHex(), one.ended]));
}

Deno.test("no handler of a token runs before that is on the disk", async () => {
  using folder = new JournalFolder();
  const seen: (boolean | undefined)[] = [];
  await using server = await startJournalled(
    folder.journal,
    (_, { identity }) => {
      seen.push(onRecord(folder.crash()).get(identity.slice(0, 32)));
      return {};
    },
  );
  using wire = await Wire.dial(server.address);
  for (let i = 0; i < 10; i++) await wire.ask({ PATH: "/" });
  assertEquals(seen, Array(10).fill(false));
});

Deno.test("no answer to a token is sent before it is on the disk", async () => {
  using folder = new JournalFolder();
  await using server = await startJournalled(
    folder.journal,
    async ({ data }) => {
      await Promise.resolve();
      return { data };
    },
  );
  using wire = await Wire.dial(server.address);
  for (let i = 1; i <= 10; i++) {
    await wire.ask({ DATA: i });
    const journal = new Journal(folder.crash());
    const last = [...journal.loadTokens(TOKENS)].at(-1)!;
    journal.close();
    assert(last.ended);
    assertEquals(JSON.parse(last.answer!.text).DATA, i);
  }
});

Deno.test("after a crash a token's answer is the same, or unknown, or as declared", async () => {
  using folder = new JournalFolder();
  const effects: string[] = [];
  const end = new Gate();
  const options: Partial<CypherServerOptions> = {
    idempotent: ({ path }) => path === "/TWICE",
  };
  await using first = await startJournalled(folder.journal, async (request) => {
    effects.push(`first ${request.path}`);
    if (request.path !== "/DONE") await end.passed;
    return { data: "first" };
  }, options);
  using wire = await Wire.dial(first.address);
  const paths = ["/DONE", "/ONCE", "/TWICE"];
  const tokens = await Promise.all(paths.map((PATH) => wire.seal({ PATH })));
  await wire.send(tokens[0]!);
  await wire.receive();
  using other = await Wire.dial(first.address);
  using third = await Wire.dial(first.address);
  await other.send(tokens[1]!);
  await third.send(tokens[2]!);
  await until("both", () => effects.length === 3);

  await using second = await startJournalled(folder.crash(), ({ path }) => {
    effects.push(`second ${path}`);
    return { data: "second" };
  }, options);
  using log = new SignalLog(second.monitor);
  using again = await Wire.dial(second.address);
  for (let times = 0; times < 2; times++) {
    const answers: unknown[] = [];
    for (const token of tokens) {
      await again.send(token);
      const { DATA, STATUS } = await again.receive() as unknown as {
        DATA: string;
        STATUS?: { code: string };
      };
      answers.push(STATUS?.code ?? DATA);
    }
    assertEquals(answers, ["first", "OUTCOME_UNKNOWN", "second"]);
  }
  assertEquals(effects.slice(3), ["second /TWICE"]);
  const requests = await log.wait("request", 6);
  assertEquals(requests.map(({ repeated }) => repeated), [
    true,
    true,
    false,
    true,
    true,
    true,
  ]);
  end.open();
});

Deno.test("an answer too large to keep is lost after a restart as before it", async () => {
  using folder = new JournalFolder();
  let ran = 0;
  const options = { answers: { maxBytes: 0 } };
  const handler = () => ({ data: ++ran });
  const first = await startJournalled(folder.journal, handler, options);
  using wire = await Wire.dial(first.address);
  const token = await wire.seal({});
  await wire.send(token);
  assertEquals((await wire.receive() as { DATA: number }).DATA, 1);
  await first.stop();
  await using second = await startJournalled(folder.journal, handler, options);
  using again = await Wire.dial(second.address);
  await again.send(token);
  const { STATUS } = await again.receive() as { STATUS: { code: string } };
  assertEquals(STATUS.code, "ANSWER_LOST");
  assertEquals(ran, 1);
});

Deno.test("a journal that cannot be written stops the server, and no handler begins", async () => {
  using folder = new JournalFolder();
  const { exec } = DatabaseSync.prototype;
  let ran = 0;
  const server = await startJournalled(folder.journal, () => {
    ran++;
    return {};
  });
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address);
  await wire.ask({});
  const token = await wire.seal({});
  try {
    DatabaseSync.prototype.exec = function (sql: string) {
      if (sql === "COMMIT") throw new Error("database or disk is full");
      return exec.call(this, sql);
    };
    await wire.send(token);
    await log.wait("notice");
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
  await within("the stop", server.stop());
  assertEquals(ran, 1, "what is not on record does not begin");
  assertEquals(log.of("notice")[0]!.code, "JOURNAL_FAILED");
});
