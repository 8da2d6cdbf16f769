/** A journal that several threads share; and where there can be only one. */

import { assertEquals } from "@std/assert";
import type { JsonValue } from "../../mod.ts";
import { AnsweredSet } from "../../protocol/answered.ts";
import { FRAME } from "../../protocol/frames.ts";
import { Journal } from "../../server/journal.ts";
import { Notes, writeDown } from "../../server/threads/notes.ts";
import { Wire } from "../support/cypher.ts";
import { JournalFolder } from "../support/journal_folder.ts";
import type { Asked } from "../support/thread_handler.ts";
import { ThreadServer } from "../support/thread_server.ts";
import {
  Effects,
  killThread,
  newSecret,
  startThreads,
  ThreadPeer,
  Word,
} from "../support/threads.ts";

function tokenOf(wire: Wire, data: Asked): Promise<Uint8Array<ArrayBuffer>> {
  const DATA = data as unknown as JsonValue;
  return wire.seal({ PATH: "/", OPERATION: "NONE", DATA, METADATA: {} });
}

function statusIn(answer: JsonValue): string | undefined {
  return (answer as { STATUS?: { code: string } }).STATUS?.code;
}

Deno.test("the process is killed: every thread of the next one knows what the journal does", async () => {
  using folder = new JournalFolder();
  using effects = new Effects();
  const { journal } = folder;
  const { file } = effects;
  // Never said: a channel does not reach another process.
  const until = "for ever";
  const secret = newSecret();
  await using server = await ThreadServer.start({ journal });
  using peer = await ThreadPeer.dial(server.address, secret);
  const answer = await peer.ask(1, { file, echo: 1 });
  using wire = await Wire.dial(server.address);
  const answered = await tokenOf(wire, { file, echo: 2 });
  await wire.send(answered);
  const classicAnswer = await wire.receive();
  const running = await tokenOf(wire, { file, until });
  await wire.send(running);
  await peer.request(2, { file, until });
  while (effects.count < 4) await new Promise((done) => setTimeout(done, 5));
  await server.kill();

  await using next = await ThreadServer.start({ journal });
  using again = await ThreadPeer.dial(next.address, secret);
  assertEquals(again.known, true);
  assertEquals(await again.ask(1, { file }), answer);
  assertEquals((await again.ask(2, {})).content.code, "OUTCOME_UNKNOWN");
  using other = await ThreadPeer.dial(
    next.address,
    secret,
    (thread) => thread !== again.thread,
  );
  assertEquals(await other.ask(1, { file }), answer);
  assertEquals((await other.ask(3, {})).type, FRAME.response);
  for (let i = 0; i < 6; i++) {
    using classic = await Wire.dial(next.address);
    await classic.send(answered);
    assertEquals(await classic.receive(), classicAnswer);
    await classic.send(running);
    assertEquals(statusIn(await classic.receive()), "OUTCOME_UNKNOWN");
  }
  assertEquals(effects.count, 4);
});

Deno.test("what a thread notes of ended requests is on record as it was noted", async () => {
  using folder = new JournalFolder();
  const journal = new Journal(folder.journal);
  const { promise: flushed, resolve } = Promise.withResolvers<void>();
  const notes = new Notes((message) => {
    if (message.kind !== "notes") return;
    writeDown(journal, message.notes, () => {});
    resolve();
  });
  const finished = new AnsweredSet(10);
  finished.add(2);
  finished.add(4);
  notes.know("client");
  notes.remove("client", [2], finished);
  // On the same tick, before anything is told: two ranges become one.
  finished.add(3);
  await flushed;
  journal.close();

  const next = new Journal(folder.journal);
  const [client] = next.load();
  next.close();
  assertEquals(client?.finished.toJSON(), {
    floor: 0,
    ranges: [[2, 2], [4, 4]],
  });
});

Deno.test("a client is forgotten on record before another thread may know it anew", async () => {
  const told: string[] = [];
  const notes = new Notes((message) => {
    if (message.kind !== "notes") return;
    told.push(message.notes.map(({ kind }) => kind).join());
  });
  notes.know("client");
  notes.forget("client");
  // What is told from here on comes after it.
  assertEquals(told, ["know,forget"]);
  notes.know("another");
  await Promise.resolve();
  assertEquals(told, ["know,forget", "know"]);
});

Deno.test("with a journal the answers of a thread that died are not lost", async () => {
  using folder = new JournalFolder();
  using effects = new Effects();
  using word = new Word();
  const { journal } = folder;
  const { file } = effects;
  await using server = await startThreads({ journal });
  const secret = newSecret();
  using peer = await ThreadPeer.dial(server.address, secret);
  const answer = await peer.ask(1, { file });
  await peer.request(2, { file, until: word.name });
  await word.heard("waits");
  const wires: Wire[] = [];
  const tokens = [];
  for (let i = 0; i < 8; i++) {
    const wire = await Wire.dial(server.address);
    wires.push(wire);
    const token = await tokenOf(wire, { file, echo: i });
    await wire.send(token);
    tokens.push({ token, answer: await wire.receive() });
  }
  for (const wire of wires) wire.close();
  await killThread(server, peer.thread);

  using again = await ThreadPeer.dial(server.address, secret);
  assertEquals(await again.ask(1, {}), answer);
  assertEquals((await again.ask(2, {})).content.code, "OUTCOME_UNKNOWN");
  for (const { token, answer } of tokens) {
    using wire = await Wire.dial(server.address);
    await wire.send(token);
    assertEquals(await wire.receive(), answer);
  }
  assertEquals(effects.count, 10);
});

Deno.test("what may run again after a restart may so after a thread's death, too", async () => {
  using folder = new JournalFolder();
  using effects = new Effects();
  const { journal } = folder;
  const secret = newSecret();
  {
    await using server = await startThreads({ journal });
    using peer = await ThreadPeer.dial(server.address, secret);
    // For ever, as far as this server is concerned.
    const endless = { file: effects.file, pause: 1_000_000 };
    await peer.request(1, endless, "/IDEMPOTENT");
    while (effects.count < 1) await new Promise((done) => setTimeout(done, 5));
    assertEquals((await peer.ask(2, {})).type, FRAME.response);
    await server.stop({ grace: 0 });
  }

  await using server = await startThreads({ journal });
  using peer = await ThreadPeer.dial(server.address, secret);
  assertEquals((await peer.ask(4, {})).type, FRAME.response);
  await killThread(server, peer.thread);

  using again = await ThreadPeer.dial(server.address, secret);
  assertEquals(again.known, true);
  assertEquals((await again.ask(1, {}, "/IDEMPOTENT")).type, FRAME.response);
  assertEquals((await again.ask(2, {})).type, FRAME.response);
});

Deno.test("where threads cannot share a port, it says so and runs on one", async () => {
  // As it is without --unstable-net, which this project's configuration sets.
  const config = await Deno.makeTempFile({ suffix: ".json" });
  const root = new URL("../../", import.meta.url);
  const { unstable: _unstable, tasks: _tasks, ...rest } = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", root)),
  );
  const links = ["assert", "crypto"].map((name) =>
    new URL(`links/${name}`, root).pathname
  );
  await Deno.writeTextFile(config, JSON.stringify({ ...rest, links }));
  try {
    await using server = await ThreadServer.start({}, ["--config", config]);
    assertEquals(server.notices, ["ONE_THREAD"]);
    const secret = newSecret();
    using peer = await ThreadPeer.dial(server.address, secret);
    assertEquals((await peer.ask(1, { echo: 1 })).content.DATA.echo, 1);
  } finally {
    await Deno.remove(config);
  }
});
