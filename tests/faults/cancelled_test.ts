/** Requests that nobody waits for, whose handlers do not stop. */

import { assertEquals } from "@std/assert";
import type { CypherClient } from "../../mod.ts";
import { FRAME } from "../../protocol/frames.ts";
import {
  codeOf,
  Effects,
  Gate,
  makeClient,
  SignalLog,
  startServer,
  until,
  within,
} from "../support/cypher.ts";
import { SessionPeer } from "../support/session_peer.ts";

/** A server whose `/HANG` heeds no signal: it waits for the gate. */
async function deafServer(options: Parameters<typeof startServer>[1]) {
  const gate = new Gate();
  const begun = new Effects<string>();
  const server = await startServer(async ({ path }) => {
    begun.add(path);
    if (path === "/HANG") await gate.passed;
    return {};
  }, { wires: ["session"], ...options });
  return { server, gate, begun };
}

/** Asks for what hangs, and gives up once its handler runs. */
async function abandon(
  client: CypherClient,
  begun: Effects<string>,
): Promise<void> {
  const before = begun.of("/HANG");
  const controller = new AbortController();
  const { signal } = controller;
  const code = codeOf(client.request({ path: "/HANG" }, { signal }));
  await until("its handler runs", () => begun.of("/HANG") > before);
  controller.abort();
  assertEquals(await code, "ABORTED");
}

Deno.test("who requests and cancels in a loop has two windows of handlers at most", async () => {
  const { server, gate, begun } = await deafServer({
    window: 4,
    limits: { requests: 20 },
  });
  await using _stopped = server;
  using log = new SignalLog(server.monitor);
  using peer = await SessionPeer.dial(server.address);
  const hang = JSON.stringify({
    PATH: "/HANG",
    OPERATION: "NONE",
    DATA: null,
    METADATA: {},
  });
  for (const ids of [[1, 2, 3, 4], [5, 6, 7, 8]]) {
    await peer.send(FRAME.request, ids, hang);
    await peer.send(FRAME.cancel, ids, "");
  }
  // The first four end at once: as many handlers may run on.
  for (const id of [1, 2, 3, 4]) {
    assertEquals((await peer.receive(FRAME.error))?.id, id);
  }
  // The next four are still in the window: there is no place for a ninth.
  await peer.send(FRAME.request, [9], hang);
  const [offline] = await log.wait("offline");
  assertEquals(offline!.reason, "protocol-error");
  assertEquals(begun.of("/HANG"), 8);
  await using other = makeClient(server.address, { wire: "session" });
  await other.request({});
  gate.open();
});

Deno.test("our client waits for handlers that heed no cancel, across connections", async () => {
  const { server, gate, begun } = await deafServer({ window: 2 });
  await using _stopped = server;
  using log = new SignalLog(server.monitor);
  await using client = makeClient(server.address, { wire: "session" });
  for (let i = 1; i <= 4; i++) await abandon(client, begun);
  const next = client.request({ path: "/NEXT" });
  await until("its cancels are taken", () => log.of("limit").length > 0);
  const { id } = server.monitor.connections()[0]!;
  server.monitor.disconnect(id);
  await log.wait("online", 2);
  // What the client sends again has been read by then, or nearly.
  await using other = makeClient(server.address, { wire: "session" });
  await other.request({});
  assertEquals(begun.of("/NEXT"), 0);
  gate.open();
  await next;
  assertEquals(begun.of("/HANG"), 4);
  const reasons = log.of("offline").map(({ reason }) => reason);
  assertEquals(reasons, ["disconnected"]);
});

Deno.test("a cancelled handler that ends makes room for another that heeds none", async () => {
  const gates = [new Gate(), new Gate(), new Gate()];
  const begun = new Effects<number>();
  const ended = new Effects<number>();
  await using server = await startServer(async ({ data }) => {
    begun.add(data as number);
    await gates[data as number]!.passed;
    ended.add(data as number);
    return {};
  }, { wires: ["session"], window: 1 });
  using peer = await SessionPeer.dial(server.address);
  for (const [data, gate] of gates.entries()) {
    const id = data + 1;
    const request = { PATH: "/", OPERATION: "NONE", DATA: data, METADATA: {} };
    await peer.send(FRAME.request, [id], JSON.stringify(request));
    await until("it runs", () => begun.of(data) === 1);
    await peer.send(FRAME.cancel, [id], "");
    // At once: of the one before nothing is left.
    assertEquals((await peer.receive(FRAME.error))?.id, id);
    assertEquals(ended.of(data), 0);
    gate.open();
    await until("it ends", () => ended.of(data) === 1);
  }
});

Deno.test("a cancelled request that keeps its place ends as cancelled, and once", async () => {
  const { server, gate } = await deafServer({ window: 1 });
  await using _stopped = server;
  using log = new SignalLog(server.monitor);
  using peer = await SessionPeer.dial(server.address);
  const hang = { PATH: "/HANG", OPERATION: "NONE", DATA: null, METADATA: {} };
  for (const id of [1, 2]) {
    await peer.send(FRAME.request, [id], JSON.stringify(hang));
    await peer.send(FRAME.cancel, [id], "");
  }
  assertEquals((await peer.receive(FRAME.error))?.id, 1);
  await log.wait("limit");
  // Nobody waits for either, and asking again changes nothing.
  await peer.send(FRAME.cancel, [2], "");
  await peer.send(FRAME.ping, [0], "12345678");
  await peer.receive(FRAME.pong);
  assertEquals(server.monitor.connections()[0]!.inProgress, 0);
  gate.open();
  const second = await peer.receive(FRAME.error);
  assertEquals(second?.id, 2);
  const { code } = JSON.parse(new TextDecoder().decode(second!.payload));
  assertEquals(code, "CANCELLED");
  assertEquals(server.monitor.connections()[0]!.inProgress, 0);
  assertEquals(log.of("request").length, 0);
});

Deno.test("a stop waits for cancelled handlers no longer than its grace", async () => {
  const { server, gate, begun } = await deafServer({ window: 1 });
  await using _stopped = server;
  using log = new SignalLog(server.monitor);
  await using client = makeClient(server.address, { wire: "session" });
  for (let i = 1; i <= 2; i++) await abandon(client, begun);
  await log.wait("limit");
  await within("a stop", server.stop({ grace: 50 }));
  gate.open();
});

Deno.test("a cancelled handler counts until its deadline, and no longer", async () => {
  const { server, gate, begun } = await deafServer({
    window: 1,
    deadline: 50,
    limits: { requests: 2 },
  });
  await using _stopped = server;
  await using client = makeClient(server.address, { wire: "session" });
  for (let i = 1; i <= 5; i++) await abandon(client, begun);
  await client.request({});
  gate.open();
});
