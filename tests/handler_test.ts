import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  CypherStatus,
  type Handler,
  type HandlerErrorInfo,
  type JsonValue,
  type Reply,
} from "../mod.ts";
import { Call } from "../server/handler.ts";
import { Runner } from "../server/runner.ts";
import {
  Effects,
  errorOf,
  Gate,
  HeldTimers,
  makeClient,
  SignalLog,
  startServer,
  until,
  Wire,
} from "./support/cypher.ts";
import { FakeClock } from "./support/fake_clock.ts";

/** What a failed answer looks like on the wire. */
interface Failed {
  PATH: string;
  OPERATION: string;
  DATA: JsonValue;
  METADATA: JsonValue;
  STATUS: { code: string; message: string };
}

const SECRET = "secret-text-of-the-error";

function cycle(): Reply {
  const data: Record<string, unknown> = {};
  data.self = data;
  return { data };
}

/** What handlers do that is not to be answered as they meant it. */
const FAULTS: Record<string, () => unknown> = {
  "throws at once": () => {
    throw new Error(SECRET);
  },
  "rejects": () => Promise.reject(new Error(SECRET)),
  "rejects later": async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    throw new TypeError(SECRET);
  },
  "throws what is no error": () => {
    throw SECRET;
  },
  "rejects with undefined": () => Promise.reject(undefined),
  "returns a BigInt": () => ({ data: 1n }),
  "returns a BigInt, deeply": () => ({ data: [{ a: [2n] }] }),
  "returns a BigInt later": () => Promise.resolve({ data: 1n }),
  "returns a cycle": cycle,
  "returns undefined": () => undefined,
  "returns undefined later": () => Promise.resolve(undefined),
  "returns null": () => null,
  "returns a string": () => SECRET,
  "returns a number": () => 42,
  "returns an array": () => [SECRET],
  "returns a function as data": () => ({ data: () => SECRET }),
  "returns a symbol as data": () => ({ data: Symbol(SECRET) }),
  "returns a body that is no JSON": () => ({ body: () => {} }),
  "returns a BigInt as body": () => ({ body: 1n }),
  "returns a Map as data": () => ({ data: new Map([[SECRET, 1]]) }),
  "returns bytes as data, later": () =>
    Promise.resolve({ data: new TextEncoder().encode(SECRET) }),
  "returns an Error": () => new Error(SECRET),
  "returns a path that is no string": () => ({ path: 1 }),
  "returns an operation that is no string": () => ({ operation: null }),
  "returns metadata that is no object": () => ({ metadata: [SECRET] }),
  "returns a toJSON that throws": () => ({
    data: {
      toJSON() {
        throw new Error(SECRET);
      },
    },
  }),
  "throws a status with data that JSON cannot carry": () => {
    throw new CypherStatus("FINE", SECRET, 1n);
  },
};

for (const [fault, handler] of Object.entries(FAULTS)) {
  Deno.test(`a handler that ${fault}: HANDLER_FAILED, and nothing else`, async () => {
    const told: HandlerErrorInfo[] = [];
    await using server = await startServer(
      ({ path, data }) => path === "/GOOD" ? { data } : handler() as Reply,
      { onHandlerError: (_, info) => told.push(info) },
    );
    using log = new SignalLog(server.monitor);
    using other = await Wire.dial(server.address);
    assertEquals(
      (await other.ask({ PATH: "/GOOD", DATA: 1 }) as { DATA: number }).DATA,
      1,
    );
    using wire = await Wire.dial(server.address);
    const answer = await wire.ask({
      PATH: "/BAD",
      OPERATION: "TRY",
      DATA: "sent",
      METADATA: { key: "value" },
      MORE: 1,
    }) as unknown as Failed;
    const { STATUS, ...rest } = answer;
    assertEquals(
      rest,
      {
        PATH: "/BAD",
        OPERATION: "TRY",
        DATA: null,
        METADATA: {},
      } as typeof rest,
    );
    assertEquals(Object.keys(STATUS).sort(), ["code", "message"]);
    assertEquals(STATUS.code, "HANDLER_FAILED");
    assert(!STATUS.message.includes(SECRET), "the error's text got out");
    assert(!/\bat .*:\d+|\.ts\b|Error\b/.test(STATUS.message), STATUS.message);
    assertEquals(told.length, 1);
    assert(STATUS.message.includes(told[0]!.reference), STATUS.message);

    // The connection lives, and so does the other one.
    for (const alive of [wire, other]) {
      assertEquals(await alive.ask({ PATH: "/GOOD", DATA: 2 }), {
        PATH: "/GOOD",
        OPERATION: "NONE",
        DATA: 2,
        METADATA: {},
      });
    }
    assertEquals(log.of("offline"), []);
    assertEquals(log.of("online").length, 2);
    const [failure] = await log.wait("failure");
    assertEquals(failure?.code, "HANDLER_FAILED");
    assert(!JSON.stringify(log.all).includes(SECRET), "a signal has the text");
  });
}

Deno.test("what a handler leaves out of its answer comes from the request", async () => {
  await using server = await startServer(({ data }) => data as Reply);
  using wire = await Wire.dial(server.address);
  const sent = { PATH: "/P", OPERATION: "O", METADATA: { m: 1 } };
  const ask = (data: JsonValue) => wire.ask({ ...sent, DATA: data });
  assertEquals(await ask({}), { ...sent, DATA: null });
  assertEquals(await ask({ data: 1 }), { ...sent, DATA: 1 });
  assertEquals(await ask({ path: "/Q" }), { ...sent, PATH: "/Q", DATA: null });
  assertEquals(await ask({ operation: "R" }), {
    ...sent,
    OPERATION: "R",
    DATA: null,
  });
  assertEquals(await ask({ metadata: {} }), {
    ...sent,
    METADATA: {},
    DATA: null,
  });
  assertEquals(await ask({ status: { code: "OK" } }), {
    ...sent,
    DATA: null,
    STATUS: { code: "OK" },
  });
});

Deno.test("a handler that never returns: DEADLINE, and the connection lives", async () => {
  const gate = new Gate();
  const signals: AbortSignal[] = [];
  const calls = new Effects<string>();
  const timers = new HeldTimers(54_321);
  await using server = await startServer(async ({ path }, { signal }) => {
    calls.add(path);
    if (path === "/QUICK") return { data: "quick" };
    assertEquals(signal.aborted, false);
    signals.push(signal);
    await gate.passed;
    return { data: "too late" };
  }, { deadline: timers.delay, clock: timers.clock });
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address);
  using other = await Wire.dial(server.address);
  const token = await wire.seal({ PATH: "/STUCK", OPERATION: "TRY" });
  await wire.send(token);
  await until("the call", () => signals.length === 1);
  // Meanwhile the other connection is served.
  const quick = await other.ask({ PATH: "/QUICK" }) as unknown as Failed;
  assertEquals(quick.DATA, "quick");

  assertEquals(timers.waiting, 1);
  timers.fire();
  const answer = await wire.receive() as unknown as Failed;
  assertEquals(answer.STATUS.code, "DEADLINE");
  assertEquals([answer.PATH, answer.OPERATION], ["/STUCK", "TRY"]);
  assertEquals([answer.DATA, answer.METADATA], [null, {}]);
  assertEquals(signals[0]?.aborted, true);
  assertEquals((signals[0]?.reason as { code: string }).code, "DEADLINE");
  const next = await wire.ask({ PATH: "/QUICK" }) as unknown as Failed;
  assertEquals(next.DATA, "quick");

  // What comes too late is dropped: the deadline's answer was final.
  gate.open();
  await gate.passed;
  const again = await wire.ask({ PATH: "/QUICK" }) as unknown as Failed;
  assertEquals(again.DATA, "quick");
  await other.send(token);
  assertEquals(await other.receive() as unknown, answer);
  assertEquals(calls.of("/STUCK"), 1);
  assertEquals(log.of("offline"), []);
});

Deno.test("the deadline is each request's own", async () => {
  await using server = await startServer(({ data }) => ({ data }), {
    deadline: 60_000,
  });
  using wire = await Wire.dial(server.address);
  for (let i = 0; i < 5; i++) {
    assertEquals((await wire.ask({ DATA: i }) as unknown as Failed).DATA, i);
  }
});

Deno.test("a handler's signal outlives the connection; the answer is kept", async () => {
  const gate = new Gate();
  let signal: AbortSignal | undefined;
  await using server = await startServer(async (_, context) => {
    signal = context.signal;
    await gate.passed;
    return { data: "done" };
  });
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address);
  const token = await wire.seal({ DATA: 1 });
  await wire.send(token);
  await until("the call", () => signal !== undefined);
  wire.close();
  await log.wait("offline");
  assertEquals(signal?.aborted, false);
  gate.open();
  using again = await Wire.dial(server.address);
  await again.send(token);
  assertEquals((await again.receive() as unknown as Failed).DATA, "done");
  assertEquals(signal?.aborted, false);
});

/** A handler that works until its signal aborts. */
function patient(): { handler: Handler; signals: AbortSignal[] } {
  const signals: AbortSignal[] = [];
  const handler: Handler = (_, { signal }) => {
    signals.push(signal);
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve({ data: "aborted" }));
    });
  };
  return { handler, signals };
}

Deno.test("a handler's signal aborts at the end of the grace", async () => {
  const { handler, signals } = patient();
  await using server = await startServer(handler);
  using wire = await Wire.dial(server.address);
  await wire.send(await wire.seal({}));
  await until("the call", () => signals.length === 1);
  assertEquals(signals[0]?.aborted, false);
  await server.stop({ grace: 20 });
  assertEquals(signals[0]?.aborted, true);
  assertEquals((signals[0]?.reason as { code: string }).code, "CLOSED");
});

Deno.test("and so it does when the request's connection is gone", async () => {
  const { handler, signals } = patient();
  await using server = await startServer(handler);
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address);
  await wire.send(await wire.seal({}));
  await until("the call", () => signals.length === 1);
  wire.close();
  await log.wait("offline");
  await server.stop({ grace: 20 });
  assertEquals(signals[0]?.aborted, true);
});

Deno.test("a status of the handler's own reaches the client whole", async () => {
  const data = { sensor: 7, text: "é😀", list: [1, null] };
  await using server = await startServer(({ path }) => {
    const status = new CypherStatus("NOT_FOUND", "No such sensor: ä", data);
    if (path === "/SYNC") throw status;
    if (path === "/ASYNC") return Promise.reject(status);
    if (path === "/BARE") throw new CypherStatus("BUSY");
    return {
      data,
      status: { code: "NOT_FOUND", message: "No such sensor: ä" },
    };
  });
  await using client = makeClient(server.address);
  for (const path of ["/SYNC", "/ASYNC", "/RETURNED"]) {
    const error = await errorOf(client.request({ path }));
    assertInstanceOf(error, CypherStatus);
    assertEquals(error.code, "STATUS");
    assertEquals(error.status, "NOT_FOUND");
    assertEquals(error.message, "No such sensor: ä");
    assertEquals(error.data, data);
  }
  const bare = await errorOf(client.request({ path: "/BARE" }));
  assertInstanceOf(bare, CypherStatus);
  assertEquals([bare.status, bare.data], ["BUSY", null]);

  using wire = await Wire.dial(server.address);
  assertEquals(await wire.ask({ PATH: "/SYNC", METADATA: { a: 1 } }), {
    PATH: "/SYNC",
    OPERATION: "NONE",
    DATA: data,
    METADATA: {},
    STATUS: { code: "NOT_FOUND", message: "No such sensor: ä" },
  });
});

Deno.test("a status that is no failure is an answer's own business", async () => {
  await using server = await startServer(({ data }) => ({
    body: { DATA: 1, STATUS: data },
  }));
  await using client = makeClient(server.address);
  for (const status of ["no", 404, null, ["x"], { code: 7 }, { code: "OK" }]) {
    const answer = await client.request({ data: status });
    assertEquals(answer.status, status);
    assertEquals(answer.data, 1);
  }
});

Deno.test("the server's own failures reach the client as statuses", async () => {
  const gate = new Gate();
  await using server = await startServer(async ({ path }) => {
    if (path === "/THROW") throw new Error(SECRET);
    await gate.passed;
    return {};
  }, { deadline: 20, onHandlerError() {} });
  await using client = makeClient(server.address);
  for (
    const [path, status] of [
      ["/THROW", "HANDLER_FAILED"],
      ["/STUCK", "DEADLINE"],
    ]
  ) {
    const error = await errorOf(client.request({ path }));
    assertInstanceOf(error, CypherStatus);
    assertEquals(error.status, status!);
    assertEquals(error.data, null);
    assert(!error.message.includes(SECRET));
  }
  gate.open();
});

Deno.test("a request's identity is its token's, on any server", async () => {
  const identities: string[] = [];
  const handler: Handler = (_, { identity }) => {
    identities.push(identity);
    return {};
  };
  // The second has not seen the first one's requests: it executes them anew.
  await using before = await startServer(handler);
  await using after = await startServer(handler);
  using first = await Wire.dial(before.address);
  using second = await Wire.dial(after.address);
  const token = await first.seal({ DATA: 1 });
  for (const wire of [first, second]) {
    await wire.send(token);
    await wire.receive();
  }
  await second.ask({ DATA: 1 });
  assertEquals(identities.length, 3);
  assertMatch(identities[0]!, /^[0-9a-f]{64}$/);
  assertEquals(identities[1], identities[0]);
  assert(identities[2] !== identities[0], "another token, another identity");
  const body = Uint8Array.fromBase64(
    new TextDecoder().decode(token.subarray(0, -1)),
    { alphabet: "base64url" },
  );
  assertEquals(identities[0], body.slice(-32).toHex(), "the HMAC");
});

Deno.test("a handler is told who asks, and on which connection", async () => {
  const seen: { address: string; connection: string }[] = [];
  await using server = await startServer((_, { address, connection }) => {
    seen.push({ address, connection });
    return {};
  });
  using wire = await Wire.dial(server.address);
  await wire.ask({});
  const [info] = server.monitor.connections();
  const { hostname, port } = wire.socket.localAddr;
  assertEquals(seen, [{
    address: `${hostname}:${port}`,
    connection: info!.id,
  }]);
});

Deno.test("an opened token that is no request: BAD_REQUEST, and the connection lives", async () => {
  const requests: JsonValue[] = [];
  await using server = await startServer(({ data }) => {
    requests.push(data);
    return { data };
  }, { limits: { depth: 5 } });
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address);
  const bad: (string | Uint8Array<ArrayBuffer>)[] = [
    "",
    " ",
    "{",
    "{}{}",
    "{'DATA': 1}",
    "{PATH: 1}",
    "[]",
    '[{"PATH": "/"}]',
    "1",
    '"/"',
    "null",
    "true",
    "NaN",
    '{"PATH": 1}',
    '{"PATH": null}',
    '{"PATH": ["/"]}',
    '{"OPERATION": 1}',
    '{"OPERATION": {}}',
    '{"OPERATION": null}',
    '{"METADATA": 1}',
    '{"METADATA": []}',
    '{"METADATA": null}',
    '{"METADATA": "x"}',
    '{"DATA": NaN}',
    '{"DATA": Infinity}',
    '{"DATA": -Infinity}',
    '{"DATA": [NaN]}',
    '{"DATA": 9007199254740993}',
    '{"DATA": -9007199254740993}',
    '{"DATA": {"deep": [12345678901234567890]}}',
    '{"MORE": 9007199254740993}',
    '{"METADATA": {"a": 18446744073709551615}}',
    '{"DATA": [[[[[]]]]]}',
    '{"MORE": {"a": {"a": {"a": {"a": {}}}}}}',
    `{"DATA": ${"[".repeat(50_000)}${"]".repeat(50_000)}}`,
    '{"DATA": "\u0000"}',
    '{"DATA": "a\\x"}',
    Uint8Array.of(0x7b, 0xff, 0x7d),
    Uint8Array.of(0x22, 0xc3, 0x22),
  ];
  for (const text of bad) {
    await wire.send(await wire.seal(text));
    const answer = await wire.receive() as unknown as Failed;
    const name = String(text).slice(0, 60);
    assertEquals(answer.STATUS?.code, "BAD_REQUEST", name);
    assertEquals([answer.DATA, answer.METADATA], [null, {}], name);
  }
  assertEquals(requests, []);
  const good: [string, JsonValue][] = [
    ["{}", {}],
    ['{"DATA": 9007199254740992}', 2 ** 53],
    ['{"DATA": 1180591620717411303424}', 2 ** 70],
    ['{"DATA": 0.1234567890123456789}', 0.1234567890123456789],
    ['{"DATA": "12345678901234567890"}', "12345678901234567890"],
    ['{"DATA": 1, "DATA": 2}', 2],
    ['{"DATA": [[[[1]]]]}', [[[[1]]]]],
    [' {"DATA" :\n3}\t', 3],
    ['{"DATA": "ä😀"}', "ä😀"],
  ];
  for (const [text, data] of good) {
    await wire.send(await wire.seal(text));
    const answer = await wire.receive() as unknown as Failed;
    assertEquals(answer.STATUS, undefined as unknown as Failed["STATUS"], text);
    assertEquals(answer.DATA, data);
  }
  assertEquals(requests, good.map(([, data]) => data));
  assertEquals(log.of("offline"), []);
  assertEquals(log.of("online").length, 1);
  const failures = await log.wait("failure", bad.length);
  assertEquals(new Set(failures.map(({ code }) => code)).size, 1);
  assertEquals(failures[0]?.code, "BAD_REQUEST");
});

Deno.test("a bad request is remembered as any other", async () => {
  await using server = await startServer(() => ({}));
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address);
  const token = await wire.seal("[]");
  await wire.send(token);
  const answer = await wire.receive();
  await wire.send(token);
  assertEquals(await wire.receive(), answer);
  await log.wait("request", 2);
  assertEquals(log.of("request").map((one) => one.repeated), [false, true]);
});

Deno.test("onHandlerError gets the error, and the reference that the peer has", async () => {
  const errors: unknown[] = [];
  const infos: HandlerErrorInfo[] = [];
  const thrown = new Error(SECRET);
  await using server = await startServer(({ path }) => {
    if (path === "/STATUS") throw new CypherStatus("MINE");
    if (path === "/BIGINT") return { data: 1n };
    throw thrown;
  }, {
    onHandlerError: (error, info) => {
      errors.push(error);
      infos.push(info);
    },
  });
  await using client = makeClient(server.address);
  const messages: string[] = [];
  for (const path of ["/ONE", "/BIGINT", "/STATUS", "/TWO"]) {
    messages.push(
      (await errorOf(client.request({ path, operation: "TRY" }))).message,
    );
  }
  // A status is no error: the handler meant it.
  assertEquals(infos.map(({ path }) => path), ["/ONE", "/BIGINT", "/TWO"]);
  assertEquals(new Set(infos.map(({ operation }) => operation)).size, 1);
  assertEquals(infos[0]?.operation, "TRY");
  assert(errors[0] === thrown && errors[2] === thrown, "the error itself");
  assertInstanceOf(errors[1], Error);
  assertEquals(new Set(infos.map(({ reference }) => reference)).size, 3);
  assert(messages[0]?.includes(infos[0]!.reference));
  assert(messages[1]?.includes(infos[1]!.reference));
  assert(messages[3]?.includes(infos[2]!.reference));
});

Deno.test("data that JSON lacks: each end is told, and what to do", async () => {
  const errors: unknown[] = [];
  let calls = 0;
  await using server = await startServer(() => {
    calls++;
    return { data: Promise.resolve(1) };
  }, { onHandlerError: (error) => errors.push(error) });
  await using client = makeClient(server.address);
  const bad = await errorOf(client.request({ data: Uint8Array.of(1) }));
  assertEquals(
    [bad.code, bad.message, calls],
    [
      "UNSENDABLE",
      "Cannot send the value: JSON has no Uint8Array; give its toBase64()",
      0,
    ],
  );
  const failed = await errorOf(client.request({}));
  assert(failed instanceof CypherStatus);
  assertEquals([failed.status, calls], ["HANDLER_FAILED", 1]);
  assertEquals(errors.map(String), [
    "CypherError: Cannot send the value: JSON has no Promise; " +
    "did you forget to await it?",
  ]);
});

Deno.test("a key that nothing has: each end is told, and nothing is sent", async () => {
  const errors: unknown[] = [];
  let calls = 0;
  await using server = await startServer((request) => {
    calls++;
    return request.path === "/ECHO" ? request : { dta: 1 } as Reply;
  }, { onHandlerError: (error) => errors.push(error) });
  await using client = makeClient(server.address);
  const request = { path: "/", dta: 4 };
  const bad = await errorOf(client.request(request));
  assertEquals([bad.code, calls], ["UNSENDABLE", 0]);
  assertStringIncludes(bad.message, 'no "dta" in a request, only path,');
  const failed = await errorOf(client.request({}));
  assert(failed instanceof CypherStatus);
  assertEquals([failed.status, calls], ["HANDLER_FAILED", 1]);
  assertMatch(failed.message, /has it as [0-9a-f]{8}$/);
  assertEquals(errors.map(String), [
    'CypherError: Cannot send the answer: there is no "dta" in a reply, only ' +
    "path, operation, data, metadata, status, extra, body",
  ]);
  const extra = { MORE: 1 };
  const echo = await client.request({ path: "/ECHO", data: [1], extra });
  assertEquals([echo.data, (echo.body as typeof extra).MORE], [[1], 1]);
});

Deno.test("a handler that returns nothing: the log says so", async () => {
  const errors: unknown[] = [];
  await using server = await startServer(
    ({ data }) => (data === 1 ? undefined : Promise.resolve("x")) as never,
    { onHandlerError: (error) => errors.push(error) },
  );
  await using client = makeClient(server.address);
  for (const data of [1, 2]) await errorOf(client.request({ data }));
  assertEquals(
    errors.map(String),
    ["undefined", "a string"].map((kind) =>
      `CypherError: The handler returned ${kind}; it must return an object, ` +
      "such as { data: 42 }"
    ),
  );
});

for (const how of ["throws", "rejects"]) {
  Deno.test(`an onHandlerError that ${how} costs nobody an answer`, async () => {
    await using server = await startServer(() => {
      throw new Error(SECRET);
    }, {
      onHandlerError: () => {
        const full = new Error("the log is full");
        if (how === "throws") throw full;
        // As an async function does: nobody waits for it.
        return Promise.reject(full);
      },
    });
    using wire = await Wire.dial(server.address);
    for (let i = 0; i < 2; i++) {
      const answer = await wire.ask({ DATA: i }) as unknown as Failed;
      assertEquals(answer.STATUS.code, "HANDLER_FAILED");
    }
  });
}

Deno.test("after a stop, no deadline keeps the process", async () => {
  const clock = new FakeClock();
  const runner = new Runner({
    handler: () => new Promise<never>(() => {}),
    clock,
    deadline: 3_600_000,
    limits: { requests: 10 },
    onHandlerError() {},
  });
  const call = new Call("127.0.0.1:1", "1", () => "");
  const request = { path: "/", operation: "NONE", data: 1, metadata: {} };
  runner.run({ ...request, extra: {} }, call);
  assertEquals(clock.pending, 1);
  runner.abort(new Error("stopped"));
  await runner.idle();
  assertEquals(clock.pending, 0);
});

Deno.test("a status that is not of its form: other answers are kept", async () => {
  const calls = new Effects<string>();
  await using server = await startServer(({ path, data }) => {
    calls.add(path);
    if (path === "/GOOD") return { data };
    return { status: data } as unknown as Reply;
  }, { onHandlerError() {} });
  using wire = await Wire.dial(server.address);
  for (const data of [{ code: "X", message: 42 }, { code: 404 }, "X", 7]) {
    await wire.ask({ DATA: data });
  }
  const token = await wire.seal({ PATH: "/GOOD", DATA: 1 });
  for (let i = 0; i < 2; i++) {
    await wire.send(token);
    assertEquals((await wire.receive() as unknown as Failed).DATA, 1);
  }
  assertEquals(calls.of("/GOOD"), 1);
});

Deno.test("a thenable that throws: HANDLER_FAILED", async () => {
  const thenable = {
    then() {
      throw new Error(SECRET);
    },
  };
  await using server = await startServer(
    ({ path, data }) =>
      path === "/GOOD" ? { data } : thenable as unknown as Reply,
    { onHandlerError() {} },
  );
  using wire = await Wire.dial(server.address);
  const answer = await wire.ask({}) as unknown as Failed;
  assertEquals(answer.STATUS.code, "HANDLER_FAILED");
  const good = await wire.ask({ PATH: "/GOOD", DATA: 1 }) as unknown as Failed;
  assertEquals(good.DATA, 1);
});

Deno.test("a STATUS key that a handler passes on is sent", async () => {
  await using server = await startServer(({ data, extra }) => ({
    data,
    extra,
  }));
  using wire = await Wire.dial(server.address);
  const sent = { DATA: 1, STATUS: 200, MORE: 2 };
  const answer = await wire.ask(sent);
  assertEquals(answer, { PATH: "/", OPERATION: "NONE", METADATA: {}, ...sent });
});
