import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  CypherError,
  SegmentClient,
  type SegmentClientOptions,
  SegmentServer,
  type SegmentServerOptions,
} from "../segment.ts";
import { type ConnectionFaults, FaultProxy } from "./support/fault_proxy.ts";
import { pattern, text, Watch } from "./support/segment_watch.ts";

/** Up to the echo: a SYN, two blocks in answer; up to its status: an ACK. */
const SYN = 0;
const ACK = 2 * 256;
const SYN_ACK = 256;
const ECHO = 3 * 256;
const SIZE = 512;

interface Setup extends AsyncDisposable {
  /** What the handler was given, as text. */
  handled: string[];
  watch: Watch;
  server: SegmentServer;
  client: SegmentClient;
  proxy: FaultProxy;
}

/** A server, a client, and between them what goes wrong on each connection. */
async function setUp(
  faults: (index: number) => ConnectionFaults,
  options: SegmentClientOptions = {},
  serverOptions: SegmentServerOptions = {},
): Promise<Setup> {
  const handled: string[] = [];
  const server = new SegmentServer({
    port: 0,
    resendPause: 0,
    handler: (message) => {
      handled.push(text(message));
      return message;
    },
    ...serverOptions,
  });
  await server.start();
  const watch = new Watch(server);
  const { hostname, port } = server.address;
  const proxy = FaultProxy.start({ hostname, port }, faults);
  const client = new SegmentClient({
    port: proxy.address.port,
    bufferSize: SIZE,
    resendPause: 0,
    ...options,
  });
  return {
    handled,
    watch,
    server,
    client,
    proxy,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await proxy[Symbol.asyncDispose]();
      await server.stop({ grace: 0 });
      watch[Symbol.dispose]();
    },
  };
}

for (const version of [1, 2] as const) {
  Deno.test(`in slices of any size, version ${version}`, async () => {
    for (const slice of [1, 7, 255, 257]) {
      const sliced = { up: { slice }, down: { slice } };
      await using setup = await setUp(
        () => sliced,
        { version },
        { settle: 300 },
      );
      const message = pattern(SIZE - 16);
      assertEquals(await setup.client.send(message), message.slice());
      assertStrictEquals(setup.handled.length, 1);
    }
  });
}

Deno.test("with delay each message is answered once, in order", async () => {
  const delayed = { up: { delay: 20 }, down: { delay: 20 } };
  await using setup = await setUp(() => delayed);
  const sent = ["one", "two", "three"];
  const echoes = await Promise.all(sent.map((one) => setup.client.send(one)));
  assertEquals(echoes.map(text), sent);
  assertEquals(setup.handled, sent);
});

// One byte that is wrong the first time, and where; it is asked for again.
const ONCE: Record<string, ConnectionFaults> = {
  "the SYN's version": { up: { corruptAt: SYN } },
  "the SYN's syn": { up: { corruptAt: SYN + 3 } },
  "the SYN's status": { down: { corruptAt: 0 } },
  "the SYN-ACK's syn": { down: { corruptAt: SYN_ACK + 3 } },
  "the SYN-ACK's ack": { down: { corruptAt: SYN_ACK + 1 } },
  "the SYN-ACK's status": { up: { corruptAt: 256 } },
  "the ACK's ack": { up: { corruptAt: ACK + 1 } },
  "the ACK's seq": { up: { corruptAt: ACK + 5 } },
  "the ACK's status": { down: { corruptAt: 2 * 256 } },
  "the echo's version": { down: { corruptAt: ECHO } },
  "the echo's length": { down: { corruptAt: ECHO + 11 } },
  "the echo's checksum": { down: { corruptAt: ECHO + 9 } },
  "the echo's payload": { down: { corruptAt: ECHO + 13 } },
  "the echo thrice": {
    down: { corruptAt: [0, 1, 2].map((n) => ECHO + n * SIZE + 14) },
  },
  "the echo's status": { up: { corruptAt: ACK + 256 + "right".length } },
};

for (const [what, faults] of Object.entries(ONCE)) {
  Deno.test(`corrupted and sent again: ${what}`, async () => {
    // A handshake may fail where a status was corrupted, as the other side has
    // gone on by then; no message may ever be answered wrongly.
    await using setup = await setUp((index) => index === 0 ? faults : {});
    const { client, handled } = setup;
    try {
      assertStrictEquals(text(await client.send("right")), "right");
      assertEquals(handled, ["right"]);
    } catch (error) {
      assert(error instanceof CypherError);
      assert(what.endsWith("status"), error.message);
      assertStrictEquals(text(await client.send("right")), "right");
    }
  });
}

for (const [question, at] of [["arrive", 0], ["damaged", 14]] as const) {
  Deno.test(`never right: ${question}; the next message is`, async () => {
    const corruptAt = [0, 1, 2, 3].map((n) => ECHO + n * SIZE + at);
    await using setup = await setUp((index) =>
      index === 0 ? { down: { corruptAt } } : {}
    );
    const { client, handled, watch, proxy } = setup;
    const error = await assertRejects(
      () => client.send("first"),
      CypherError,
      question,
    );
    assertStrictEquals(error.code, "BAD_MESSAGE");
    const { code } = await watch.signal("failure");
    assertStrictEquals(code, at === 0 ? "NOT_ARRIVED" : "NOT_INTACT");
    assertStrictEquals(proxy.bytes.down, ECHO + 4 * SIZE);
    assertStrictEquals(text(await client.send("second")), "second");
    assertEquals(handled, ["first", "second"]);
  });
}

Deno.test("cut anywhere: answered right, or rejected; never twice, never stuck", async () => {
  // All that a handshake and two messages take, in each direction.
  const up = 3 * 256 + 2 * (5 + 2 * 256);
  const down = ECHO + 2 * SIZE;
  let answered = 0;
  let rejected = 0;
  for (const [direction, length] of [["up", up], ["down", down]] as const) {
    for (let cutAt = 0; cutAt <= length; cutAt += 61) {
      await using setup = await setUp((index) =>
        index === 0 ? { [direction]: { cutAt } } : {}
      );
      for (const message of ["first", "again"]) {
        try {
          assertStrictEquals(text(await setup.client.send(message)), message);
          answered++;
        } catch (error) {
          assert(error instanceof CypherError);
          assert(["CONNECT_FAILED", "NO_ANSWER"].includes(error.code));
          rejected++;
        }
      }
      // The cut may still be on its way; after it there is a new connection.
      setup.proxy.cutAll();
      await setup.client.send("perhaps").catch(() => {});
      assertStrictEquals(text(await setup.client.send("last")), "last");
      assertStrictEquals(new Set(setup.handled).size, setup.handled.length);
    }
  }
  assert(answered > 0 && rejected > 0);
});

Deno.test("an answer that is swallowed is given up by both sides", async () => {
  await using setup = await setUp(
    (index) => index === 0 ? { down: { swallowFrom: ECHO + 10 } } : {},
    { timeout: 1_000 },
    { statusTimeout: 100 },
  );
  const { client, watch, handled } = setup;
  const error = await assertRejects(() => client.send("first"), CypherError);
  assertStrictEquals(error.code, "DEADLINE");
  assertStrictEquals((await watch.signal("offline")).reason, "unresponsive");
  assertStrictEquals(text(await client.send("second")), "second");
  assertEquals(handled, ["first", "second"]);
});

for (const swallowFrom of [0, 100, 256, 300, 600]) {
  Deno.test(`a handshake swallowed from ${swallowFrom} on ends in time`, async () => {
    await using setup = await setUp(
      (index) => index === 0 ? { down: { swallowFrom } } : {},
      { handshakeTimeout: 100 },
      { handshakeTimeout: 50, timeout: 50 },
    );
    const { client, watch } = setup;
    const error = await assertRejects(() => client.connect(), CypherError);
    assertStrictEquals(error.code, "CONNECT_FAILED");
    await watch.signal("timeout");
    await client.connect();
  });
}
