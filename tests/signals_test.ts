import { assert, assertEquals } from "@std/assert";
import { connect } from "node:net";
import {
  type ClientSignal,
  type ConnectionInfo,
  type CypherClientOptions,
  type CypherServer,
  type JsonValue,
  Monitor,
  type Signal,
  systemClock,
} from "../mod.ts";
import { FRAME, FrameBatch } from "../protocol/frames.ts";
import {
  codeOf,
  equalKeys,
  Gate,
  HandServer,
  makeClient,
  SignalLog,
  startChildClient,
  startChildServer,
  startServer,
  until,
  Wire,
  within,
} from "./support/cypher.ts";
import type { Address } from "./support/fault_proxy.ts";
import { SessionPeer } from "./support/session_peer.ts";

const echo = ({ data }: { data: JsonValue }) => ({ data });

/** A client whose transitions are kept, as callbacks and as signals. */
function watchedClient(
  address: Address,
  options: Partial<CypherClientOptions> = {},
  /** Called at each loss. */
  onLoss: () => void = () => {},
) {
  const called: string[] = [];
  const iterated: string[] = [];
  const client = makeClient(address, {
    ...options,
    onOnline: () => called.push("online"),
    onOffline: (reason) => {
      called.push(`offline: ${reason}`);
      onLoss();
    },
  });
  const reading = (async () => {
    for await (const signal of client.signals()) {
      iterated.push(clientLine(signal));
      assert(Math.abs(signal.at - Date.now()) < 3_600_000, "an epoch's time");
    }
  })();
  return {
    client,
    called,
    /** Closes it, and returns what both have seen. */
    async close(): Promise<string[]> {
      await within("the close", client.close());
      await within("the end of the signals", reading);
      assertEquals(iterated, called, "signals and callbacks are the same");
      return called;
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function clientLine(signal: ClientSignal): string {
  return signal.kind === "online" ? "online" : `offline: ${signal.reason}`;
}

/** A signal in a word or two; requests are left out by most tests. */
function line(signal: Signal): string {
  switch (signal.kind) {
    case "offline":
      return `offline: ${signal.reason}`;
    case "failure":
    case "notice":
      return `${signal.kind}: ${signal.code}`;
    case "limit":
      return `limit: ${signal.limit}`;
    default:
      return signal.kind;
  }
}

function lines(log: SignalLog): string[] {
  return log.all.filter(({ kind }) => kind !== "request").map(line);
}

async function gone(server: CypherServer): Promise<void> {
  await until(
    "the end of every connection",
    () => server.monitor.connections().length === 0,
  );
}

Deno.test("a clean close by the client", async () => {
  await using server = await startServer(echo);
  using log = new SignalLog(server.monitor);
  await using watched = watchedClient(server.address);
  await watched.client.request({});
  assertEquals(await watched.close(), ["online", "offline: closed"]);
  await gone(server);
  assertEquals(lines(log), ["online", "offline: peer-closed"]);
});

Deno.test("a close before anything was connected tells nothing", async () => {
  await using server = await startServer(echo);
  await using watched = watchedClient(server.address);
  assertEquals(await watched.close(), []);
});

Deno.test("a client that is killed", async () => {
  await using server = await startServer(echo);
  using log = new SignalLog(server.monitor);
  await using child = await startChildClient(server.address);
  await log.wait("request");
  assertEquals(lines(log), ["online"]);
  child.kill();
  await log.wait("offline");
  await gone(server);
  assertEquals(lines(log), ["online", "offline: peer-closed"]);
});

Deno.test("a server that is killed", async () => {
  await using child = await startChildServer();
  const address = { hostname: "127.0.0.1", port: child.port };
  let dials = 0;
  await using watched = watchedClient(address, {
    dial: ({ hostname, port }, signal) => {
      dials++;
      return Deno.connect({ hostname, port, signal });
    },
  });
  await watched.client.request({});
  child.kill();
  // Dials that are refused are no news to a client that is offline.
  await until("more dials", () => dials >= 5);
  assertEquals(await watched.close(), ["online", "offline: peer-closed"]);
});

Deno.test("the idle timeout", async () => {
  await using server = await startServer(echo, { timeout: 50 });
  using log = new SignalLog(server.monitor);
  const closed: Promise<void>[] = [];
  await using watched = watchedClient(
    server.address,
    {},
    () => closed.push(watched.client.close()),
  );
  await watched.client.connect();
  await log.wait("offline");
  await until("the client's loss", () => closed.length > 0);
  assertEquals(await watched.close(), ["online", "offline: peer-closed"]);
  await gone(server);
  assertEquals(lines(log), ["online", "timeout", "offline: timeout"]);
  assertEquals(log.of("timeout")[0]?.after, 50);
  const [online, timeout, offline] = log.all;
  assertEquals(timeout?.connection, online?.connection);
  assertEquals(offline?.connection, online?.connection);
});

Deno.test("no idle timeout while a request runs, however long", async () => {
  const gate = new Gate();
  let called = false;
  await using server = await startServer(async ({ data }) => {
    called = true;
    await gate.passed;
    return { data };
  }, { timeout: 30 });
  using log = new SignalLog(server.monitor);
  using busy = await Wire.dial(server.address);
  await busy.send(await busy.seal({ DATA: 1 }));
  await until("the call", () => called);
  // Others time out meanwhile, one after the other.
  for (let others = 1; others <= 2; others++) {
    using idle = await Wire.dial(server.address);
    assertEquals((await idle.end()).bytes, 0);
    await log.wait("timeout", others);
  }
  assertEquals(log.of("timeout").length, 2);
  gate.open();
  assertEquals((await busy.receive() as { DATA: number }).DATA, 1);
  // And from the answer on the time counts again.
  assertEquals((await busy.end()).bytes, 0);
  await log.wait("offline", 3);
  assertEquals(log.of("timeout").length, 3);
  assertEquals(log.of("offline").at(-1)?.requests, 1);
});

Deno.test("the server is stopped", async () => {
  await using server = await startServer(echo);
  using log = new SignalLog(server.monitor);
  let dials = 0;
  await using watched = watchedClient(server.address, {
    dial: ({ hostname, port }, signal) => {
      dials++;
      return Deno.connect({ hostname, port, signal });
    },
  });
  await watched.client.request({});
  await server.stop();
  await until("more dials", () => dials >= 5);
  assertEquals(await watched.close(), ["online", "offline: peer-closed"]);
  assertEquals(lines(log), ["online", "offline: stopped"]);
});

Deno.test("a dial that is refused", async () => {
  await using server = await startServer(echo);
  using log = new SignalLog(server.monitor);
  let dials = 0;
  await using watched = watchedClient(server.address, {
    dial: ({ hostname, port }, signal) =>
      // Nobody listens on port 1.
      Deno.connect({ hostname, port: ++dials < 5 ? 1 : port, signal }),
  });
  await watched.client.request({});
  assertEquals(dials, 5);
  assertEquals(await watched.close(), [
    "offline: refused",
    "online",
    "offline: closed",
  ]);
  await gone(server);
  assertEquals(lines(log), ["online", "offline: peer-closed"]);
});

Deno.test("a request that the server cannot open: its key is another", async () => {
  await using server = await startServer(echo);
  using log = new SignalLog(server.monitor);
  const closed: Promise<void>[] = [];
  await using watched = watchedClient(
    server.address,
    { encryptionKey: "x".repeat(32), maxUnanswered: 1 },
    () => closed.push(watched.client.close()),
  );
  assertEquals(await codeOf(watched.client.request({})), "NO_ANSWER");
  await until("the loss", () => closed.length === 1);
  assertEquals(await watched.close(), ["online", "offline: peer-closed"]);
  await gone(server);
  assertEquals(lines(log), [
    "online",
    "failure: BAD_TOKEN",
    "offline: bad-token",
  ]);
});

Deno.test("an answer that the client cannot open: its key is another", async () => {
  await using server = await startServer(echo);
  using log = new SignalLog(server.monitor);
  const closed: Promise<void>[] = [];
  await using watched = watchedClient(
    server.address,
    { decryptionKey: "x".repeat(32) },
    () => closed.push(watched.client.close()),
  );
  assertEquals(await codeOf(watched.client.request({})), "BAD_TOKEN");
  await until("the loss", () => closed.length === 1);
  assertEquals(await watched.close(), ["online", "offline: bad-token"]);
  await gone(server);
  assertEquals(lines(log), ["online", "offline: peer-closed"]);
});

Deno.test("an answer that does not come within the client's timeout", async () => {
  await using server = new HandServer();
  const closed: Promise<void>[] = [];
  await using watched = watchedClient(
    server.address,
    { timeout: 50 },
    () => closed.push(watched.client.close()),
  );
  const code = codeOf(watched.client.request({}));
  const wire = await server.accept();
  await wire.token();
  assertEquals((await wire.end()).bytes, 0);
  await until("the loss", () => closed.length === 1);
  assertEquals(await code, "CLOSED");
  assertEquals(await watched.close(), ["online", "offline: timeout"]);
});

Deno.test("disconnected by the operator: the client comes back", async () => {
  await using server = await startServer(echo);
  using log = new SignalLog(server.monitor);
  await using watched = watchedClient(server.address);
  await watched.client.request({});
  const [first] = server.monitor.connections();
  assertEquals(server.monitor.disconnect(first!.id), true);
  await log.wait("online", 2);
  await until("its return", () => watched.called.length === 3);
  assertEquals((await watched.client.request({ data: 1 })).data, 1);
  assertEquals(server.monitor.connection(first!.id), undefined);
  assertEquals(server.monitor.disconnect(first!.id), false);
  assertEquals(server.monitor.disconnect("nobody"), false);
  assertEquals(await watched.close(), [
    "online",
    "offline: peer-closed",
    "online",
    "offline: closed",
  ]);
  await gone(server);
  assertEquals(lines(log), [
    "online",
    "offline: disconnected",
    "online",
    "offline: peer-closed",
  ]);
});

Deno.test("disconnected while its request runs: one execution, answered later", async () => {
  const gate = new Gate();
  let calls = 0;
  await using server = await startServer(async ({ data }) => {
    calls++;
    await gate.passed;
    return { data };
  });
  using log = new SignalLog(server.monitor);
  await using client = makeClient(server.address);
  const answer = client.request({ data: 1 });
  await until("the call", () => calls === 1);
  const [first] = server.monitor.connections();
  server.monitor.disconnect(first!.id);
  await log.wait("offline");
  assertEquals(log.of("offline")[0]?.inProgress, 1);
  await until(
    "the repeat",
    () => server.monitor.connections().some((one) => one.inProgress === 1),
  );
  gate.open();
  assertEquals((await answer).data, 1);
  assertEquals(calls, 1);
  const [request] = await log.wait("request");
  assertEquals([request?.repeated, request?.status], [true, "OK"]);
});

Deno.test("a peer that resets the connection", async () => {
  await using server = await startServer(echo);
  using log = new SignalLog(server.monitor);
  const socket = connect(server.address.port, "127.0.0.1");
  await log.wait("online");
  const closed = Promise.withResolvers<void>();
  socket.on("close", () => closed.resolve());
  socket.resetAndDestroy();
  await within("the close", closed.promise);
  await gone(server);
  assertEquals(lines(log), ["online", "offline: peer-reset"]);
});

Deno.test("a message over the limit", async () => {
  await using server = await startServer(echo, {
    limits: { messageBytes: 1_024 },
  });
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address);
  await wire.ask({ DATA: 1 });
  // It is over the limit already, and has no end yet.
  await wire.send(new Uint8Array(1_025).fill(0x67));
  assertEquals(await wire.end(), { bytes: 0, how: "closed" });
  wire.close();
  await gone(server);
  assertEquals(lines(log), [
    "online",
    "failure: TOO_LARGE",
    "limit: messageBytes",
    "offline: too-large",
  ]);
});

Deno.test("a peer that does not read its answer", async () => {
  const huge = "x".repeat(16 * 1024 * 1024);
  await using server = await startServer(
    ({ data }) => ({ data: data === "huge" ? huge : data }),
    { timeout: 100 },
  );
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address);
  await wire.send(await wire.seal({ DATA: "huge" }));
  await log.wait("offline");
  await gone(server);
  assertEquals(lines(log), ["online", "offline: slow-reader"]);
});

Deno.test("one connection too many", async () => {
  await using server = await startServer(echo, { limits: { connections: 2 } });
  using log = new SignalLog(server.monitor);
  using one = await Wire.dial(server.address);
  using two = await Wire.dial(server.address);
  await one.ask({});
  await two.ask({});
  using three = await Wire.dial(server.address);
  assertEquals((await three.end()).bytes, 0);
  await log.wait("limit");
  assertEquals(lines(log), ["online", "online", "limit: connections"]);
  await one.ask({});
  two.close();
  await until("room", () => server.monitor.connections().length === 1);
  using four = await Wire.dial(server.address);
  await four.ask({});
});

Deno.test("what a request's signal says", async () => {
  await using server = await startServer(({ path, data }) => {
    if (path === "/FAIL") throw new Error("secret");
    return { data };
  }, { onHandlerError() {} });
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address);
  const good = await wire.seal({ PATH: "/A", OPERATION: "READ", DATA: 1 });
  await wire.send(good);
  const answer = await wire.token();
  const bad = await wire.seal({ PATH: "/FAIL" });
  await wire.send(bad);
  await wire.token();
  await log.wait("request", 2);
  const [online] = log.of("online");
  const [first, second] = log.of("request");
  const { port } = wire.socket.localAddr;
  assert(online !== undefined && first !== undefined && second !== undefined);
  assertEquals(first, {
    kind: "request",
    id: first.id,
    at: first.at,
    connection: online.connection,
    address: `127.0.0.1:${port}`,
    name: undefined,
    wire: "classic",
    path: "/A",
    operation: "READ",
    status: "OK",
    latency: first.latency,
    bytesIn: good.length,
    bytesOut: answer!.length + 1,
    repeated: false,
  });
  assert(first.latency >= 0);
  assertEquals(second.status, "HANDLER_FAILED");
  const [failure] = log.of("failure");
  assertEquals(
    [failure?.code, failure?.path, failure?.operation],
    ["HANDLER_FAILED", "/FAIL", "NONE"],
  );
});

Deno.test("requests of one read are timed and counted each by itself", async () => {
  let now = 0;
  const monitor = new Monitor();
  const counts: unknown[] = [];
  await using server = await startServer((_, { connection }) => {
    const { requests, inProgress } = monitor.connection(connection)!;
    counts.push([requests, inProgress]);
    now += 10;
    return {};
  }, {
    wires: ["session"],
    monitor,
    clock: { ...systemClock, now: () => now },
  });
  using log = new SignalLog(monitor);
  using peer = await SessionPeer.dial(server.address);
  const batch = new FrameBatch();
  for (const id of [1, 2, 3]) batch.add(FRAME.request, id, "{}");
  batch.add(FRAME.close, 0, "{}");
  await peer.write(peer.sealPlain(batch.take()));
  await log.wait("offline");
  assertEquals(counts, [[0, 1], [1, 1], [2, 1]]);
  const latencies = log.of("request").map(({ latency }) => latency);
  assertEquals(latencies, [10, 10, 10]);
  const kinds = log.all.map(({ kind }) => kind);
  const three = Array(3).fill("request");
  assertEquals(kinds, ["online", ...three, "offline"]);
  const [offline] = log.of("offline");
  assertEquals([offline?.requests, offline?.inProgress], [3, 0]);
});

const NOTHING_YET = {
  requests: 0,
  failures: 0,
  bytesIn: 0,
  bytesOut: 0,
  inProgress: 0,
};

function counters(info: ConnectionInfo): typeof NOTHING_YET {
  const { requests, failures, bytesIn, bytesOut, inProgress } = info;
  return { requests, failures, bytesIn, bytesOut, inProgress };
}

Deno.test("what connections() lists, and that it is empty afterwards", async () => {
  const gate = new Gate();
  let called = false;
  await using server = await startServer(async ({ path }) => {
    if (path === "/WAIT") {
      called = true;
      await gate.passed;
    }
    if (path === "/FAIL") throw new Error("no");
    return {};
  }, { timeout: 77_000, onHandlerError() {} });
  const { monitor } = server;
  assertEquals(monitor.connections(), []);
  const started = Date.now();
  using wire = await Wire.dial(server.address);
  await until("the connection", () => monitor.connections().length === 1);
  const [fresh] = monitor.connections();
  assert(fresh !== undefined);
  const { port } = wire.socket.localAddr;
  assertEquals(fresh.address, `127.0.0.1:${port}`);
  assertEquals(fresh.wire, "classic");
  assertEquals(fresh.name, undefined);
  assertEquals(fresh.state, { kind: "open" });
  assertEquals(fresh.timeout, 77_000);
  assertEquals(counters(fresh), NOTHING_YET);
  assertEquals(fresh.lastLatency, null);
  assert(fresh.since >= started - 1 && fresh.since <= Date.now() + 1);

  let bytesIn = 0;
  let bytesOut = 0;
  const send = async (message: JsonValue) => {
    const token = await wire.seal(message);
    bytesIn += token.length;
    await wire.send(token);
  };
  const receive = async () => {
    bytesOut += (await wire.token())!.length + 1;
  };
  await send({ PATH: "/GOOD" });
  await receive();
  await send({ PATH: "/FAIL" });
  await receive();
  await until(
    "two requests",
    () => monitor.connections()[0]?.bytesOut === bytesOut,
  );
  const used = monitor.connection(fresh.id);
  assert(used !== undefined);
  assert(used.lastLatency !== null && used.lastLatency >= 0);
  assert(used.lastActivity >= fresh.since);
  assertEquals([used.since, used.state], [fresh.since, fresh.state]);
  assertEquals(counters(used), {
    requests: 2,
    failures: 1,
    bytesIn,
    bytesOut,
    inProgress: 0,
  });

  await send({ PATH: "/WAIT" });
  await until("the call", () => called);
  const busy = monitor.connection(fresh.id);
  assertEquals(busy?.inProgress, 1);
  assertEquals(busy?.requests, 2);
  assertEquals(busy?.bytesIn, bytesIn);
  gate.open();
  await receive();
  await until(
    "the third",
    () => monitor.connections()[0]?.bytesOut === bytesOut,
  );
  const after = monitor.connection(fresh.id);
  assertEquals([after?.inProgress, after?.requests], [0, 3]);

  // The oldest comes first, and each has an id of its own.
  using other = await Wire.dial(server.address);
  await until("the other one", () => monitor.connections().length === 2);
  const ids = monitor.connections().map(({ id }) => id);
  assertEquals(ids[0], fresh.id);
  assertEquals(new Set(ids).size, 2);
  wire.close();
  other.close();
  await gone(server);
  assertEquals(monitor.connections(), []);
  assertEquals(monitor.connection(fresh.id), undefined);
});

Deno.test("signal ids count up by one, over several servers on one monitor", async () => {
  const monitor = new Monitor();
  using log = new SignalLog(monitor);
  const first = await startServer(() => ({ data: "first" }), { monitor });
  const second = await startServer(() => ({ data: "second" }), {
    monitor,
    ...equalKeys,
  });
  assert(first.monitor === monitor && second.monitor === monitor);
  assertEquals(
    monitor.listeners().map(({ port, state }) => `${port} ${state}`),
    [first, second].map(({ address }) => `${address.port} listening`),
  );
  await using one = makeClient(first.address);
  await using two = makeClient(second.address, equalKeys);
  for (let i = 0; i < 5; i++) {
    assertEquals((await one.request({})).data, "first");
    assertEquals((await two.request({})).data, "second");
  }
  const connections = monitor.connections();
  assertEquals(connections.length, 2);
  assert(connections[0]?.id !== connections[1]?.id);
  await one.close();
  await log.wait("offline");
  await second.stop();
  await log.wait("offline", 2);
  assertEquals(monitor.listeners().length, 1);
  await first.stop();
  assertEquals(monitor.listeners(), []);
  assertEquals(monitor.connections(), []);

  const ids = log.all.map(({ id }) => id);
  assertEquals(ids, ids.map((_, i) => ids[0]! + i));
  assertEquals(monitor.lastSignal, ids.at(-1));
  assertEquals(log.of("request").length, 10);
  assertEquals(
    log.of("offline").map(({ reason }) => reason),
    ["peer-closed", "stopped"],
  );
  for (const { id } of connections) {
    const own = log.all.filter(({ connection }) => connection === id);
    assertEquals(own.map(({ kind }) => kind), [
      "online",
      ...Array.from({ length: 5 }, () => "request"),
      "offline",
    ]);
    const offline = own.at(-1);
    assert(offline?.kind === "offline");
    assertEquals([offline.requests, offline.inProgress], [5, 0]);
    assert(offline.connected >= 0);
  }
});

Deno.test("signals() is what listen() is told, until it ends", async () => {
  await using server = await startServer(echo);
  using log = new SignalLog(server.monitor);
  const seen: Signal[] = [];
  const controller = new AbortController();
  const reading = (async () => {
    const { signal } = controller;
    for await (const one of server.monitor.signals({ signal })) seen.push(one);
  })();
  await using client = makeClient(server.address);
  await client.request({});
  await log.wait("request");
  controller.abort();
  await within("the end of the signals", reading);
  const told = log.all.length;
  assertEquals(seen, log.all.slice());
  await client.request({});
  await log.wait("request", 2);
  assertEquals(seen.length, told);
});

Deno.test("listeners that throw are reported, and keep nothing from anybody", async () => {
  const reported: string[] = [];
  const report = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error.message);
  };
  globalThis.addEventListener("error", report);
  try {
    await using server = await startServer(echo);
    server.monitor.listen(() => {
      throw new Error("the monitor's");
    });
    using log = new SignalLog(server.monitor);
    const client = makeClient(server.address, {
      onOnline: () => {
        throw new Error("onOnline's");
      },
      onOffline: () => {
        throw new Error("onOffline's");
      },
    });
    assertEquals((await client.request({ data: 1 })).data, 1);
    assertEquals((await client.request({ data: 2 })).data, 2);
    await client.close();
    await gone(server);
    assertEquals(log.all.map(line), [
      "online",
      "request",
      "request",
      "offline: peer-closed",
    ]);
    assertEquals(reported.filter((one) => one === "the monitor's").length, 4);
    assertEquals(reported.filter((one) => one.startsWith("on")), [
      "onOnline's",
      "onOffline's",
    ]);
  } finally {
    globalThis.removeEventListener("error", report);
  }
});

Deno.test("a dead connection is noticed without a request", async () => {
  await using server = new HandServer();
  await using watched = watchedClient(server.address);
  await watched.client.connect();
  (await server.accept()).close();
  await until("the loss", () => watched.called.length >= 2);
  assertEquals(watched.called.slice(0, 2), ["online", "offline: peer-closed"]);
  await server.accept();
  await until("its return", () => watched.called.length === 3);
  assertEquals(await watched.close(), [
    "online",
    "offline: peer-closed",
    "online",
    "offline: closed",
  ]);
});
