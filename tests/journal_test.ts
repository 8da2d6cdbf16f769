/**
 * The journal by itself and under a server: what a crash at any moment leaves
 * behind is seen in a copy of the files, made at that moment. For real crashes
 * see journal_kill_test.ts.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { CypherError, type CypherServerOptions, type Handler } from "../mod.ts";
import { AnsweredSet } from "../protocol/answered.ts";
import { FRAME } from "../protocol/frames.ts";
import { Journal } from "../server/journal.ts";
import type { Ending } from "../server/session/client_record.ts";
import {
  codeOf,
  Gate,
  makeClient,
  startServer,
  until,
  within,
} from "./support/cypher.ts";
import { FaultProxy } from "./support/fault_proxy.ts";
import { JournalFolder } from "./support/journal_folder.ts";

const ALICE = "a".repeat(32);
const BOB = "b".repeat(32);
const ENDING: Ending = { type: FRAME.response, payload: '{"DATA":"ä"}' };
const nothing = () => {};

/** What a journal remembers, in a form to compare. */
function contents(path: string): {
  id: string;
  finished: unknown;
  started: readonly number[];
  ended: [number, Ending][];
}[] {
  const journal = new Journal(path);
  try {
    return journal.load().map(({ id, finished, started, ended }) => ({
      id,
      finished: finished.toJSON(),
      started,
      ended: [...ended],
    }));
  } finally {
    journal.close();
  }
}

function setOf(...ids: number[]): AnsweredSet {
  const set = new AnsweredSet(100);
  for (const id of ids) set.add(id);
  return set;
}

Deno.test({
  name: "a new journal is for its owner alone, an old one keeps its mode",
  ignore: Deno.build.os === "windows",
  fn() {
    using folder = new JournalFolder();
    const modes = () =>
      ["", "-wal"].map((end) =>
        Deno.statSync(folder.journal + end).mode! & 0o777
      );
    const journal = new Journal(folder.journal);
    journal.know(ALICE);
    assertEquals(modes(), [0o600, 0o600]);
    journal.close();
    Deno.chmodSync(folder.journal, 0o640);
    const again = new Journal(folder.journal);
    again.know(BOB);
    assertEquals(modes(), [0o640, 0o640]);
    again.close();
    assertEquals(contents(folder.journal).map(({ id }) => id), [ALICE, BOB]);
  },
});

Deno.test("a journal that is opened again has everything", () => {
  using folder = new JournalFolder();
  const journal = new Journal(folder.journal);
  const { serverId } = journal;
  journal.know(BOB);
  journal.start(ALICE, 1, nothing);
  journal.start(ALICE, 2, nothing);
  journal.start(ALICE, 3, nothing);
  journal.end(ALICE, 1, ENDING, nothing);
  journal.end(ALICE, 3, ENDING, nothing);
  journal.remove(ALICE, [1], setOf(1));
  journal.close();

  const again = new Journal(folder.journal);
  assertEquals(again.serverId, serverId);
  again.close();
  assertEquals(contents(folder.journal), [
    {
      id: ALICE,
      finished: { floor: 1, ranges: [[3, 3]] },
      started: [2],
      ended: [[3, ENDING]],
    },
    { id: BOB, finished: { floor: 0, ranges: [] }, started: [], ended: [] },
  ]);
});

Deno.test("each journal has a server id of its own", () => {
  using one = new JournalFolder();
  using other = new JournalFolder();
  const journals = [new Journal(one.journal), new Journal(other.journal)];
  assert(journals[0]!.serverId !== journals[1]!.serverId);
  for (const journal of journals) journal.close();
});

Deno.test("knowing a client that is known takes nothing back", () => {
  using folder = new JournalFolder();
  const journal = new Journal(folder.journal);
  journal.remove(ALICE, [], setOf(1, 2, 3));
  journal.know(ALICE);
  journal.close();
  assertEquals(contents(folder.journal)[0]!.finished, { floor: 3, ranges: [] });
});

Deno.test("a start that is noted again takes back no ending", () => {
  using folder = new JournalFolder();
  const journal = new Journal(folder.journal);
  journal.end(ALICE, 1, ENDING, nothing);
  journal.start(ALICE, 1, nothing);
  journal.close();
  assertEquals(contents(folder.journal)[0]!.ended, [[1, ENDING]]);
});

Deno.test("a client that is forgotten leaves nothing behind", () => {
  using folder = new JournalFolder();
  const journal = new Journal(folder.journal);
  for (const client of [ALICE, BOB]) {
    journal.know(client);
    journal.start(client, 1, nothing);
    journal.end(client, 2, ENDING, nothing);
  }
  journal.forget(ALICE);
  journal.close();
  assertEquals(contents(folder.journal).map(({ id }) => id), [BOB]);
});

Deno.test("what depends on a note runs once that is on the disk", async () => {
  using folder = new JournalFolder();
  const journal = new Journal(folder.journal);
  const ran: string[] = [];
  const note = (name: string) => () => {
    ran.push(name);
    // All of a tick is one transaction: whoever runs sees all of it.
    const [alice, bob] = contents(folder.crash());
    assertEquals(alice!.started, [1]);
    assertEquals(alice!.ended, [[2, ENDING]]);
    assertEquals(bob!.started, [1]);
  };
  journal.start(ALICE, 1, note("first"));
  journal.end(ALICE, 2, ENDING, note("second"));
  journal.start(BOB, 1, note("third"));
  assertEquals(ran, []);
  assertEquals(contents(folder.crash()), []);
  await Promise.resolve();
  assertEquals(ran, ["first", "second", "third"]);
  journal.close();
});

Deno.test("closing writes what is noted, and takes no more", async () => {
  using folder = new JournalFolder();
  const journal = new Journal(folder.journal);
  const ran: string[] = [];
  journal.start(ALICE, 1, () => {
    ran.push("before");
    journal.end(ALICE, 1, ENDING, () => ran.push("while"));
  });
  journal.close();
  journal.end(ALICE, 1, ENDING, () => ran.push("after"));
  await Promise.resolve();
  assertEquals(ran, ["before"]);
  assertEquals(contents(folder.journal)[0]!.started, [1]);
});

const DAMAGES: Record<string, (path: string) => void> = {
  "is no database": (path) =>
    Deno.writeTextFileSync(path, "not a database, but long enough ".repeat(99)),
  "is a folder": (path) => Deno.mkdirSync(path),
  "is in no folder": (path) =>
    Deno.removeSync(path.slice(0, path.lastIndexOf("/"))),
  "is another program's": (path) => {
    const database = new DatabaseSync(path);
    database.exec("CREATE TABLE requests (url TEXT)");
    database.close();
  },
  "has lost its end": (path) => {
    fill(path);
    Deno.truncateSync(path, 8_192);
  },
  "has a page of something else": (path) => {
    fill(path);
    using file = Deno.openSync(path, { write: true });
    for (let page = 2; page < 6; page++) {
      file.seekSync(page * 4_096, Deno.SeekMode.Start);
      file.writeSync(new Uint8Array(4_096).fill(0x55));
    }
  },
  "has a set that is none": (path) => {
    new Journal(path).close();
    const database = new DatabaseSync(path);
    database.exec(`INSERT INTO clients VALUES ('${ALICE}', '{"floor":-1}')`);
    database.close();
  },
};

/** Puts some pages of requests into a journal. */
function fill(path: string): void {
  const journal = new Journal(path);
  const ending = { ...ENDING, payload: "x".repeat(500) };
  for (let id = 1; id <= 200; id++) journal.end(ALICE, id, ending, nothing);
  journal.close();
}

for (const [damage, make] of Object.entries(DAMAGES)) {
  Deno.test(`a journal that ${damage} is one clear error`, async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/in/journal.db`;
    await Deno.mkdir(`${folder}/in`);
    make(path);
    const error = await rejection(startServer(() => ({}), { journal: path }));
    assertEquals(error.code, "BAD_OPTION");
    assert(error.message.startsWith("Cannot use the journal"), error.message);
    assert(error.message.includes(JSON.stringify(path)), error.message);
    await Deno.remove(folder, { recursive: true });
  });
}

async function rejection(promise: Promise<unknown>): Promise<CypherError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof CypherError) return error;
    throw error;
  }
  throw new Error("Expected a rejection");
}

Deno.test("two servers cannot share a journal; one after the other can", () => {
  using folder = new JournalFolder();
  const first = new Journal(folder.journal);
  const error = assertThrows(() => new Journal(folder.journal), CypherError);
  assertEquals(error.code, "BAD_OPTION");
  assert(error.message.endsWith(": another server has it open"));
  first.close();
  new Journal(folder.journal).close();
});

/** A server on the session wire that keeps a journal. */
function startJournalled(
  journal: string,
  handler: Handler,
  options: Partial<CypherServerOptions> = {},
): ReturnType<typeof startServer> {
  return startServer(handler, { wires: ["session"], journal, ...options });
}

Deno.test("no handler runs before its start is on the disk", async () => {
  using folder = new JournalFolder();
  const seen: boolean[] = [];
  await using server = await startJournalled(
    folder.journal,
    (_, { identity }) => {
      const [client] = contents(folder.crash());
      const id = Number(identity.split("-")[1]);
      seen.push(client?.started.includes(id) ?? false);
      return {};
    },
  );
  await using client = makeClient(server.address, { wire: "session" });
  const requests = Array.from(
    { length: 20 },
    () => client.request({ path: "/" }),
  );
  await Promise.all(requests);
  assertEquals(seen, Array(20).fill(true));
});

Deno.test("no answer is sent before it is on the disk", async () => {
  using folder = new JournalFolder();
  await using server = await startJournalled(
    folder.journal,
    ({ data }) => ({ data }),
  );
  await using client = makeClient(server.address, { wire: "session" });
  for (let id = 1; id <= 20; id++) {
    const { data } = await client.request({ path: "/", data: `answer ${id}` });
    const [one] = contents(folder.crash());
    const [, ending] = one!.ended.find(([number]) => number === id)!;
    assertEquals(JSON.parse(ending.payload).DATA, data);
  }
});

Deno.test("a handler that ends after the server has is unknown", async () => {
  using folder = new JournalFolder();
  const begun = new Gate();
  const end = new Gate();
  const server = await startJournalled(folder.journal, async () => {
    begun.open();
    await end.passed;
    return {};
  });
  await using client = makeClient(server.address, { wire: "session" });
  const code = codeOf(client.request({ path: "/" }));
  await begun.passed;
  await server.stop({ grace: 0 });
  end.open();
  await using _next = await startJournalled(folder.journal, () => ({}), {
    port: server.address.port,
  });
  assertEquals(await code, "OUTCOME_UNKNOWN");
});

Deno.test("a restart with a smaller window takes every request", async () => {
  using folder = new JournalFolder();
  const effects: unknown[] = [];
  const odd = new Gate();
  const first = await startJournalled(folder.journal, async ({ data }) => {
    effects.push(data);
    if (Number(data) % 2 === 1) await odd.passed;
    return { data };
  });
  await using client = makeClient(first.address, { wire: "session" });
  const outcomes = Array.from(
    { length: 100 },
    (_, i) =>
      client.request({ path: "/", data: i + 1 }).then(
        ({ data }) => Number(data),
        (error) => error.code as string,
      ),
  );
  await Promise.all(outcomes.filter((_, i) => i % 2 === 1));
  await first.stop({ grace: 0 });
  odd.open();
  await using _second = await startJournalled(folder.journal, ({ data }) => ({
    data,
  }), { port: first.address.port, window: 2 });
  assertEquals(
    await Promise.all(outcomes),
    outcomes.map((_, i) => i % 2 === 0 ? "OUTCOME_UNKNOWN" : i + 1),
  );
  assertEquals(effects.length, 100);
});

Deno.test("what a larger window left does not shut its client out", async () => {
  using folder = new JournalFolder();
  const open = new Gate();
  const begun = new Gate();
  let running = 0;
  let ended = 0;
  let slow = 0;
  const again = Promise.withResolvers<void>();
  const handler: Handler = async ({ path, data }) => {
    if (path === "/SLOW") {
      // Cut off by the crash, and then for the first time to its end.
      if (++slow === 1) await again.promise;
    } else {
      if (++running === COUNT) begun.open();
      await open.passed;
      ended++;
    }
    return { data };
  };
  // More than the second server lets a client leave unconfirmed.
  const COUNT = 1_200;
  const idempotent = ({ path }: { path: string }) => path === "/SLOW";
  const options = { idempotent, window: 4_096, limits: { requests: 5_000 } };
  const first = await startJournalled(folder.journal, handler, options);
  await using proxy = FaultProxy.start(first.address);
  await using client = makeClient(proxy.address, { wire: "session" });
  const outcomes = Array.from(
    { length: COUNT + 1 },
    (_, i) => client.request({ path: i === 0 ? "/SLOW" : "/", data: i }),
  );
  await begun.passed;
  proxy.plan = () => ({ refuse: true });
  proxy.cutAll();
  open.open();
  await until("the handlers' ends", () => ended === COUNT);
  await first.stop({ grace: 50 });
  await using second = await startJournalled(folder.journal, handler, {
    ...options,
    window: 16,
  });
  proxy.retarget(second.address);
  proxy.plan = () => ({});
  const answers = await within("the answers", Promise.all(outcomes));
  assertEquals(answers.map(({ data }) => data), outcomes.map((_, i) => i));
  again.resolve();
});

Deno.test("a client that was forgotten is not known after a restart", async () => {
  using folder = new JournalFolder();
  const end = new Gate();
  let ended = false;
  const server = await startJournalled(folder.journal, async ({ path }) => {
    if (path === "/SLOW") await end.passed;
    ended ||= path === "/SLOW";
    return {};
  }, { answers: { clients: 1 } });
  const alice = makeClient(server.address, { wire: "session" });
  const lost = codeOf(alice.request({ path: "/SLOW" }));
  await until("a request", () => online(server)[0]?.inProgress === 1);
  await alice.close();
  assertEquals(await lost, "CLOSED");
  // Only one client that is away is remembered: the last.
  const bob = makeClient(server.address, { wire: "session" });
  await bob.request({ path: "/FAST" });
  await bob.close();
  await until("nobody", () => online(server).length === 0);
  end.open();
  await until("the handler's end", () => ended);
  await server.stop();
  assertEquals(contents(folder.journal).length, 1);
});

function online(server: Awaited<ReturnType<typeof startServer>>) {
  return server.monitor.connections();
}

Deno.test("after a crash, what may run twice does, and nothing else", async () => {
  using folder = new JournalFolder();
  const end = new Gate();
  const effects: string[] = [];
  const options: Partial<CypherServerOptions> = {
    idempotent: ({ path }) => path === "/TWICE",
  };
  await using first = await startJournalled(folder.journal, async (request) => {
    effects.push(`first ${request.path}`);
    await end.passed;
    return {};
  }, options);
  await using proxy = FaultProxy.start(first.address);
  await using client = makeClient(proxy.address, { wire: "session" });
  const twice = client.request({ path: "/TWICE" });
  const once = codeOf(client.request({ path: "/ONCE" }));
  await until("both", () => effects.length === 2);
  await using second = await startJournalled(folder.crash(), ({ path }) => {
    effects.push(`second ${path}`);
    return { data: "second" };
  }, options);
  proxy.retarget(second.address);
  proxy.cutAll();
  assertEquals(await once, "OUTCOME_UNKNOWN");
  assertEquals((await within("the answer", twice)).data, "second");
  assertEquals(effects, ["first /TWICE", "first /ONCE", "second /TWICE"]);
  end.open();
});

Deno.test("an unknown outcome is not given up for want of room", async () => {
  using folder = new JournalFolder();
  const end = new Gate();
  let ran = 0;
  await using first = await startJournalled(folder.journal, async () => {
    ran++;
    await end.passed;
    return {};
  });
  await using proxy = FaultProxy.start(first.address);
  await using client = makeClient(proxy.address, { wire: "session" });
  const codes = [1, 2].map((data) =>
    codeOf(client.request({ path: "/", data }))
  );
  await until("both", () => ran === 2);
  await using second = await startJournalled(
    folder.crash(),
    () => ({}),
    { answers: { maxBytes: 0 } },
  );
  proxy.retarget(second.address);
  proxy.cutAll();
  // Not ANSWER_LOST, which says that it was executed.
  assertEquals(await within("the ends", Promise.all(codes)), [
    "OUTCOME_UNKNOWN",
    "OUTCOME_UNKNOWN",
  ]);
  end.open();
});

Deno.test("a journal that cannot be written stops the server, and nothing is promised", async () => {
  using folder = new JournalFolder();
  const { exec } = DatabaseSync.prototype;
  let ran = 0;
  const server = await startServer(
    () => {
      ran++;
      return { data: "done" };
    },
    { wires: ["session"], journal: folder.journal },
  );
  const notices: string[] = [];
  server.monitor.listen((signal) => {
    if (signal.kind === "notice") notices.push(signal.code);
  });
  await using client = makeClient(server.address, { wire: "session" });
  await client.request({});
  assertEquals(ran, 1);
  try {
    DatabaseSync.prototype.exec = function (sql: string) {
      if (sql === "COMMIT") throw new Error("database or disk is full");
      return exec.call(this, sql);
    };
    const request = client.request({}, { deadline: 300 });
    assertEquals(await codeOf(request), "DEADLINE");
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
  await server.stop();
  assertEquals(ran, 1, "what is not on record does not begin");
  assertEquals(notices, ["JOURNAL_FAILED"]);
  assertEquals(server.monitor.connections(), []);
});
