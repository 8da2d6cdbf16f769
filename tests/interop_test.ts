import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { CypherStatus, type JsonValue, type Tracing } from "../mod.ts";
import {
  clientKeys,
  codeOf,
  concat,
  Effects,
  errorOf,
  Gate,
  makeClient,
  serverKeys,
  SignalLog,
  startServer,
  until,
} from "./support/cypher.ts";
import { type ConnectionFaults, FaultProxy } from "./support/fault_proxy.ts";
import {
  pythonAvailable,
  startPythonClient,
  startPythonServer,
} from "./support/python_peer.ts";

const available = await pythonAvailable() !== undefined;
if (!available) {
  // deno-lint-ignore no-console
  console.warn(
    "Skipped: the tests with Python peers, as there is no python3 with the " +
      "cryptography package (Debian: python3-cryptography)",
  );
}

function testWithPython(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `Python ${name}`, ignore: !available, fn });
}

const hostname = "127.0.0.1";
const MEBIBYTE = 1024 * 1024;

/** What has been known to go wrong between JSON, UTF-8 and UTF-16. */
const UNICODE: readonly string[] = [
  "äöüß",
  "日本語",
  "😀👩‍👩‍👧‍👦",
  "a\u0000b\u001f\u007f\u0080\u2028\u2029",
  "\uffff\ufffd",
  "\ud83d\ude00",
  "\ud800 alone",
  'quote " and \\ and /',
  "\\u0041",
];

testWithPython(
  "server: a traced request is answered as any other",
  async () => {
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const tracing: Tracing = {
      client: ({ metadata, ...request }, _server, send) =>
        send({ ...request, metadata: { ...metadata, traceparent } }, () => {}),
      server: (_request, _peer, run) => run(),
    };
    await using server = await startPythonServer(serverKeys);
    await using client = makeClient({ hostname, port: server.port }, {
      tracing,
    });
    const answer = await client.request({ path: "/ECHO", data: 7 });
    assertEquals(answer.data, 7);
    assertEquals(answer.metadata, { traceparent });
  },
);

testWithPython("server: 10,000 round trips, each executed once", async () => {
  await using server = await startPythonServer(serverKeys);
  await using client = makeClient({ hostname, port: server.port });
  const total = 10_000;
  for (let sent = 0; sent < total; sent += 100) {
    const counts = await Promise.all(
      Array.from({ length: 100 }, () => client.request({ path: "/COUNT" })),
    );
    assertEquals(
      counts.map(({ data }) => data),
      Array.from({ length: 100 }, (_, i) => sent + i + 1),
    );
  }
  assertEquals((await client.request({ path: "/COUNT" })).data, total + 1);
});

testWithPython("client: 10,000 round trips, each executed once", async () => {
  const identities = new Set<string>();
  await using server = await startServer(({ data }, { identity }) => {
    identities.add(identity);
    return { data: { is: data, count: identities.size } };
  });
  using log = new SignalLog(server.monitor);
  await using client = await startPythonClient({
    ...clientKeys,
    port: server.address.port,
  });
  const { REPEATED, LAST } = await client.request({
    PATH: "/NUMBER",
    DATA: 7,
    REPEAT: 10_000,
  }) as { REPEATED: number; LAST: JsonValue };
  assertEquals(REPEATED, 10_000);
  assertEquals(LAST, {
    PATH: "/NUMBER",
    OPERATION: "NONE",
    DATA: { is: 7, count: 10_000 },
    METADATA: {},
  });
  assertEquals(identities.size, 10_000);
  await log.wait("request", 10_000);
  assertEquals(log.of("online").length, 1, "all on one connection");
  assertEquals(log.of("failure"), []);
});

testWithPython("server: Unicode survives, surrogates too", async () => {
  await using server = await startPythonServer(serverKeys);
  await using client = makeClient({ hostname, port: server.port });
  for (const text of UNICODE) {
    const answer = await client.request({
      path: "/ECHO",
      operation: text,
      data: [text],
      metadata: { [text]: text },
    });
    assertEquals(answer.operation, text);
    assertEquals(answer.data, [text]);
    assertEquals(answer.metadata, { [text]: text });
  }
});

testWithPython("client: Unicode survives, surrogates too", async () => {
  const seen: JsonValue[] = [];
  await using server = await startServer((request) => {
    seen.push(request.data);
    return { data: request.data };
  });
  await using client = await startPythonClient({
    ...clientKeys,
    port: server.address.port,
  });
  for (const text of UNICODE) {
    assertEquals(
      await client.request({
        PATH: `/${text}`,
        OPERATION: text,
        DATA: [text],
        METADATA: { [text]: text },
      }),
      {
        PATH: `/${text}`,
        OPERATION: text,
        DATA: [text],
        METADATA: { [text]: text },
      },
    );
  }
  assertEquals(seen, UNICODE.map((text) => [text]));
});

testWithPython("server: 1 MiB there and 1 MiB back", async () => {
  await using server = await startPythonServer(serverKeys);
  await using client = makeClient({ hostname, port: server.port });
  const data = "0123456789abcdef".repeat(MEBIBYTE / 16);
  const echo = await client.request({ path: "/ECHO", data });
  assert(echo.data === data, "the echo is not what was sent");
  const big = await client.request({ path: "/BIG", data: MEBIBYTE });
  assert(big.data === "x".repeat(MEBIBYTE), "the answer is not 1 MiB of x");
});

testWithPython("client: 1 MiB there and 1 MiB back", async () => {
  const sizes: number[] = [];
  await using server = await startServer(({ data }) => {
    sizes.push(String(data).length);
    return { data };
  });
  await using client = await startPythonClient({
    ...clientKeys,
    port: server.address.port,
  });
  const data = "0123456789abcdef".repeat(MEBIBYTE / 16);
  const echo = await client.request({ PATH: "/", DATA: data });
  assert((echo as { DATA: string }).DATA === data, "not what was sent");
  assertEquals(sizes, [MEBIBYTE]);
});

testWithPython("server: further keys survive, in both directions", async () => {
  await using server = await startPythonServer(serverKeys);
  await using client = makeClient({ hostname, port: server.port });
  const extra = { TRACE: [1, { two: null }], lower: "ä", "": 0 };
  const answer = await client.request({ path: "/ECHO", data: 1, extra });
  assertEquals(answer.body, {
    PATH: "/ECHO",
    OPERATION: "NONE",
    DATA: 1,
    METADATA: {},
    ...extra,
  });
});

testWithPython("client: further keys survive, in both directions", async () => {
  await using server = await startServer(({ data, extra }) => ({
    data,
    extra,
  }));
  await using client = await startPythonClient({
    ...clientKeys,
    port: server.address.port,
  });
  const sent = { DATA: 1, TRACE: [1, { two: null }], lower: "ä", "": 0 };
  assertEquals(await client.request(sent), {
    PATH: "/",
    OPERATION: "NONE",
    METADATA: {},
    ...sent,
  });
});

testWithPython("server: a handler's list, number and null", async () => {
  await using server = await startPythonServer(serverKeys);
  await using client = makeClient({ hostname, port: server.port });
  const answers: [string, JsonValue][] = [
    ["/LIST", [1, "two", null]],
    ["/NUMBER", 42.5],
    ["/NULL", null],
  ];
  for (const [path, body] of answers) {
    const answer = await client.request({ path, operation: "READ" });
    assertEquals(answer.body, body);
    assertEquals(answer.data, body);
    assertEquals(answer.path, path);
    assertEquals(answer.operation, "READ");
  }
});

testWithPython("client: a handler's list, number and null", async () => {
  await using server = await startServer(({ data }) => ({ body: data }));
  await using client = await startPythonClient({
    ...clientKeys,
    port: server.address.port,
  });
  for (const body of [[1, "two", null], 42.5, null, "text", true]) {
    assertEquals(await client.request({ DATA: body }), body);
  }
});

testWithPython("server: a STATUS is a failure in our form alone", async () => {
  await using server = await startPythonServer(serverKeys);
  await using client = makeClient({ hostname, port: server.port });
  for (const data of ["fine", 200, { code: 7 }, { code: "OK" }, ["no"]]) {
    const answer = await client.request({ path: "/STATUS", data });
    assertEquals(answer.status, data);
  }
  const status = { code: "BUSY", message: "Come back" };
  const error = await errorOf(
    client.request({ path: "/STATUS", data: status }),
  );
  assertInstanceOf(error, CypherStatus);
  assertEquals(error.status, "BUSY");
  assertEquals(error.message, "Come back");
  assertEquals(error.data, status);
});

testWithPython("server: a handler that raises is NO_ANSWER", async () => {
  await using server = await startPythonServer(serverKeys);
  const reasons: string[] = [];
  await using client = makeClient({ hostname, port: server.port }, {
    maxUnanswered: 3,
    onOffline: (reason) => reasons.push(reason),
  });
  const error = await errorOf(client.request({ path: "/RAISE" }));
  assertEquals(error.code, "NO_ANSWER");
  await until("three losses", () => reasons.length === 3);
  assertEquals(reasons, ["peer-closed", "peer-closed", "peer-closed"]);
  // Neither the client nor the server is any worse for it.
  assertEquals((await client.request({ path: "/COUNT" })).data, 1);
});

testWithPython("server: a wrong key is NO_ANSWER", async () => {
  await using server = await startPythonServer(serverKeys);
  await using client = makeClient({ hostname, port: server.port }, {
    encryptionKey: "x".repeat(32),
    maxUnanswered: 2,
  });
  assertEquals(await codeOf(client.request({ path: "/ECHO" })), "NO_ANSWER");
});

testWithPython("client: re-sent after a cut, executed once", async () => {
  const effects = new Effects<JsonValue>();
  const gate = new Gate();
  await using server = await startServer(async ({ data }) => {
    effects.add(data);
    if (data === "running") await gate.passed;
    return { data: { done: data } };
  });
  using log = new SignalLog(server.monitor);
  const cuts: [string, ConnectionFaults][] = [
    ["before the answer", { down: { cutAt: 0 } }],
    ["within the answer", { down: { cutAt: 100 } }],
    ["within the request", { up: { cutAt: 100 } }],
    ["after the request", { up: { cutAt: 120 } }],
  ];
  for (const [name, faults] of cuts) {
    const sent: Uint8Array[][] = [];
    await using proxy = FaultProxy.start(server.address, (index) => {
      const chunks: Uint8Array[] = [];
      sent.push(chunks);
      const up = { record: (chunk: Uint8Array) => chunks.push(chunk.slice()) };
      if (index > 0) return { up };
      return { ...faults, up: { ...faults.up, ...up } };
    });
    await using client = await startPythonClient({
      ...clientKeys,
      port: proxy.address.port,
      pause: 5,
    });
    const answer = await client.request({ PATH: "/", DATA: name });
    assertEquals((answer as { DATA: unknown }).DATA, { done: name });
    assertEquals(effects.of(name), 1, name);
    assertEquals(proxy.connections, 2, name);
    const [first, second] = sent.map(concat);
    assert(first && second && first.length > 0, name);
    assertEquals(second.subarray(0, first.length), first, "the same bytes");
  }

  // The cut comes while the handler runs, which goes on.
  await using proxy = FaultProxy.start(server.address);
  await using client = await startPythonClient({
    ...clientKeys,
    port: proxy.address.port,
    pause: 5,
  });
  const offline = log.of("offline").length;
  const answer = client.request({ PATH: "/", DATA: "running" });
  await until("the handler's start", () => effects.of("running") === 1);
  proxy.cutAll();
  await log.wait("offline", offline + 1);
  await until("another connection", () => proxy.connections === 2);
  gate.open();
  assertEquals((await answer as { DATA: unknown }).DATA, { done: "running" });
  assertEquals(effects.of("running"), 1);
});
