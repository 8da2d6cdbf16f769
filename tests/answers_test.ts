import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  type CypherServerOptions,
  CypherStatus,
  type Handler,
  type JsonValue,
} from "../mod.ts";
import { Answers } from "../server/answers.ts";
import {
  concat,
  Effects,
  errorOf,
  makeClient,
  SignalLog,
  startServer,
  Wire,
} from "./support/cypher.ts";
import { FaultProxy } from "./support/fault_proxy.ts";

const MEBIBYTE = 1024 * 1024;

interface Answered {
  PATH: string;
  OPERATION: string;
  DATA: JsonValue;
  METADATA: JsonValue;
  STATUS?: { code: string; message: string };
}

/** What is in use: garbage does not count. */
function memory(): { heap: number; rss: number } {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  collect();
  const { heapUsed, rss } = Deno.memoryUsage();
  return { heap: heapUsed, rss };
}

/** Identities that are random, as far as anybody can see. */
function* identities(): Generator<Uint8Array> {
  const random = new Uint8Array(65_536);
  for (;;) {
    crypto.getRandomValues(random);
    for (let at = 0; at < random.length; at += 32) {
      yield random.slice(at, at + 32);
    }
  }
}

for (const confirming of [true, false]) {
  const kind = confirming ? "confirmed" : "unconfirmed";
  Deno.test(`1,000,000 ${kind} answers stay within maxBytes`, () => {
    const maxBytes = 8 * MEBIBYTE;
    const before = memory();
    const answers = new Answers({ maxBytes, tokens: 1_000_000 });
    const bytes = new Uint8Array(1_000).fill(0x78);
    const decoder = new TextDecoder();
    const identity = identities();
    let most = 0;
    let last = new Uint8Array(0) as Uint8Array;
    for (let i = 0; i < 1_000_000; i++) {
      last = identity.next().value!;
      const claim = answers.claim(last);
      assert(claim.kind === "new");
      // Sizes from 20 to 1,000 characters, each a string of its own.
      const text = decoder.decode(bytes.subarray(0, 20 + i % 981));
      answers.store(claim.serial, { text, status: "OK", message: "" });
      if (confirming) answers.confirm(claim.serial);
      most = Math.max(most, answers.bytes);
      if (answers.bytes > maxBytes) break;
    }
    assert(most <= maxBytes, `${most} bytes`);
    assert(most > maxBytes - 2_000, "and they are made use of");
    const after = memory();
    const heap = after.heap - before.heap;
    const rss = after.rss - before.rss;
    // Kept, the texts alone would be 510,000,000 bytes.
    assert(heap < 2 * maxBytes, `the heap has grown by ${heap} bytes`);
    assert(rss < 160 * MEBIBYTE, `the process has grown by ${rss} bytes`);
    assertEquals(answers.claim(last).kind, "answered");
  });
}

Deno.test("of stored answers the confirmed ones go first, then the oldest", () => {
  const answer = (name: string) => ({
    text: name.padEnd(1_000),
    status: "OK",
    message: "",
  });
  const probe = new Answers({ maxBytes: MEBIBYTE, tokens: 1_024 });
  probe.store(0, answer(""));
  const answers = new Answers({ maxBytes: 4 * probe.bytes, tokens: 1_024 });
  const source = identities();
  const ids: Uint8Array[] = [];
  const add = () => {
    const id = source.next().value!;
    const claim = answers.claim(id);
    answers.store(claim.serial, answer(String(ids.push(id))));
    return claim.serial;
  };
  const kinds = () =>
    ids.map((id) => answers.claim(id).kind === "lost" ? "-" : "+").join("");
  add();
  const second = add();
  add();
  const fourth = add();
  answers.confirm(fourth);
  answers.confirm(second);
  assertEquals(kinds(), "++++");
  // The one confirmed first goes first.
  add();
  assertEquals(kinds(), "+++-+");
  add();
  assertEquals(kinds(), "+-+-++");
  add();
  assertEquals(kinds(), "--+-+++");
  assert(answers.bytes <= 4 * probe.bytes);
});

/** A server that counts, and what asks it. */
async function setUp(
  handler: Handler,
  options: Partial<CypherServerOptions> = {},
) {
  const effects = new Effects<string>();
  const server = await startServer((request, context) => {
    effects.add(request.path);
    return handler(request, context);
  }, options);
  return {
    effects,
    server,
    /** Sends a token on a connection of its own. */
    async send(token: Uint8Array): Promise<Answered> {
      using wire = await Wire.dial(server.address);
      await wire.send(token);
      return await wire.receive() as unknown as Answered;
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

Deno.test("an evicted answer: ANSWER_LOST, no second execution, and it goes on", async () => {
  await using all = await setUp(
    ({ data }) => ({ data: "x".repeat(Number(data)) }),
    { answers: { maxBytes: 10_000 } },
  );
  using wire = await Wire.dial(all.server.address);
  const first = await wire.seal({
    PATH: "/FIRST",
    OPERATION: "TRY",
    DATA: 6_000,
    METADATA: { a: 1 },
  });
  const answer = await all.send(first);
  assertEquals(String(answer.DATA).length, 6_000);
  assertEquals(await all.send(first), answer);
  const second = await wire.seal({ PATH: "/SECOND", DATA: 6_000 });
  const kept = await all.send(second);

  await wire.send(first);
  const lost = await wire.receive() as unknown as Answered;
  assertEquals(lost.STATUS?.code, "ANSWER_LOST");
  assertEquals([lost.PATH, lost.OPERATION, lost.DATA, lost.METADATA], [
    "/FIRST",
    "TRY",
    null,
    {},
  ]);
  // The connection lives.
  await wire.send(second);
  assertEquals(await wire.receive() as unknown, kept);
  assertEquals(all.effects.of("/FIRST"), 1);
  assertEquals(all.effects.of("/SECOND"), 1);
});

Deno.test("an answer that cannot be kept reaches its client as ANSWER_LOST", async () => {
  await using all = await setUp(({ data }) => ({ data }), {
    answers: { maxBytes: 0 },
  });
  await using proxy = FaultProxy.start(
    all.server.address,
    (index) => index === 0 ? { down: { cutAt: 10 } } : {},
  );
  await using client = makeClient(proxy.address);
  const error = await errorOf(client.request({ path: "/ONCE" }));
  assertInstanceOf(error, CypherStatus);
  assertEquals(error.status, "ANSWER_LOST");
  assertEquals(all.effects.of("/ONCE"), 1);
  assertEquals((await client.request({ path: "/B", data: 1 })).data, 1);
});

Deno.test("over a socket, too, a new token confirms the answer before", async () => {
  await using all = await setUp(
    ({ data }) => ({ data: "x".repeat(Number(data)) }),
    { answers: { maxBytes: 10_000 } },
  );
  const { address } = all.server;
  using one = await Wire.dial(address);
  using two = await Wire.dial(address);
  using three = await Wire.dial(address);
  const older = await one.seal({ PATH: "/OLDER", DATA: 3_000 });
  const newer = await two.seal({ PATH: "/NEWER", DATA: 3_000 });
  await one.send(older);
  const kept = await one.receive();
  await two.send(newer);
  await two.receive();
  await two.ask({ PATH: "/CONFIRMS", DATA: 1 });
  // There is no room for this one: the newer of the two is known to be there.
  await three.ask({ PATH: "/THIRD", DATA: 3_000 });
  assertEquals(await all.send(older) as unknown, kept);
  assertEquals((await all.send(newer)).STATUS?.code, "ANSWER_LOST");
  assertEquals(all.effects.of("/OLDER"), 1);
  assertEquals(all.effects.of("/NEWER"), 1);
});

Deno.test("one execution among the last answers.tokens tokens", async () => {
  const tokens = 2_048;
  await using all = await setUp(() => ({}), { answers: { tokens } });
  using wire = await Wire.dial(all.server.address);
  const first = await wire.seal({ PATH: "/FIRST" });
  await all.send(first);
  const others = await Promise.all(
    Array.from({ length: tokens - 1 }, () => wire.seal({ PATH: "/OTHER" })),
  );
  const sending = wire.send(concat(others));
  for (const _ of others) await wire.receive();
  await sending;
  assertEquals(all.effects.of("/OTHER"), tokens - 1);
  const { STATUS } = await all.send(first);
  assertEquals(STATUS, undefined);
  assertEquals(all.effects.of("/FIRST"), 1);
});

Deno.test("over sockets, memory stays within answers.maxBytes", async () => {
  const maxBytes = MEBIBYTE;
  let count = 0;
  await using all = await setUp(
    () => ({ data: String(++count).padEnd(20_000, "x") }),
    { answers: { maxBytes } },
  );
  const ask = async (times: number) => {
    // Nothing is ever confirmed: each connection asks once.
    for (let i = 0; i < times; i++) {
      using wire = await Wire.dial(all.server.address);
      await wire.ask({});
    }
  };
  await ask(100);
  const before = memory();
  await ask(1_500);
  const { heap } = memory();
  // Kept, they would be 30,000,000 bytes.
  assert(heap - before.heap < 8 * MEBIBYTE, `${heap - before.heap} bytes`);
  assertEquals(all.effects.total, 1_600);
});

Deno.test("an object that the handler mutates later: the answer stays", async () => {
  const shared = { list: [1], deep: { a: 1 } as Record<string, number> };
  await using all = await setUp(() => ({
    data: shared,
    metadata: shared.deep,
  }));
  using wire = await Wire.dial(all.server.address);
  const token = await wire.seal({ PATH: "/SHARED" });
  const first = await all.send(token);
  assertEquals(first.DATA, { list: [1], deep: { a: 1 } });
  shared.list.push(2);
  shared.deep.b = 2;
  assertEquals(await all.send(token), first);
  assertEquals(all.effects.of("/SHARED"), 1);
});

Deno.test("what the request held is not in the handler's reach later", async () => {
  const datas: { list: number[] }[] = [];
  await using all = await setUp(({ data }) => {
    datas.push(data as { list: number[] });
    return { data };
  });
  using wire = await Wire.dial(all.server.address);
  const token = await wire.seal({ DATA: { list: [1] } });
  const first = await all.send(token);
  datas[0]!.list.push(2);
  assertEquals(await all.send(token), first);
});

Deno.test("failures are remembered as answers are", async () => {
  await using all = await setUp(({ path }) => {
    if (path === "/THROW") throw new Error("once");
    if (path === "/REJECT") return Promise.reject(new Error("once"));
    if (path === "/BIGINT") return { data: 1n };
    throw new CypherStatus("BUSY", crypto.randomUUID(), crypto.randomUUID());
  }, { onHandlerError() {} });
  using log = new SignalLog(all.server.monitor);
  using wire = await Wire.dial(all.server.address);
  const paths = ["/THROW", "/REJECT", "/BIGINT", "/STATUS"];
  for (const path of paths) {
    const token = await wire.seal({ PATH: path });
    const first = await all.send(token);
    // The message has a reference, which is another one each time.
    assertEquals(await all.send(token), first, path);
    assertEquals(all.effects.of(path), 1, path);
    assert(first.STATUS !== undefined);
  }
  const requests = await log.wait("request", 2 * paths.length);
  assertEquals(
    requests.map(({ repeated }) => repeated),
    paths.flatMap(() => [false, true]),
  );
});
