/** What somebody who holds the keys, and misbehaves, makes the server keep. */

import { assert, assertEquals } from "@std/assert";
import { AnsweredSet, type IdRange } from "../../protocol/answered.ts";
import { FRAME, FrameBatch } from "../../protocol/frames.ts";
import type { Journalling } from "../../server/journal.ts";
import { ClientRegistry } from "../../server/session/client_registry.ts";
import { SignalLog, startServer, within } from "../support/cypher.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { Program } from "../support/program.ts";
import { SessionPeer } from "../support/session_peer.ts";

Deno.test("who pings and reads no pong is closed", async () => {
  await using server = await startServer(() => ({}), {
    wires: ["session"],
    limits: { writeBufferBytes: 65_536, writeTimeout: 100 },
  });
  using log = new SignalLog(server.monitor);
  using peer = await SessionPeer.dial(server.address);
  const batch = new FrameBatch();
  for (let i = 0; i < 10_000; i++) batch.add(FRAME.ping, 0, new Uint8Array(8));
  const pings = batch.take().slice();
  // Many times what both ends' sockets hold.
  const flood = async () => {
    for (let i = 0; i < 300; i++) await peer.write(peer.sealPlain(pings));
  };
  await flood().catch(() => {});
  const [offline] = await log.wait("offline");
  assertEquals(offline!.reason, "slow-reader");
  const limits = log.of("limit").map(({ limit }) => limit);
  assertEquals(limits, ["writeBufferBytes", "writeTimeout"]);
});

Deno.test("requests that came together leave nothing behind on their connection", async () => {
  const path = new URL("../support/pipelined.ts", import.meta.url).pathname;
  await using program = new Program([
    "run",
    "--allow-net",
    "--v8-flags=--expose-gc",
    path,
  ]);
  assertEquals(await within("its end", program.ended), 0, program.errors);
  const each = Number(program.output);
  assert(each < 200, `each left ${each} bytes`);
});

Deno.test("who confirms no answer is closed", async () => {
  await using server = await startServer(({ data }) => ({ data }), {
    wires: ["session"],
    window: 4,
  });
  using log = new SignalLog(server.monitor);
  for (const type of [FRAME.request, FRAME.cancel]) {
    using peer = await SessionPeer.dial(server.address);
    const ids = Array.from({ length: 2_000 }, (_, i) => i + 1);
    await peer.send(type, ids, type === FRAME.request ? "{}" : "");
    const offline = (await log.wait("offline", type === 1 ? 1 : 2)).at(-1)!;
    assertEquals(offline.reason, "protocol-error");
    assertEquals(log.of("limit").at(-1)!.limit, "window");
  }
});

Deno.test("who claims more gaps than any window has is closed, and what runs still finishes", async () => {
  const gate = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  let running = 0;
  let finished = 0;
  await using server = await startServer(async () => {
    if (++running === 3) begun.resolve();
    await gate.promise;
    finished++;
    return {};
  }, { wires: ["session"] });
  using log = new SignalLog(server.monitor);
  using peer = await SessionPeer.dial(server.address);
  await peer.send(FRAME.request, [2, 4, 6], "{}");
  await within("the handlers", begun.promise);
  // With each of them the set would have another range than it can hold.
  const ranges = Array.from({ length: 65_537 }, (_, i) => {
    const id = 100 + 2 * i;
    return [id, id];
  });
  const answered = JSON.stringify({ floor: 0, ranges });
  await peer.send(FRAME.answered, [0], answered);
  const [offline] = await log.wait("offline");
  assertEquals(offline!.reason, "protocol-error");
  assertEquals(log.of("limit").at(-1)!.limit, "window");
  gate.resolve();
  await server.stop();
  assertEquals(finished, 3);
});

Deno.test("clients that leave gaps between their ids count as several", () => {
  const registry = new ClientRegistry({
    clock: new FakeClock(),
    maxBytes: 1_000,
    maxAge: 1_000,
    maxAway: 10,
  });
  const owner = { deliver() {}, replaced() {}, interrupted() {} };
  const ranges = Array.from(
    { length: 48 },
    (_, i): IdRange => [2 * i + 2, 2 * i + 2],
  );
  const visit = (id: string, gaps: boolean) => {
    const record = registry.claim(id, owner, 0);
    const answered = new AnsweredSet(100);
    answered.merge({ floor: 0, ranges: gaps ? ranges : [] });
    registry.confirm(record, answered);
    registry.release(record, owner);
  };
  for (let i = 0; i < 10; i++) visit(`plain ${i}`, false);
  assertEquals(registry.size, 10);
  for (let i = 0; i < 10; i++) visit(`gaps ${i}`, true);
  assertEquals([...registry.ids()], ["gaps 8", "gaps 9"]);
  // Who comes back and has none any more counts as one again.
  for (const id of ["gaps 8", "gaps 9"]) {
    const record = registry.claim(id, owner, 0);
    const answered = new AnsweredSet(100);
    answered.merge({ floor: 1_000, ranges: [] });
    registry.confirm(record, answered);
    registry.release(record, owner);
  }
  for (let i = 0; i < 8; i++) visit(`plain ${i}`, false);
  assertEquals(registry.size, 10);
  registry.close();
});

Deno.test("what is confirmed together is noted in the journal together", async () => {
  const removed: (readonly number[])[] = [];
  const journal: Partial<Journalling> = {
    load: () => [],
    know: () => {},
    end: (_client, _id, _ending, safe) => safe(),
    remove: (_client, ids) => void removed.push(ids),
    close: () => {},
  };
  const registry = new ClientRegistry({
    clock: new FakeClock(),
    maxBytes: 1_000_000,
    maxAge: 1_000,
    maxAway: 10,
    journal: journal as Journalling,
  });
  const record = registry.claim("a", {
    deliver() {},
    replaced() {},
    interrupted() {},
  }, 0);
  const ids = Array.from({ length: 100 }, (_, i) => i + 1);
  for (const id of ids) {
    registry.end(record, id, { type: FRAME.response, payload: "{}" });
  }
  const confirm = (floor: number) => {
    const answered = new AnsweredSet(1);
    answered.merge({ floor, ranges: [] });
    registry.confirm(record, answered);
  };
  for (const id of ids.slice(0, 50)) confirm(id);
  await Promise.resolve();
  assertEquals(removed, [ids.slice(0, 50)]);
  // Nor is anything left out when the client moves, or the server ends.
  confirm(60);
  registry.give("a");
  assertEquals(removed[1], ids.slice(50, 60));
  await Promise.resolve();
  assertEquals(removed.length, 2);
  registry.close();
});

Deno.test("an ending that is handed over and told is kept once", () => {
  const registry = new ClientRegistry({
    clock: new FakeClock(),
    maxBytes: 10_000,
    maxAge: 1_000,
    maxAway: 10,
  });
  const ending = { type: FRAME.error, payload: "x".repeat(1_000) };
  registry.take("client", 0, {
    highest: 1,
    finished: { floor: 1, ranges: [] },
    kept: [[1, ending]],
    running: [1],
  });
  registry.endedElsewhere("client", 1, ending);
  const owner = { deliver() {}, replaced() {}, interrupted() {} };
  const record = registry.claim("client", owner, 0);
  assert(registry.bytes > 0);
  const answered = new AnsweredSet(10);
  answered.add(1);
  registry.confirm(record, answered);
  assertEquals(registry.bytes, 0);
  registry.close();
});
