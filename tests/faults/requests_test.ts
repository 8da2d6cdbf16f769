/** As many requests in progress as may be: the others wait, and none is lost. */

import { assert, assertEquals } from "@std/assert";
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

const BOTH = ["session", "classic"] as const;

for (const wire of BOTH) {
  Deno.test(`more ${wire} requests than may run wait their turn`, async () => {
    const effects = new Effects<number>();
    let running = 0;
    let most = 0;
    await using server = await startServer(async ({ data }) => {
      effects.add(data as number);
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
      return { data };
    }, { wires: [wire], limits: { requests: 5 } });
    using log = new SignalLog(server.monitor);
    const clients = Array.from(
      { length: 20 },
      () => makeClient(server.address, { wire }),
    );
    const asked = clients.flatMap((client, i) =>
      Array.from({ length: 20 }, (_, j) => client.request({ data: 20 * i + j }))
    );
    const answers = await Promise.all(asked);
    assertEquals(
      answers.map(({ data }) => data),
      Array.from({ length: 400 }, (_, i) => i),
    );
    assertEquals(effects.total, 400);
    assertEquals(most, 5);
    assertEquals(log.of("limit")[0]?.limit, "requests");
    assertEquals(log.of("failure"), []);
    await Promise.all(clients.map((one) => one.close()));
  });

  Deno.test(`a ${wire} connection that waits can be closed, and stopped`, async () => {
    const gate = new Gate();
    await using server = await startServer(async () => {
      await gate.passed;
      return {};
    }, { wires: [wire], limits: { requests: 1 } });
    using log = new SignalLog(server.monitor);
    await using first = makeClient(server.address, { wire });
    const running = first.request({});
    await until(
      "it runs",
      () =>
        server.monitor.connections().some(({ inProgress }) => inProgress === 1),
    );
    const second = makeClient(server.address, { wire });
    const waiting = second.request({}).catch(() => "gone");
    await log.wait("limit");
    const { id } = server.monitor.connections().at(-1)!;
    assert(server.monitor.disconnect(id));
    await log.wait("offline");
    await until(
      "it is gone",
      () => server.monitor.connection(id) === undefined,
    );
    await second.close();
    assertEquals(await waiting, "gone");
    gate.open();
    await running;
  });
}

Deno.test("who waits for its turn does not take the server for dead", async () => {
  const heartbeat = 300;
  const gate = new Gate();
  await using server = await startServer(async ({ path }) => {
    if (path === "/HOLD") await gate.passed;
    return {};
  }, { wires: ["session"], heartbeat, limits: { requests: 1 } });
  using log = new SignalLog(server.monitor);
  await using holder = makeClient(server.address, { wire: "session" });
  const held = holder.request({ path: "/HOLD" });
  await log.wait("online");
  await using client = makeClient(server.address, { wire: "session" });
  const signals: string[] = [];
  const watching = (async () => {
    for await (const { kind } of client.signals()) signals.push(kind);
  })();
  const waiting = client.request({});
  await log.wait("limit");
  // Long enough for either end to give the other up several times over.
  const sent = () => server.monitor.connections().at(-1)!.bytesOut;
  const before = sent();
  await until("four pings or so", () => sent() > before + 4 * 35);
  gate.open();
  await Promise.all([held, waiting]);
  assertEquals(log.of("offline"), []);
  await client.close();
  await watching;
  assertEquals(signals, ["online", "offline"]);
});

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
  for (let i = 1; i <= 4; i++) {
    const controller = new AbortController();
    const { signal } = controller;
    const code = codeOf(client.request({ path: "/HANG" }, { signal }));
    await until("its handler runs", () => begun.of("/HANG") === i);
    controller.abort();
    assertEquals(await code, "ABORTED");
  }
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
  for (let i = 1; i <= 2; i++) {
    const controller = new AbortController();
    const { signal } = controller;
    const code = codeOf(client.request({ path: "/HANG" }, { signal }));
    await until("its handler runs", () => begun.of("/HANG") === i);
    controller.abort();
    assertEquals(await code, "ABORTED");
  }
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
  for (let i = 1; i <= 5; i++) {
    const controller = new AbortController();
    const { signal } = controller;
    const code = codeOf(client.request({ path: "/HANG" }, { signal }));
    await until("its handler runs", () => begun.of("/HANG") === i);
    controller.abort();
    assertEquals(await code, "ABORTED");
  }
  await client.request({});
  gate.open();
});
