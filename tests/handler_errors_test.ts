/** What is printed of handlers' errors where no onHandlerError is given. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { CypherStatus } from "../mod.ts";
import { PacketClient, PacketServer } from "../packet.ts";
import { SegmentClient, SegmentServer } from "../segment.ts";
import { printHandlerErrors } from "../server/log/handler_errors.ts";
import {
  clientKeys,
  codeOf,
  errorOf,
  makeClient,
  serverKeys,
  startServer,
  until,
} from "./support/cypher.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { Printed } from "./support/printed.ts";
import { Program } from "./support/program.ts";
import { startThreads } from "./support/threads.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z error handler {2}/;

/** The one thing that was printed: its first line without the time, and more. */
function only(printed: Printed): [first: string, ...more: string[]] {
  assertEquals(printed.calls.length, 1);
  const [first, ...more] = printed.calls[0]!.split("\n");
  assertMatch(first!, TIME);
  for (const line of more) assertMatch(line, /^ {4}/);
  return [first!.replace(TIME, ""), ...more.map((line) => line.trim())];
}

function fail(): never {
  throw new Error("it broke", { cause: new TypeError("deep down") });
}

Deno.test("what a handler throws is printed, under its peer's reference", async () => {
  using printed = new Printed();
  await using server = await startServer(fail);
  await using client = makeClient(server.address);
  const { message } = await errorOf(
    client.request({ path: "/NUMBER", operation: "READ", data: "a payload" }),
  );
  const [first, ...more] = only(printed);
  const reference = message.split(" ").at(-1)!;
  assertEquals(first, `${reference} "READ /NUMBER"`);
  assertEquals(more[0], "Error: it broke");
  assertStringIncludes(more[1]!, "handler_errors_test.ts");
  assert(more.includes("Caused by: TypeError: deep down"), more.join("\n"));
  assert(!printed.calls[0]!.includes("a payload"));
});

Deno.test("what a peer chose forges no line and drives no terminal", async () => {
  using printed = new Printed();
  const hostile = '\n2026 error handler  x "\r\u001b[2J\u202e\u2028';
  await using server = await startServer(({ path }) => {
    throw new Error(path);
  });
  await using client = makeClient(server.address);
  await errorOf(client.request({ path: hostile, operation: hostile }));
  only(printed);
  for (const line of printed.calls[0]!.split("\n")) {
    assertMatch(line, /^[\x20-\x7e]*$/);
  }
});

Deno.test("an onHandlerError is told instead, and nothing is printed", async () => {
  using printed = new Printed();
  const told: unknown[] = [];
  await using server = await startServer(fail, {
    onHandlerError: (error) => told.push(error),
  });
  await using client = makeClient(server.address);
  await errorOf(client.request({}));
  assertEquals([told.length, printed.calls], [1, []]);
});

Deno.test("a status that a handler throws is no error, and not printed", async () => {
  using printed = new Printed();
  await using server = await startServer(() => {
    throw new CypherStatus("GONE");
  });
  await using client = makeClient(server.address);
  await errorOf(client.request({}));
  assertEquals(printed.calls, []);
});

Deno.test("what a handler throws on a thread is printed with its causes", async () => {
  using printed = new Printed();
  await using server = await startThreads();
  await using client = makeClient(server.address);
  const data = { fail: "on a thread" };
  const { message } = await errorOf(client.request({ path: "/FAILS", data }));
  await until("it is printed", () => printed.calls.length === 1);
  const [first, ...more] = only(printed);
  assertEquals(first, `${message.split(" ").at(-1)} "NONE /FAILS"`);
  assertEquals(more[0], "Error: on a thread");
  assertStringIncludes(more[1]!, "thread_handler.ts");
  assert(more.includes("Caused by: the cause of it"), more.join("\n"));
});

Deno.test("a packet server prints what its handler throws, and of whom", async () => {
  using printed = new Printed();
  await using server = new PacketServer({ port: 0, handler: fail });
  await server.start();
  await using client = new PacketClient({ port: server.address.port });
  await client.connect();
  await client.send("a payload");
  await until("it is printed", () => printed.calls.length === 1);
  const [peer] = server.monitor.connections();
  const [first, ...more] = only(printed);
  assertEquals(first, `${peer!.address} ${peer!.id}`);
  assertEquals(more[0], "Error: it broke");
});

Deno.test("a segment server prints what its handler throws, and of whom", async () => {
  using printed = new Printed();
  await using server = new SegmentServer({ port: 0, handler: fail });
  await server.start();
  await using client = new SegmentClient({ port: server.address.port });
  await errorOf(client.send("a payload"));
  const [first, ...more] = only(printed);
  assertMatch(first, /^127\.0\.0\.1:\d+ \S+$/);
  assertEquals(more[0], "Error: it broke");
});

Deno.test("a flood is counted, not printed", async () => {
  using printed = new Printed();
  const clock = new FakeClock();
  const print = printHandlerErrors(clock);
  for (let i = 0; i < 150; i++) print(new Error(`${i}`), {});
  assertEquals(printed.calls.length, 100);
  await clock.advance(1_000);
  assertEquals(printed.calls.length, 101);
  assertStringIncludes(printed.calls[100]!, "50 lines, over 100 a second");
});

Deno.test("whatever is thrown, something is printed", () => {
  const loop = new Error("a loop");
  loop.cause = loop;
  const broken = new Error("broken");
  Object.defineProperty(broken, "stack", {
    get() {
      throw new Error("no stack");
    },
  });
  const cases: [unknown, string][] = [
    [undefined, "undefined"],
    ["a text", "a text"],
    [Symbol("one"), "Symbol(one)"],
    [Object.create(null), "What was thrown cannot be made a text"],
    [broken, "What was thrown cannot be made a text"],
    [loop, "Error: a loop"],
  ];
  for (const [thrown, text] of cases) {
    using printed = new Printed();
    printHandlerErrors(new FakeClock())(thrown, { reference: "4f2a" });
    const [first, second] = only(printed);
    assertEquals([first, second], ["4f2a", text]);
  }
});

Deno.test("deno task serve tells a handler's error once, in its log", async () => {
  const main = new URL("../server/main.ts", import.meta.url).href;
  const args = ["--port=0", "--no-dashboard", "--log=json", "--grace=0"];
  const code = `
    import { serve } from ${JSON.stringify(main)};
    await serve(${JSON.stringify(args)}, () => { throw new Error("it broke") });
  `;
  await using serving = new Program(["eval", code], {
    env: {
      CYPHER_ENCRYPTION_KEY: serverKeys.encryptionKey,
      CYPHER_DECRYPTION_KEY: serverKeys.decryptionKey,
    },
  });
  await serving.prints('"event":"hint"');
  const [, port] = /--port (\d+)/.exec(serving.output)!;
  await using client = makeClient(
    { hostname: "127.0.0.1", port: Number(port) },
    clientKeys,
  );
  await errorOf(client.request({}));
  await serving.prints('"event":"handler"');
  serving.kill("SIGINT");
  assertEquals(await serving.ended, 0);
  assertEquals(serving.output.match(/Error: it broke/g)?.length, 1);
  assertEquals(serving.errors, "");
});

Deno.test("a broken logger costs a segment server nothing else", async () => {
  let told = 0;
  await using server = new SegmentServer({
    port: 0,
    handler: fail,
    onHandlerError: () => {
      told++;
      throw new Error("the log is full");
    },
  });
  const codes: string[] = [];
  server.monitor.listen((signal) => {
    if (signal.kind === "failure") codes.push(signal.code);
  });
  await server.start();
  await using client = new SegmentClient({ port: server.address.port });
  await errorOf(client.send("a payload"));
  assertEquals([told, codes], [1, ["HANDLER_FAILED"]]);
});

Deno.test("a handler that stops when it is told to is no fault, and not printed", async () => {
  using printed = new Printed();
  const ends: Record<string, (signal: AbortSignal) => Promise<never>> = {
    // As what is given the signal does: Deno's own, and Node's.
    "/REASON": (signal) => rejection(signal, () => signal.reason),
    "/CAUSE": (signal) =>
      rejection(signal, () => new Error("over", { cause: signal.reason })),
    "/FAULT": (signal) => rejection(signal, () => new Error("it broke")),
  };
  let running = 0;
  await using server = await startServer(({ path }, { signal }) => {
    running++;
    return ends[path]!(signal).finally(() => running--);
  }, { wires: ["session"] });
  await using client = makeClient(server.address, { wire: "session" });
  for (const path of Object.keys(ends)) {
    const controller = new AbortController();
    const { signal } = controller;
    const code = codeOf(client.request({ path }, { signal }));
    await until("it runs", () => running === 1);
    controller.abort();
    assertEquals(await code, "ABORTED");
    await until("it has stopped", () => running === 0);
  }
  await until("the fault is printed", () => printed.calls.length > 0);
  const [first] = only(printed);
  assertStringIncludes(first, "/FAULT");
});

/** Rejects once a signal aborts. */
function rejection(signal: AbortSignal, why: () => unknown): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(why()), { once: true });
  });
}
