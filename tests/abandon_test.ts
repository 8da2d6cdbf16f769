import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  CypherClient,
  CypherError,
  type Dial,
  type JsonValue,
  Monitor,
  type RequestInit,
} from "../mod.ts";
import {
  clientKeys,
  codeOf,
  concat,
  Effects,
  equalKeys,
  errorOf,
  Gate,
  HandServer,
  HeldTimers,
  makeClient,
  SignalLog,
  startServer,
  until,
  Wire,
  within,
} from "./support/cypher.ts";

/** A server whose `/SLOW` waits for the gate, and that counts. */
async function slowServer() {
  const gate = new Gate();
  const effects = new Effects<JsonValue>();
  const server = await startServer(async ({ path, data }) => {
    effects.add(data);
    if (path === "/SLOW") await gate.passed;
    return { data: { answer: data } };
  });
  return { server, gate, effects };
}

/** Ends requests early, when the test says: by a signal or by a deadline. */
function ender(how: string) {
  const controller = new AbortController();
  const timers = new HeldTimers(54_321);
  return {
    clock: timers.clock,
    options: how === "aborted"
      ? { signal: controller.signal }
      : { deadline: timers.delay },
    end() {
      controller.abort(new Error("why"));
      timers.fire();
    },
    code: how === "aborted" ? "ABORTED" : "DEADLINE",
  };
}

for (const how of ["aborted", "overdue"]) {
  Deno.test(`${how} in flight: the late answer is not the next one's`, async () => {
    const { server, gate, effects } = await slowServer();
    await using _stopped = server;
    const reasons: string[] = [];
    const early = ender(how);
    await using client = makeClient(server.address, {
      clock: early.clock,
      onOffline: (reason) => reasons.push(reason),
    });
    const slow = client.request(
      { path: "/SLOW", data: "slow" },
      early.options,
    );
    const next = client.request({ data: "next" });
    const code = codeOf(slow);
    await until("the first request", () => effects.of("slow") === 1);
    early.end();
    assertEquals(await code, early.code);
    gate.open();
    assertEquals((await next).data, { answer: "next" });
    assertEquals((await client.request({ data: 3 })).data, { answer: 3 });
    assertEquals(reasons, ["abandoned"]);
    assertEquals(effects.total, 3);
  });
}

for (const how of ["aborted", "overdue"]) {
  Deno.test(`${how} in flight: its connection is closed before the next is sent`, async () => {
    await using server = new HandServer();
    const early = ender(how);
    await using client = makeClient(server.address, { clock: early.clock });
    const late = client.request(
      { data: "late" },
      early.options,
    );
    const code = codeOf(late);
    const next = client.request({ data: "next" });
    const first = await server.accept();
    const { DATA } = await first.receive() as { DATA: string };
    assertEquals(DATA, "late");
    early.end();
    assertEquals(await code, early.code);
    assertEquals(await first.end(), { bytes: 0, how: "closed" });
    const second = await server.accept();
    assertEquals((await second.receive() as { DATA: string }).DATA, "next");
    await second.send(await second.seal({ DATA: "hello" }));
    assertEquals((await next).data, "hello");
  });

  Deno.test(`${how} in the queue: the connection stays, and it is never sent`, async () => {
    const { server, gate, effects } = await slowServer();
    await using _stopped = server;
    const reasons: string[] = [];
    const early = ender(how);
    await using client = makeClient(server.address, {
      clock: early.clock,
      onOffline: (reason) => reasons.push(reason),
    });
    const slow = client.request({ path: "/SLOW", data: "slow" });
    await until("the first request", () => effects.of("slow") === 1);
    const queued = client.request(
      { data: "queued" },
      early.options,
    );
    const code = codeOf(queued);
    const last = client.request({ data: "last" });
    early.end();
    assertEquals(await code, early.code);
    gate.open();
    assertEquals((await slow).data, { answer: "slow" });
    assertEquals((await last).data, { answer: "last" });
    assertEquals(reasons, []);
    assertEquals(effects.of("queued"), 0);
    assertEquals(client.pending, 0);
  });

  Deno.test(`${how} while offline: it ends, and is never sent`, async () => {
    const effects = new Effects<JsonValue>();
    await using server = await startServer(({ data }) => {
      effects.add(data);
      return { data };
    });
    let port = CLOSED_PORT;
    const early = ender(how);
    await using client = makeClient(server.address, {
      clock: early.clock,
      dial: dialTo(() => port),
    });
    const waiting = client.request(
      { data: "waiting" },
      early.options,
    );
    const code = codeOf(waiting);
    const last = client.request({ data: "last" });
    await until("a dial that failed", () => client.state === "waiting");
    early.end();
    assertEquals(await code, early.code);
    port = server.address.port;
    assertEquals((await last).data, "last");
    assertEquals(effects.of("waiting"), 0);
  });
}

Deno.test("aborted before it is made: not sent, the reason is the cause", async () => {
  const effects = new Effects<JsonValue>();
  await using server = await startServer(({ data }) => {
    effects.add(data);
    return { data };
  });
  await using client = makeClient(server.address);
  const reason = new Error("why");
  const error = await errorOf(
    client.request({ data: 1 }, { signal: AbortSignal.abort(reason) }),
  );
  assertEquals(error.code, "ABORTED");
  assert(error.cause === reason);
  assertEquals((await client.request({ data: 2 })).data, 2);
  assertEquals(effects.of(1), 0);
});

Deno.test("a signal that aborts after the answer does nothing", async () => {
  await using server = await startServer(({ data }) => ({ data }));
  const reasons: string[] = [];
  await using client = makeClient(server.address, {
    onOffline: (reason) => reasons.push(reason),
  });
  const controller = new AbortController();
  for (let data = 0; data < 3; data++) {
    const { signal } = controller;
    assertEquals((await client.request({ data }, { signal })).data, data);
  }
  controller.abort();
  assertEquals((await client.request({ data: 3 })).data, 3);
  assertEquals(reasons, []);
});

Deno.test("many aborted at random: each other one has its own answer", async () => {
  const effects = new Effects<JsonValue>();
  await using server = await startServer(async ({ data }) => {
    effects.add(data);
    if (Number(data) % 7 === 0) {
      await new Promise((next) => setTimeout(next, 1));
    }
    return { data: { answer: data } };
  });
  await using client = makeClient(server.address);
  const aborts: Promise<void>[] = [];
  const outcomes = await Promise.all(
    Array.from({ length: 1_000 }, async (_, data) => {
      const controller = new AbortController();
      const answer = client.request({ data }, { signal: controller.signal });
      if (data % 5 === 0) {
        aborts.push(
          until("its turn", () => effects.of(data) > 0 || client.pending < 500)
            .then(() => controller.abort()),
        );
      }
      try {
        return (await answer).data;
      } catch (error) {
        assertInstanceOf(error, CypherError);
        return error.code;
      }
    }),
  );
  await Promise.all(aborts);
  outcomes.forEach((outcome, data) => {
    if (outcome === "ABORTED") assertEquals(data % 5, 0);
    else assertEquals(outcome, { answer: data });
  });
  assert(outcomes.includes("ABORTED"));
  for (const [data, count] of effects.counts) {
    assertEquals(count, 1, `request ${data}`);
  }
});

Deno.test("an answer that a man in the middle replays is refused", async () => {
  for (const anew of [false, true]) {
    await using server = new HandServer();
    const reasons: string[] = [];
    await using client = makeClient(server.address, {
      onOffline: (reason) => reasons.push(reason),
    });
    const first = client.request({ data: 1 });
    let wire = await server.accept();
    await wire.receive();
    const answer = await wire.seal({ DATA: "one" });
    await wire.send(answer);
    assertEquals((await first).data, "one");
    if (anew) {
      wire.close();
      wire = await server.accept();
    }
    const second = client.request({ data: 2 });
    const code = codeOf(second);
    await wire.receive();
    await wire.send(answer);
    assertEquals(await code, "BAD_TOKEN");
    assertEquals((await wire.end()).bytes, 0);
    // An answer of its own is what the next one gets.
    wire = await server.accept();
    const third = client.request({ data: 3 });
    await wire.receive();
    await wire.send(await wire.seal({ DATA: "three" }));
    assertEquals((await third).data, "three");
    assertEquals(reasons, anew ? ["peer-closed", "bad-token"] : ["bad-token"]);
  }
});

Deno.test("with equal keys the client refuses its own request as an answer", async () => {
  await using server = new HandServer(equalKeys);
  await using client = makeClient(server.address, equalKeys);
  const reflected = client.request({ data: 1 });
  const code = codeOf(reflected);
  let wire = await server.accept();
  const token = await wire.token();
  await wire.send(concat([token!, Uint8Array.of(0)]));
  assertEquals(await code, "BAD_TOKEN");
  wire = await server.accept();
  const next = client.request({ data: 2 });
  assertEquals((await wire.receive() as { DATA: number }).DATA, 2);
  await wire.send(await wire.seal({ DATA: "two" }));
  assertEquals((await next).data, "two");
});

Deno.test("with equal keys the server refuses its own answer as a request", async () => {
  const effects = new Effects<JsonValue>();
  await using server = await startServer(({ data }) => {
    effects.add(data);
    return { data };
  }, equalKeys);
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address, equalKeys);
  await wire.send(await wire.seal({ DATA: 1 }));
  const answer = await wire.token();
  for (const other of [wire, await Wire.dial(server.address, equalKeys)]) {
    using _closed = other;
    await other.send(concat([answer!, Uint8Array.of(0)]));
    assertEquals((await other.end()).bytes, 0);
  }
  const offline = await log.wait("offline", 2);
  assertEquals(offline.map(({ reason }) => reason), ["bad-token", "bad-token"]);
  assertEquals(log.of("failure").map(({ code }) => code), [
    "BAD_TOKEN",
    "BAD_TOKEN",
  ]);
  assertEquals(effects.total, 1);
});

Deno.test("equal keys work, and are said once, at the start", async () => {
  const monitor = new Monitor();
  using log = new SignalLog(monitor);
  const handler = ({ data }: { data: JsonValue }) => ({ data });
  await using server = await startServer(handler, { ...equalKeys, monitor });
  assertEquals(log.all.map(({ kind }) => kind), ["notice"]);
  assertEquals(log.of("notice")[0]?.code, "EQUAL_KEYS");
  await using client = makeClient(server.address, equalKeys);
  for (let data = 0; data < 20; data++) {
    assertEquals((await client.request({ data })).data, data);
  }
  await using other = makeClient(server.address, equalKeys);
  await other.connect();
  await log.wait("online", 2);
  assertEquals(log.of("notice").length, 1);

  // With two keys there is nothing to say.
  await using quiet = await startServer(handler, { monitor });
  await using third = makeClient(quiet.address);
  await third.request({});
  assertEquals(log.of("notice").length, 1);
});

Deno.test("bytes with nothing in flight close the connection", async () => {
  await using server = new HandServer();
  const reasons: string[] = [];
  await using client = makeClient(server.address, {
    onOffline: (reason) => reasons.push(reason),
  });
  await client.connect();
  const quiet = await server.accept();
  const early = await quiet.seal({ DATA: "early" });
  await quiet.send(early);
  assertEquals((await quiet.end()).bytes, 0);
  const asked = await server.accept();
  const request = client.request({ data: 1 });
  await asked.receive();
  await asked.send(await asked.seal({ DATA: "asked" }));
  assertEquals((await request).data, "asked");
  assertEquals(reasons, ["unexpected-data"]);
  await asked.send(Uint8Array.of(0x67));
  assertEquals((await asked.end()).bytes, 0);
  await until("the second loss", () => reasons.length === 2);
  assertEquals(reasons[1], "unexpected-data");
});

Deno.test("bytes behind an answer: it counts, the connection is closed", async () => {
  await using server = new HandServer();
  const reasons: string[] = [];
  await using client = makeClient(server.address, {
    onOffline: (reason) => reasons.push(reason),
  });
  const first = client.request({ data: 1 });
  const second = client.request({ data: 2 });
  let wire = await server.accept();
  await wire.receive();
  await wire.send(
    concat([
      await wire.seal({ DATA: "one" }),
      await wire.seal({ DATA: "two" }),
    ]),
  );
  assertEquals((await first).data, "one");
  wire = await server.accept();
  assertEquals((await wire.receive() as { DATA: number }).DATA, 2);
  await wire.send(await wire.seal({ DATA: "really two" }));
  assertEquals((await second).data, "really two");
  assertEquals(reasons, ["unexpected-data"]);
});

Deno.test("an answer that opens and is no JSON is an error of its request", async () => {
  await using server = new HandServer();
  await using client = makeClient(server.address);
  const bad = client.request({ data: 1 });
  const code = codeOf(bad);
  let wire = await server.accept();
  await wire.receive();
  await wire.send(await wire.seal("{"));
  assertEquals(await code, "BAD_MESSAGE");
  const next = client.request({ data: 2 });
  const received = wire.receive().catch(async () => {
    wire = await server.accept();
    return await wire.receive();
  });
  assertEquals((await received as { DATA: number }).DATA, 2);
  await wire.send(await wire.seal({ DATA: "two" }));
  assertEquals((await next).data, "two");
});

Deno.test("QUEUE_FULL: one too many is refused at once, the others are answered", async () => {
  const { server, gate, effects } = await slowServer();
  await using _stopped = server;
  await using client = makeClient(server.address, { limits: { queued: 3 } });
  const waiting = [1, 2, 3].map((data) =>
    client.request({ path: "/SLOW", data })
  );
  assertEquals(client.pending, 3);
  assertEquals(await codeOf(client.request({ data: 4 })), "QUEUE_FULL");
  gate.open();
  const answers = await Promise.all(waiting);
  assertEquals(
    answers.map(({ data }) => data),
    [1, 2, 3].map((answer) => ({ answer })),
  );
  assertEquals((await client.request({ data: 5 })).data, { answer: 5 });
  assertEquals(effects.of(4), 0);
});

Deno.test("many callers are served first come first served", async () => {
  const order: JsonValue[] = [];
  await using server = await startServer(({ data }) => {
    order.push(data);
    return { data };
  });
  await using client = makeClient(server.address);
  const numbers = Array.from({ length: 500 }, (_, i) => i);
  const answers = await Promise.all(
    numbers.map((data) => client.request({ data })),
  );
  assertEquals(answers.map(({ data }) => data), numbers);
  assertEquals(order, numbers);
});

Deno.test("TOO_LARGE: a request over the limit is refused before it is sent", async () => {
  const { server, effects } = await slowServer();
  await using _stopped = server;
  using log = new SignalLog(server.monitor);
  await using client = makeClient(server.address, {
    limits: { messageBytes: 2_048 },
  });
  assertEquals(
    await codeOf(client.request({ data: "x".repeat(2_048) })),
    "TOO_LARGE",
  );
  // Escaped, each of these takes six.
  assertEquals(
    await codeOf(client.request({ data: "ä".repeat(400) })),
    "TOO_LARGE",
  );
  assertEquals(log.all, [], "not even a connection was needed");
  const data = "x".repeat(1_000);
  assertEquals((await client.request({ data })).data, { answer: data });
  assertEquals(effects.total, 1);
});

Deno.test("the limit counts a message's bytes on the wire without its NUL", async () => {
  await using server = await startServer(({ data }) => ({ data }), {
    limits: { messageBytes: 1_024 },
  });
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address);
  let largest = 0;
  let smallest = Infinity;
  for (let length = 600; length < 760; length++) {
    const token = await wire.seal({ DATA: "x".repeat(length) });
    const size = token.length - 1;
    using other = await Wire.dial(server.address);
    await other.send(token);
    const { bytes } = await answeredOrEnded(other);
    if (bytes > 0) largest = Math.max(largest, size);
    else smallest = Math.min(smallest, size);
  }
  assert(largest <= 1_024 && smallest > 1_024, `${largest} ${smallest}`);
  assert(largest > 900 && smallest < 1_100, "both were seen");
  assertEquals(
    new Set(log.of("failure").map(({ code }) => code)),
    new Set([
      "TOO_LARGE",
    ]),
  );
});

async function answeredOrEnded(wire: Wire): Promise<{ bytes: number }> {
  const token = await wire.token().catch((error) => {
    if (error instanceof Deno.errors.ConnectionReset) return null;
    throw error;
  });
  return { bytes: token?.length ?? 0 };
}

Deno.test("ANSWER_TOO_LARGE: an oversized answer ends its request, and the client goes on", async () => {
  const effects = new Effects<JsonValue>();
  await using server = await startServer(({ data }) => {
    effects.add(data);
    return { data: "x".repeat(Number(data)) };
  });
  const reasons: string[] = [];
  await using client = makeClient(server.address, {
    limits: { messageBytes: 4_096 },
    onOffline: (reason) => reasons.push(reason),
  });
  for (const size of [4_096, 1_000_000]) {
    const code = await codeOf(client.request({ data: size }));
    assertEquals(code, "ANSWER_TOO_LARGE");
    assertEquals(effects.of(size), 1);
  }
  const { data } = await client.request({ data: 1_000 });
  assertEquals(String(data).length, 1_000);
  assertEquals(reasons, ["too-large", "too-large"]);
});

Deno.test("UNSENDABLE: nothing is sent, and the client goes on", async () => {
  const { server, effects } = await slowServer();
  await using _stopped = server;
  using log = new SignalLog(server.monitor);
  await using client = makeClient(server.address);
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const bad: Record<string, unknown> = {
    "a BigInt": { data: 1n },
    "a BigInt, deeply": { data: [{ a: 1n }] },
    "a cycle": { data: cycle },
    "a function": { data: () => 1 },
    "a symbol": { data: Symbol("x") },
    "a toJSON that throws": {
      data: {
        toJSON() {
          throw new Error("no");
        },
      },
    },
    "a path that is no string": { path: 1 },
    "an operation that is no string": { operation: null },
    "metadata that is an array": { metadata: [] },
    "metadata that is null": { metadata: null },
    "metadata with a BigInt": { metadata: { a: 1n } },
    "a key of ours among the further ones": { extra: { DATA: 1 } },
    "a BigInt among the further keys": { extra: { A: 1n } },
  };
  for (const [name, request] of Object.entries(bad)) {
    assertEquals(
      await codeOf(client.request(request as RequestInit)),
      "UNSENDABLE",
      name,
    );
  }
  assertEquals(log.all, []);
  assertEquals((await client.request({ data: 1 })).data, { answer: 1 });
  assertEquals(effects.total, 1);
});

Deno.test("an object that the caller mutates later is sent as it was", async () => {
  const { server, gate, effects } = await slowServer();
  await using _stopped = server;
  await using client = makeClient(server.address);
  const slow = client.request({ path: "/SLOW", data: "slow" });
  const data = { list: [1] };
  const request = { path: "/A", data };
  const queued = client.request(request);
  data.list.push(2);
  request.path = "/B";
  await until("the first request", () => effects.of("slow") === 1);
  gate.open();
  await slow;
  const answer = await queued;
  assertEquals(answer.data, { answer: { list: [1] } });
  assertEquals(answer.path, "/A");
});

Deno.test("CLOSED: what waits is rejected, and everything after", async () => {
  const { server, gate, effects } = await slowServer();
  await using _stopped = server;
  const reasons: string[] = [];
  const client = makeClient(server.address, {
    onOffline: (reason) => reasons.push(reason),
  });
  const codes = [1, 2].map((data) =>
    codeOf(client.request({ path: "/SLOW", data }))
  );
  await until("the first request", () => effects.of(1) === 1);
  await within("the close", client.close());
  assertEquals(await Promise.all(codes), ["CLOSED", "CLOSED"]);
  assertEquals(await codeOf(client.request({})), "CLOSED");
  assertEquals(await codeOf(client.connect()), "CLOSED");
  assertEquals(client.state, "closed");
  assertEquals(client.pending, 0);
  await within("another close", client.close());
  assertEquals(reasons, ["closed"]);
  gate.open();
  assertEquals(effects.total, 1);
});

/** Nobody listens there: it is the port of a service that nobody runs. */
const CLOSED_PORT = 1;

/** Dials for real, but to the port that the test says. */
function dialTo(port: () => number): Dial {
  return ({ hostname }, signal) =>
    Deno.connect({ hostname, port: port(), signal });
}

/** Dials for ever. */
const dialForEver: Dial = (_, signal) =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });

Deno.test("connect() resolves once connected, and again at once", async () => {
  await using server = await startServer(() => ({}));
  using log = new SignalLog(server.monitor);
  await using client = makeClient(server.address);
  assertEquals(client.state, "idle");
  await Promise.all([client.connect(), client.connect()]);
  assertEquals(client.state, "online");
  await client.connect();
  await client.request({});
  assertEquals(log.of("online").length, 1);
});

Deno.test("connect() gives up when its signal aborts; the client does not", async () => {
  await using server = await startServer(({ data }) => ({ data }));
  let port = CLOSED_PORT;
  await using client = makeClient(server.address, { dial: dialTo(() => port) });
  const reason = new Error("why");
  const before = await errorOf(
    client.connect({ signal: AbortSignal.abort(reason) }),
  );
  assertEquals(before.code, "ABORTED");
  assert(before.cause === reason);
  assertEquals(client.state, "idle");

  const controller = new AbortController();
  const connecting = client.connect({ signal: controller.signal });
  const other = client.connect();
  const error = errorOf(connecting);
  await until("a dial that failed", () => client.state === "waiting");
  controller.abort(reason);
  assertEquals((await error).code, "ABORTED");
  assert((await error).cause === reason);
  port = server.address.port;
  await other;
  assertEquals((await client.request({ data: 1 })).data, 1);
});

Deno.test("CONNECT_FAILED has its cause, and the client can be used again", async () => {
  await using server = await startServer(({ data }) => ({ data }));
  let port = CLOSED_PORT;
  let dials = 0;
  const reasons: string[] = [];
  await using client = makeClient(server.address, {
    attempts: 3,
    dial: dialTo(() => {
      dials++;
      return port;
    }),
    onOffline: (reason) => reasons.push(reason),
  });
  const outcomes = [
    client.connect(),
    client.request({ data: 1 }),
    client.request({ data: 2 }, { deadline: 60_000 }),
  ].map(errorOf);
  for (const error of await Promise.all(outcomes)) {
    assertEquals(error.code, "CONNECT_FAILED");
    const { cause } = error;
    assertInstanceOf(cause, Deno.errors.ConnectionRefused);
    const { hostname, port } = server.address;
    assertEquals(
      error.message,
      `Cannot connect to ${hostname}:${port}: ${cause.message} ` +
        "(attempts made: 3)",
    );
  }
  assertEquals(dials, 3);
  assertEquals(client.state, "idle");
  assertEquals(client.pending, 0);

  // Each call has its own attempts.
  assertEquals(await codeOf(client.connect()), "CONNECT_FAILED");
  assertEquals(dials, 6);
  port = server.address.port;
  await client.connect();
  assertEquals((await client.request({ data: 3 })).data, 3);
  assertEquals(reasons, ["refused"]);
});

Deno.test("without --allow-net there is one attempt, and the error says so", async () => {
  let dials = 0;
  await using client = makeClient({ hostname: "127.0.0.1", port: 9 }, {
    dial: () => {
      dials++;
      return Promise.reject(new Deno.errors.NotCapable("Requires net access"));
    },
  });
  const outcomes = [client.connect(), client.request({})].map(errorOf);
  for (const error of await Promise.all(outcomes)) {
    assertEquals(error.code, "CONNECT_FAILED");
    assertEquals(
      error.message,
      "Cannot connect to 127.0.0.1:9 (run with --allow-net)",
    );
  }
  assertEquals(dials, 1);
  assertEquals(client.state, "idle");
});

Deno.test("attempts are counted in a row: a connection starts them anew", async () => {
  await using server = await startServer(({ data }) => ({ data }));
  const refused = (n: number) => n % 3 !== 0;
  let dials = 0;
  await using client = makeClient(server.address, {
    attempts: 3,
    dial: dialTo(() => refused(++dials) ? CLOSED_PORT : server.address.port),
  });
  for (let data = 0; data < 4; data++) {
    assertEquals((await client.request({ data })).data, data);
    assertEquals(dials, 3 * (data + 1));
    const connection = server.monitor.connections().at(-1);
    assert(server.monitor.disconnect(connection!.id));
    await until("the loss", () => client.state !== "online");
  }
});

Deno.test("a dial that takes longer than connectTimeout is one that failed", async () => {
  await using client = makeClient({ hostname: "127.0.0.1", port: 9 }, {
    connectTimeout: 10,
    attempts: 2,
    dial: dialForEver,
  });
  assertEquals(await codeOf(client.connect()), "CONNECT_FAILED");
});

Deno.test("close() ends a dial in progress", async () => {
  await using server = await startServer(() => ({}));
  for (const dial of [undefined, dialForEver]) {
    const client = makeClient(server.address, dial ? { dial } : {});
    const codes = [client.connect(), client.request({})].map(codeOf);
    await until("the dial", () => client.state !== "idle");
    await within("the close", client.close());
    assertEquals(await Promise.all(codes), ["CLOSED", "CLOSED"]);
  }
});

Deno.test("close() ends the wait for the next dial", async () => {
  const client = new CypherClient({
    ...clientKeys,
    port: CLOSED_PORT,
    backoff: { first: 2_000_000_000, max: 2_000_000_000 },
    random: () => 0.999,
  });
  const codes = [client.connect(), client.request({})].map(codeOf);
  await until("the wait", () => client.state === "waiting");
  await within("the close", client.close());
  assertEquals(await Promise.all(codes), ["CLOSED", "CLOSED"]);
});

Deno.test("await using closes a client", async () => {
  await using server = await startServer(() => ({}));
  using log = new SignalLog(server.monitor);
  let request: Promise<unknown>;
  {
    await using client = makeClient(server.address);
    await client.connect();
    request = codeOf(client.request({}, { deadline: 60_000 }));
  }
  assertEquals(await request, "CLOSED");
  const [offline] = await log.wait("offline");
  assert(offline !== undefined);
});

Deno.test("NO_ANSWER after maxUnanswered losses in a row, no sooner", async () => {
  await using server = new HandServer();
  await using client = makeClient(server.address, { maxUnanswered: 3 });
  const patient = client.request({ data: 1 });
  const tokens: string[] = [];
  const cut = async () => {
    const wire = await server.accept();
    tokens.push(String(await wire.token()));
    wire.close();
  };
  await cut();
  await cut();
  const wire = await server.accept();
  await wire.receive();
  await wire.send(await wire.seal({ DATA: "at last" }));
  assertEquals((await patient).data, "at last");
  assertEquals(tokens[0], tokens[1]);
  wire.close();

  const code = codeOf(client.request({ data: 2 }));
  const next = client.request({ data: 3 });
  // The connection that waits there may have been opened with nothing to send.
  await cut();
  await cut();
  await cut();
  assertEquals(await code, "NO_ANSWER");
  const last = await server.accept();
  assertEquals((await last.receive() as { DATA: number }).DATA, 3);
  await last.send(await last.seal({ DATA: "three" }));
  assertEquals((await next).data, "three");
});

Deno.test("no error holds a key, a token or a payload", async () => {
  const payload = "payload-that-nobody-may-see";
  await using server = new HandServer();
  let losses = 0;
  await using client = makeClient(server.address, {
    maxUnanswered: 1,
    onOffline: () => losses++,
    limits: { messageBytes: 2_048 },
  });
  const errors: unknown[] = [];
  const keep = (promise: Promise<unknown>) =>
    errorOf(promise).then((error) => errors.push(error));
  await keep(client.request({ data: [payload, 1n] }));
  await keep(client.request({ data: payload.repeat(200) }));
  const answers: ((wire: Wire) => Promise<Uint8Array>)[] = [
    (wire) => wire.seal(`{"${payload}`),
    () => Promise.resolve(new TextEncoder().encode(`${payload}\0`)),
    (wire) => wire.seal({ DATA: payload.repeat(200) }),
    () => Promise.resolve(new Uint8Array(0)),
  ];
  let token: Uint8Array | null = null;
  for (const answer of answers) {
    const kept = keep(client.request({ data: payload }));
    let wire: Wire;
    do {
      wire = await server.accept();
      token = await wire.token();
    } while (token === null);
    await wire.send(await answer(wire));
    wire.close();
    await kept;
    const made: number = errors.length - 2;
    await until("the loss", () => losses === made);
  }
  assertEquals(errors.length, 6);
  const secrets = [
    payload,
    clientKeys.encryptionKey,
    clientKeys.decryptionKey,
    new TextDecoder().decode(token!),
  ];
  for (const error of errors) {
    for (let one = error; one instanceof Error; one = one.cause) {
      const text = `${one.message} ${one.stack} ${JSON.stringify(one)}`;
      for (const secret of secrets) {
        assert(!text.includes(secret), one.message);
      }
    }
  }
});
