import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  CypherError,
  type CypherErrorCode,
  SegmentClient,
  type SegmentClientOptions,
  type SegmentClientSignal,
  SegmentServer,
} from "../segment.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { availablePort } from "./support/program.ts";
import { block, header, NO, RawPeer, YES } from "./support/segment_raw.ts";
import { bytes, pattern, text, Watch } from "./support/segment_watch.ts";

/** A server that says what a test tells it to. */
class Script implements AsyncDisposable {
  readonly port: number;
  #listener: Deno.TcpListener;
  #serving: Promise<void>;
  #peers: RawPeer[] = [];

  constructor(serve: (peer: RawPeer, index: number) => Promise<void>) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#serving = this.#accept(serve);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const peer of this.#peers) peer.close();
    await this.#serving;
  }

  async #accept(
    serve: (peer: RawPeer, index: number) => Promise<void>,
  ): Promise<void> {
    const served: Promise<void>[] = [];
    for await (const conn of this.#listener) {
      const peer = new RawPeer(conn);
      const index = this.#peers.push(peer) - 1;
      // The client may leave in the middle: that is what tests look at.
      served.push(serve(peer, index).catch(() => {}));
    }
    await Promise.all(served);
  }
}

/** Takes a client of version 1 through its handshake. */
async function greet(peer: RawPeer): Promise<void> {
  const syn = await peer.read(256);
  await peer.write(YES, synAckTo(syn));
  await peer.status();
  await peer.read(256);
  await peer.write(YES);
}

function synAckTo(
  syn: Uint8Array,
  fields: { bufferSize?: number; syn?: number } = {},
): Uint8Array<ArrayBuffer> {
  const view = new DataView(syn.buffer);
  return block(...header({
    syn: 1,
    ack: view.getUint16(5, true) + 1 & 0xffff,
    seq: 2_001,
    bufferSize: view.getUint16(7, true),
    ...fields,
  }));
}

async function failure(
  promise: Promise<unknown>,
  code: CypherErrorCode,
  said = "",
): Promise<CypherError> {
  const error = await assertRejects(() => promise, CypherError, said);
  assertStrictEquals(error.code, code);
  return error;
}

async function start(): Promise<SegmentServer> {
  const server = new SegmentServer({ port: 0 });
  await server.start();
  return server;
}

for (const version of [1, 2] as const) {
  Deno.test(`messages of every size, version ${version}`, async () => {
    await using server = await start();
    await using client = new SegmentClient({
      port: server.address.port,
      version,
      bufferSize: 65_535,
    });
    const most = 65_535 - (version === 1 ? 13 : 16);
    for (const size of [1, 2, 255, 256, 257, 1_024, 4_096, most]) {
      assertEquals(await client.send(pattern(size)), pattern(size).slice());
    }
    assertEquals(client.agreed, { version, bufferSize: 65_535 });
    await failure(client.send(pattern(most + 1)), "TOO_LARGE", `${most}`);
    // That cost nothing.
    assertStrictEquals(text(await client.send("on")), "on");
    assertStrictEquals(client.state, "online");
  });
}

Deno.test("messages sent at once are answered in their order", async () => {
  await using server = await start();
  await using client = new SegmentClient({ port: server.address.port });
  const sent = Array.from({ length: 20 }, (_, index) => `message ${index}`);
  const echoes = sent.map((one) => client.send(one));
  assertStrictEquals(client.pending, 20);
  assertEquals((await Promise.all(echoes)).map(text), sent);
  assertStrictEquals(client.pending, 0);
});

Deno.test("what the server agrees on limits the messages", async () => {
  await using server = new SegmentServer({ port: 0, bufferSize: 100 });
  await server.start();
  await using client = new SegmentClient({ port: server.address.port });
  await failure(client.send(pattern(88)), "TOO_LARGE", "it may have 87");
  assertEquals(await client.send(pattern(87)), pattern(87).slice());
});

Deno.test("signals, callbacks and steps tell the same", async () => {
  await using server = await start();
  const called: string[] = [];
  const client = new SegmentClient({
    port: server.address.port,
    onOnline: () => called.push("online"),
    onOffline: (reason) => called.push(reason),
    onStep: (step) => called.push(step),
  });
  const told: SegmentClientSignal[] = [];
  const signals = client.signals();
  await client.connect();
  await client.connect();
  await client.send("a secret");
  await client.close();
  for await (const signal of signals) told.push(signal);
  assertEquals(called, [
    "syn-sent",
    "syn-ack-received",
    "ack-sent",
    "online",
    "payload-received",
    "payload-intact",
    "closed",
  ]);
  const said = told.map((one) =>
    one.kind === "step"
      ? one.step
      : one.kind === "offline"
      ? one.reason
      : "online"
  );
  assertEquals(said, called);
  assert(!JSON.stringify(told).includes("secret"));
});

Deno.test("an idle connection that ends is noticed; the next message connects", async () => {
  await using server = await start();
  using watch = new Watch(server);
  const gone = Promise.withResolvers<string>();
  await using client = new SegmentClient({
    port: server.address.port,
    onOffline: gone.resolve,
  });
  await client.send("one");
  server.monitor.disconnect(server.monitor.connections()[0]!.id);
  await gone.promise;
  assertStrictEquals(client.state, "idle");
  assertStrictEquals(text(await client.send("two")), "two");
  await watch.signal("online", 2);
});

// What a server says wrong, and what the client makes of it.
const WRONG: Record<
  string,
  [(peer: RawPeer) => Promise<void>, CypherErrorCode, string]
> = {
  "leaves before the SYN's status": [
    async (peer) => {
      await peer.read(256);
      peer.close();
    },
    "CONNECT_FAILED",
    "SYN: the connection ended there: peer-closed",
  ],
  "says something else for a status": [
    async (peer) => {
      await peer.read(256);
      await peer.write(block(...bytes("HTTP/1.1 400 Bad Request")));
    },
    "CONNECT_FAILED",
    "SYN: what came is neither a 1 nor a 0",
  ],
  "acknowledges another ISN": [
    async (peer) => {
      await peer.read(256);
      await peer.write(YES);
      for (;;) await peer.write(block(...header({ syn: 1, ack: 7 })));
    },
    "CONNECT_FAILED",
    "SYN-ACK: its ack is not the client's ISN + 1",
  ],
  "agrees on nothing": [
    async (peer) => {
      const syn = await peer.read(256);
      await peer.write(YES);
      for (;;) await peer.write(synAckTo(syn, { bufferSize: 13 }));
    },
    "CONNECT_FAILED",
    "SYN-ACK: its buffer size is 13 bytes, it must be 14 to 4096",
  ],
  "agrees on more than was offered": [
    async (peer) => {
      const syn = await peer.read(256);
      await peer.write(YES);
      for (;;) await peer.write(synAckTo(syn, { bufferSize: 4_097 }));
    },
    "CONNECT_FAILED",
    "SYN-ACK: its buffer size is 4097 bytes",
  ],
  "leaves instead of the ACK's status": [
    async (peer) => {
      const syn = await peer.read(256);
      await peer.write(YES, synAckTo(syn));
      await peer.status();
      await peer.read(256);
      peer.close();
    },
    "CONNECT_FAILED",
    "ACK: the connection ended there: peer-closed",
  ],
  "leaves instead of an answer": [
    async (peer) => {
      await greet(peer);
      await peer.read(5);
      peer.close();
    },
    "NO_ANSWER",
    "peer-closed",
  ],
  "leaves in the middle of an answer": [
    async (peer) => {
      await greet(peer);
      await peer.read(5);
      await peer.write(new Uint8Array(4_095));
      peer.close();
    },
    "NO_ANSWER",
    "peer-closed",
  ],
  "says what nobody asked for": [
    async (peer) => {
      await greet(peer);
      await peer.write(Uint8Array.of(1));
      await peer.ended();
    },
    "NO_ANSWER",
    "",
  ],
};

for (const [what, [serve, code, said]] of Object.entries(WRONG)) {
  Deno.test(`a server that ${what}`, async () => {
    await using script = new Script(serve);
    await using client = new SegmentClient({
      port: script.port,
      resendPause: 0,
    });
    await failure(client.send("hello"), code, said);
    assertStrictEquals(client.state, "idle");
  });
}

for (
  const [step, serve] of Object.entries({
    "SYN": async (peer: RawPeer) => {
      await peer.ended();
    },
    "SYN-ACK": async (peer: RawPeer) => {
      await peer.read(256);
      await peer.write(YES, YES.subarray(0, 255));
      await peer.ended();
    },
    "ACK": async (peer: RawPeer) => {
      await peer.write(YES, synAckTo(await peer.read(256)));
      await peer.ended();
    },
  })
) {
  Deno.test(`a server that says nothing more at ${step}`, async () => {
    await using script = new Script(serve);
    await using client = new SegmentClient({
      port: script.port,
      handshakeTimeout: 30,
    });
    const said = `${step}: it took over 30 ms`;
    await failure(client.connect(), "CONNECT_FAILED", said);
  });
}

Deno.test("no answer within the timeout", async () => {
  await using script = new Script(async (peer) => {
    await greet(peer);
    await peer.ended();
  });
  const reasons: string[] = [];
  await using client = new SegmentClient({
    port: script.port,
    timeout: 30,
    onOffline: (reason) => reasons.push(reason),
  });
  await failure(client.send("hello"), "DEADLINE", "within 30 ms");
  await failure(client.send("hello"), "DEADLINE", "within 30 ms");
  assertEquals(reasons, ["timeout", "timeout"]);
});

Deno.test("re-sends pause for 5 s, from the second on", async () => {
  const clock = new FakeClock();
  const asked = [1, 2].map(() => Promise.withResolvers<void>());
  await using script = new Script(async (peer) => {
    const syn = await peer.read(256);
    for (const one of asked) {
      await peer.write(NO);
      one.resolve();
      await peer.read(256);
    }
    await peer.write(YES, synAckTo(syn));
    await peer.status();
    await peer.read(256);
    await peer.write(YES);
    await peer.ended();
  });
  await using client = new SegmentClient({ port: script.port, clock });
  const connecting = client.connect();
  await asked[1]!.promise;
  // Two timers: the handshake's deadline, and soon the pause.
  while (clock.pending < 2) await clock.advance(0);
  await clock.advance(4_999);
  assertStrictEquals(client.state, "connecting");
  await clock.advance(1);
  await connecting;
});

Deno.test("nobody there", async () => {
  await using client = new SegmentClient({ port: availablePort() });
  const error = await failure(client.connect(), "CONNECT_FAILED", "127.0.0.1");
  assert(error.cause instanceof Error);
  // Everybody who waits is told.
  const all = [client.send("one"), client.send("two")];
  for (const one of all) await failure(one, "CONNECT_FAILED");
});

Deno.test("dialling that takes too long", async () => {
  const clock = new FakeClock();
  const dialled = Promise.withResolvers<void>();
  await using client = new SegmentClient({
    clock,
    connectTimeout: 1_000,
    dial: (_, signal) => {
      dialled.resolve();
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    },
  });
  const failed = failure(client.connect(), "CONNECT_FAILED");
  await dialled.promise;
  await clock.advance(1_000);
  await failed;
});

/** A server that echoes only what does not begin with `-`, and then tells. */
function moody(silent: () => void = () => {}): SegmentServer {
  return new SegmentServer({
    port: 0,
    handler: (message) => {
      if (!text(message).startsWith("-")) return message;
      silent();
      return new Promise(() => {});
    },
  });
}

Deno.test("giving a message up: before, in the queue, under way", async () => {
  const handled = Promise.withResolvers<void>();
  const server = moody(handled.resolve);
  await server.start();
  const reasons: string[] = [];
  const client = new SegmentClient({
    port: server.address.port,
    onOffline: (reason) => reasons.push(reason),
  });
  const signal = AbortSignal.abort();
  await failure(client.send("one", { signal }), "ABORTED");
  await failure(client.connect({ signal }), "ABORTED");
  assertStrictEquals(client.state, "idle");
  const first = new AbortController();
  const second = new AbortController();
  const under = client.send("- under way", { signal: first.signal });
  const queued = client.send("queued", { signal: second.signal });
  const last = client.send("last");
  second.abort();
  await failure(queued, "ABORTED");
  await handled.promise;
  first.abort();
  await failure(under, "ABORTED");
  // Its late answer could have met this one: so it got a new connection.
  assertStrictEquals(text(await last), "last");
  assertEquals(reasons, ["abandoned"]);
  await client.close();
  await server.stop({ grace: 0 });
});

Deno.test("a message's own deadline", async () => {
  const server = moody();
  await server.start();
  const client = new SegmentClient({ port: server.address.port });
  const late = client.send("- never", { deadline: 30 });
  await failure(late, "DEADLINE", "over 30 ms");
  assertStrictEquals(text(await client.send("again")), "again");
  await client.close();
  await server.stop({ grace: 0 });
});

Deno.test("closing ends everything, once and for all", async () => {
  const server = moody();
  await server.start();
  const client = new SegmentClient({ port: server.address.port });
  const waiting = [client.send("- never"), client.send("queued")];
  const ends = waiting.map((one) => failure(one, "CLOSED"));
  await client.close();
  await Promise.all(ends);
  await client.close();
  await failure(client.send("one"), "CLOSED");
  await failure(client.connect(), "CLOSED");
  assertStrictEquals(client.state, "closed");
  await server.stop({ grace: 0 });
});

Deno.test("closing in the middle of a handshake", async () => {
  const seen = Promise.withResolvers<void>();
  await using script = new Script(async (peer) => {
    await peer.read(256);
    seen.resolve();
    await peer.ended();
  });
  const client = new SegmentClient({ port: script.port });
  const connecting = failure(client.connect(), "CLOSED");
  await seen.promise;
  await client.close();
  await connecting;
});

Deno.test("giving up on connecting leaves the others to it", async () => {
  const seen = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  await using script = new Script(async (peer) => {
    seen.resolve();
    await go.promise;
    await greet(peer);
    await peer.ended();
  });
  await using client = new SegmentClient({ port: script.port });
  const controller = new AbortController();
  const one = failure(
    client.connect({ signal: controller.signal }),
    "ABORTED",
  );
  const other = client.connect();
  await seen.promise;
  controller.abort();
  await one;
  go.resolve();
  await other;
});

Deno.test("what cannot be sent", async () => {
  await using server = await start();
  await using client = new SegmentClient({
    port: server.address.port,
    limits: { queued: 2 },
  });
  await failure(client.send(""), "UNSENDABLE");
  await failure(client.send(new Uint8Array(4_096)), "TOO_LARGE");
  const two = [client.send("one"), client.send("two")];
  await failure(client.send("three"), "QUEUE_FULL");
  await Promise.all(two);
  await client.send("three");
});

Deno.test("what is sent may be changed after that", async () => {
  await using server = await start();
  await using client = new SegmentClient({ port: server.address.port });
  const message = bytes("before");
  const echo = client.send(message);
  message.fill(0);
  assertStrictEquals(text(await echo), "before");
});

const BAD_OPTIONS: [SegmentClientOptions, string][] = [
  [{ port: 0 }, '"port"'],
  [{ version: 3 as 1 }, '"version"'],
  [{ bufferSize: 16 }, '"bufferSize"'],
  [{ bufferSize: 65_536 }, "65,535 bytes in version 1"],
  [{ timeout: 0 }, '"timeout"'],
  [{ limits: { queued: 0 } }, '"limits.queued"'],
  [{ dial: 1 as unknown as SegmentClientOptions["dial"] & object }, '"dial"'],
  [{ host: "here" } as SegmentClientOptions, '"host"'],
];

Deno.test("wrong options are named", () => {
  for (const [options, said] of BAD_OPTIONS) {
    const error = assertThrows(
      () => new SegmentClient(options),
      CypherError,
      said,
    );
    assertStrictEquals(error.code, "BAD_OPTION");
  }
  new SegmentClient({ version: 2, bufferSize: 65_536 });
});
