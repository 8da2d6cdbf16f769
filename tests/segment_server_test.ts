import { setImmediate } from "node:timers";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  CypherError,
  Monitor,
  SegmentServer,
  type SegmentServerOptions,
} from "../segment.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { block, header, NO, RawPeer, syn, YES } from "./support/segment_raw.ts";
import { bytes, pattern, text, Watch } from "./support/segment_watch.ts";

interface Ours extends AsyncDisposable {
  server: SegmentServer;
  watch: Watch;
  port: number;
}

async function start(options: SegmentServerOptions = {}): Promise<Ours> {
  const server = new SegmentServer({ port: 0, resendPause: 0, ...options });
  const watch = new Watch(server);
  await server.start();
  return {
    server,
    watch,
    port: server.address.port,
    [Symbol.asyncDispose]: async () => {
      await server.stop({ grace: 0 });
      watch[Symbol.dispose]();
    },
  };
}

/** Waits until the server has read so many bytes of its oldest connection. */
async function received({ server }: Ours, count: number): Promise<void> {
  while (server.monitor.connections()[0]!.bytesIn < count) {
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
}

/** Reads an answer in a version 1 block of 512 bytes, and says it is right. */
async function settle(peer: RawPeer): Promise<string> {
  const answer = await peer.read(512);
  await peer.write(YES, YES);
  return text(answer.subarray(13, 13 + answer[11]!));
}

for (const version of [1, 2] as const) {
  Deno.test(`an echo in version ${version}, byte by byte`, async () => {
    await using ours = await start({ random: () => 2_001 / 65_536 });
    await using peer = await RawPeer.connect(ours.port);
    const synAck = await peer.shake({ version });
    const answer = { version, syn: 1, ack: 1_002, seq: 2_001, bufferSize: 512 };
    assertEquals(synAck, block(...header(answer)));
    await peer.write(bytes("hello"));
    const expected = new Uint8Array(512);
    const data = { version, bufferSize: 512, checksum: 0x2dbc, length: 5 };
    expected.set(header(data));
    expected.set(bytes("hello"), version === 1 ? 13 : 16);
    assertEquals(await peer.read(512), expected);
    await peer.write(NO);
    assertEquals(await peer.read(512), expected);
    await peer.write(YES, NO);
    assertEquals(await peer.read(512), expected);
    await peer.write(YES);
    await ours.watch.step("payload-intact");
    await peer.write(bytes("hello"));
    assertEquals(await peer.read(512), expected);
  });
}

Deno.test("the agreed size is the smaller one", async () => {
  await using ours = await start({ bufferSize: 1_000 });
  for (const [asked, agreed] of [[999, 999], [1_001, 1_000], [65_535, 1_000]]) {
    await using peer = await RawPeer.connect(ours.port);
    const synAck = await peer.shake({ bufferSize: asked! });
    assertStrictEquals(synAck[7]! + 256 * synAck[8]!, agreed);
  }
});

// Wrong at each step: what is sent, and what the failure then says.
const WRONG: Record<string, [(peer: RawPeer) => Promise<void>, string]> = {
  "no handshake at all": [
    (peer) => peer.write(bytes("GET / HTTP/1.1\r\n\r\n".repeat(100))),
    "SYN: it has no header of version 1 or 2",
  ],
  "an absurd buffer": [
    async (peer) => {
      const absurd = syn({ version: 2, bufferSize: 0xffff_ffff });
      for (let i = 0; i < 4; i++) await peer.write(absurd);
    },
    "SYN: its buffer size is 4294967295 bytes",
  ],
  "no buffer": [
    async (peer) => {
      for (let i = 0; i < 4; i++) await peer.write(syn({ bufferSize: 0 }));
    },
    "SYN: its buffer size is 0 bytes",
  ],
  "no status after the SYN-ACK": [
    (peer) => peer.write(syn(), block(0x32)),
    "SYN-ACK: what came is neither a 1 nor a 0",
  ],
  "a status for an ACK": [
    (peer) => peer.write(syn(), YES, YES, YES, YES, YES),
    "ACK: it has no header of version 1",
  ],
};

for (const [what, [say, said]] of Object.entries(WRONG)) {
  Deno.test(`refused, with the step: ${what}`, async () => {
    await using ours = await start();
    await using peer = await RawPeer.connect(ours.port);
    await say(peer);
    await peer.ended();
    const { signals } = ours.watch;
    const failures = signals.flatMap((one) =>
      one.kind === "failure" ? [`${one.code} ${one.message}`] : []
    );
    assert(failures.length > 0 && failures.length <= 4);
    for (const failure of failures) {
      assertStringIncludes(failure, `BAD_HANDSHAKE ${said}`);
    }
  });
}

// As far as each goes, and the step at which the deadline finds it.
const HALF: Record<string, [Uint8Array<ArrayBuffer>[], string]> = {
  "half a SYN": [[syn().subarray(0, 100)], "SYN"],
  "a SYN of no size": [[syn({ bufferSize: 0 })], "SYN"],
  "a SYN": [[syn()], "SYN-ACK"],
  "a SYN and half a status": [[syn(), YES.subarray(0, 255)], "SYN-ACK"],
  "no ACK": [[syn(), YES], "ACK"],
  "a wrong ACK": [[syn(), YES, block(...header({ ack: 1 }))], "ACK"],
};

for (const [what, [parts, step]] of Object.entries(HALF)) {
  Deno.test(`half a handshake ends in time: ${what}`, async () => {
    await using ours = await start({ handshakeTimeout: 50 });
    await using peer = await RawPeer.connect(ours.port);
    await peer.write(...parts);
    await peer.ended();
    const { after } = await ours.watch.signal("timeout");
    assertStrictEquals(after, 50);
    const said = `${step}: the connection ended there: handshake-timeout`;
    await ours.watch.until(() =>
      ours.watch.signals.some((one) =>
        one.kind === "failure" && one.message === said
      )
    );
  });
}

Deno.test("who only connects is closed in time, and no failure", async () => {
  await using ours = await start({ handshakeTimeout: 20 });
  await using peer = await RawPeer.connect(ours.port);
  await peer.ended();
  await ours.watch.signal("timeout");
  assert(ours.watch.signals.every(({ kind }) => kind !== "failure"));
});

Deno.test("single bytes don't push the handshake's deadline out", async () => {
  const clock = new FakeClock();
  await using ours = await start({ clock, handshakeTimeout: 1_000 });
  await using peer = await RawPeer.connect(ours.port);
  await peer.write(syn());
  await ours.watch.step("syn-received");
  await clock.advance(999);
  await peer.write(YES.subarray(0, 1));
  await clock.advance(1);
  await peer.ended();
});

Deno.test("a flood is refused; who is connected doesn't notice", async () => {
  await using ours = await start({
    limits: { connections: 10 },
    handshakeTimeout: 200,
  });
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake();
  const flood = await Promise.all(
    Array.from({ length: 30 }, () => RawPeer.connect(ours.port)),
  );
  await ours.watch.signal("limit");
  await peer.write(bytes("still here"));
  assertStrictEquals(await settle(peer), "still here");
  for (const one of flood) {
    await one.ended();
    one.close();
  }
  await peer.write(bytes("and now"));
  assertStrictEquals(await settle(peer), "and now");
  await using late = await RawPeer.connect(ours.port);
  await late.shake();
});

Deno.test("a flood of half handshakes shuts nobody out", async () => {
  await using ours = await start({ limits: { handshakes: 3 } });
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake();
  const flood: RawPeer[] = [];
  for (let i = 0; i < 20; i++) {
    flood.push(await RawPeer.connect(ours.port));
    await flood.at(-1)!.write(syn());
  }
  await using late = await RawPeer.connect(ours.port);
  await late.shake();
  for (const one of [peer, late]) {
    await one.write(bytes("still here"));
    assertStrictEquals(await settle(one), "still here");
  }
  // The last three, of which one made room for the late one.
  for (const one of flood.slice(0, -2)) await one.ended();
  const { monitor } = ours.server;
  const open = monitor.connections().map(({ state }) => state.kind).sort();
  assertEquals(open, ["handshake", "handshake", "open", "open"]);
  assert(ours.watch.signals.every(({ kind }) => kind !== "failure"));
  // As its option is called.
  const { limit } = await ours.watch.signal("limit");
  assertStrictEquals(limit, "handshakes");
  for (const one of flood) one.close();
});

Deno.test("a message that TCP delivers in parts is one message", async () => {
  const clock = new FakeClock();
  const messages: string[] = [];
  await using ours = await start({
    clock,
    handler: (message) => {
      messages.push(text(message));
      return message;
    },
  });
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake();
  for (const [index, byte] of bytes("in parts").entries()) {
    await peer.write(Uint8Array.of(byte));
    await received(ours, 3 * 256 + index + 1);
    await clock.advance(9);
    assertEquals(messages, []);
  }
  await clock.advance(1);
  assertStrictEquals(await settle(peer), "in parts");
  assertEquals(messages, ["in parts"]);
});

Deno.test("a message of the whole buffer needs no pause", async () => {
  const clock = new FakeClock();
  await using ours = await start({ clock });
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake();
  // The clock stands still: only a full message is complete without it.
  await peer.write(pattern(512 - 13));
  const answer = await peer.read(512);
  assertEquals(answer.slice(13), pattern(512 - 13).slice());
});

Deno.test("a message over the limit closes the connection", async () => {
  await using ours = await start({ settle: 300 });
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake({ bufferSize: 4_000 });
  await peer.write(pattern(4_000 - 12));
  await peer.ended();
  const failure = await ours.watch.signal("failure");
  assertStrictEquals(failure.code, "TOO_LARGE");
  assertStrictEquals((await ours.watch.signal("offline")).reason, "too-large");
});

Deno.test("bytes that are no status close the connection", async () => {
  await using ours = await start();
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake();
  await peer.write(bytes("one"));
  await peer.read(512);
  await peer.write(block(...bytes("two")));
  await peer.ended();
  const failure = await ours.watch.signal("failure");
  assertStrictEquals(failure.code, "BAD_STATUS");
  const { reason } = await ours.watch.signal("offline");
  assertStrictEquals(reason, "protocol-error");
});

Deno.test("a client that never judges an answer is unresponsive", async () => {
  await using ours = await start({ statusTimeout: 30 });
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake();
  await peer.write(bytes("one"));
  await peer.read(512);
  await peer.ended();
  const { reason } = await ours.watch.signal("offline");
  assertStrictEquals(reason, "unresponsive");
});

Deno.test("a client that reads nothing is a slow reader", async () => {
  const handled: PromiseWithResolvers<void>[] = [];
  await using ours = await start({
    bufferSize: 1_048_576,
    statusTimeout: 300,
    handler: (message) => {
      handled.at(-1)!.resolve();
      return message;
    },
  });
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake({ version: 2, bufferSize: 1_048_576 });
  const offline = ours.watch.signal("offline");
  let gone = false;
  offline.then(() => gone = true);
  // It judges answers that it has not read, until no more of them fit.
  for (let i = 1; !gone && i <= 100; i++) {
    handled.push(Promise.withResolvers<void>());
    await peer.write(bytes("more"));
    await Promise.race([handled.at(-1)!.promise, offline]);
    await peer.write(YES, YES).catch(() => {});
    await Promise.race([ours.watch.step("payload-intact", i), offline]);
  }
  assertStrictEquals((await offline).reason, "slow-reader");
});

Deno.test("a client that says nothing times out", async () => {
  const clock = new FakeClock();
  await using ours = await start({ clock, timeout: 5_000 });
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake();
  await ours.watch.signal("online");
  await clock.advance(4_999);
  assertEquals(ours.watch.signals.map(({ kind }) => kind), ["online"]);
  await clock.advance(1);
  await peer.ended();
  assertStrictEquals((await ours.watch.signal("offline")).reason, "timeout");
});

Deno.test("a handshake's re-sends pause, from the second on", async () => {
  const clock = new FakeClock();
  await using ours = await start({ clock, resendPause: 5_000 });
  await using peer = await RawPeer.connect(ours.port);
  await peer.write(syn());
  await peer.status();
  await peer.read(256);
  await peer.write(NO);
  await peer.read(256);
  await peer.write(NO);
  let resent = false;
  const reading = peer.read(256).then(() => resent = true);
  await received(ours, 3 * 256);
  await clock.advance(4_999);
  assertStrictEquals(resent, false);
  await clock.advance(1);
  await reading;
});

Deno.test("a server stops while a handshake pauses", async () => {
  const ours = await start({ resendPause: 3_600_000 });
  await using peer = await RawPeer.connect(ours.port);
  await peer.write(syn());
  await peer.read(512);
  await peer.write(NO);
  await peer.read(256);
  await peer.write(NO);
  await received(ours, 3 * 256);
  await ours[Symbol.asyncDispose]();
});

Deno.test("a handler answers what it likes, within the block", async () => {
  await using ours = await start({
    handler: (message) =>
      Promise.resolve(bytes(text(message).toUpperCase() + "!")),
  });
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake();
  await peer.write(bytes("hello"));
  assertStrictEquals(await settle(peer), "HELLO!");
});

const BAD_HANDLERS: Record<string, () => Uint8Array | Promise<Uint8Array>> = {
  "throws": () => {
    throw new Error("secret fault");
  },
  "rejects": () => Promise.reject(new Error("secret fault")),
  "gives too much": () => new Uint8Array(512 - 12),
  "gives no bytes": () => "secret" as unknown as Uint8Array,
};

for (const [what, handler] of Object.entries(BAD_HANDLERS)) {
  Deno.test(`a handler that ${what} costs its connection`, async () => {
    const told: unknown[] = [];
    await using ours = await start({
      handler,
      onHandlerError: (error) => told.push(error),
    });
    await using peer = await RawPeer.connect(ours.port);
    await peer.shake();
    await peer.write(bytes("secret message"));
    await peer.ended();
    assertStrictEquals((await ours.watch.signal("offline")).reason, "internal");
    const { code } = await ours.watch.signal("failure");
    assertStrictEquals(code, "HANDLER_FAILED");
    assertStrictEquals(told.length, 1);
    assertInstanceOf(told[0], Error);
    assert(!JSON.stringify(ours.watch.signals).includes("secret"));
  });
}

Deno.test("a handler that takes too long is told, and costs its connection", async () => {
  const clock = new FakeClock();
  const called = Promise.withResolvers<AbortSignal>();
  const told: unknown[] = [];
  await using ours = await start({
    clock,
    deadline: 2_000,
    handler: (_, { signal }) => {
      called.resolve(signal);
      return new Promise(() => {});
    },
    onHandlerError: (error) => told.push(error),
  });
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake();
  await peer.write(pattern(512 - 13));
  const signal = await called.promise;
  await clock.advance(2_000);
  assertStrictEquals(signal.reason.code, "DEADLINE");
  await peer.ended();
  assertStrictEquals((await ours.watch.signal("failure")).code, "DEADLINE");
  assertStrictEquals(told[0], signal.reason);
});

Deno.test("a handler hears that its client is gone", async () => {
  const called = Promise.withResolvers<AbortSignal>();
  await using ours = await start({
    handler: (_, { signal }) => {
      called.resolve(signal);
      return new Promise(() => {});
    },
  });
  const peer = await RawPeer.connect(ours.port);
  await peer.shake();
  await peer.write(bytes("hello"));
  const signal = await called.promise;
  peer.close();
  await ours.watch.signal("offline");
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
  assertStrictEquals(signal.reason.code, "CLOSED");
});

Deno.test("a stop lets an answer be settled, and takes no more", async () => {
  const called = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const ours = await start({
    handler: async (message) => {
      called.resolve();
      await gate.promise;
      return message;
    },
  });
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake();
  await peer.write(bytes("last words"));
  await called.promise;
  const stopping = ours.server.stop({ grace: 60_000 });
  assertEquals(ours.server.monitor.listeners()[0]!.state, "draining");
  await assertRejects(() => RawPeer.connect(ours.port));
  gate.resolve();
  assertStrictEquals(await settle(peer), "last words");
  await peer.ended();
  await stopping;
  assertStrictEquals((await ours.watch.signal("offline")).reason, "stopped");
  const request = await ours.watch.signal("request");
  assertStrictEquals(request.status, "OK");
  ours.watch[Symbol.dispose]();
});

Deno.test("a stop without grace waits for no handler", async () => {
  const called = Promise.withResolvers<AbortSignal>();
  const ours = await start({
    handler: (_, { signal }) => {
      called.resolve(signal);
      return new Promise(() => {});
    },
  });
  await using peer = await RawPeer.connect(ours.port);
  await peer.shake();
  await peer.write(bytes("hello"));
  const signal = await called.promise;
  await ours[Symbol.asyncDispose]();
  assertStrictEquals(signal.aborted, true);
});

Deno.test("the monitor shows the wire, the states, the counts, no payload", async () => {
  const monitor = new Monitor();
  await using ours = await start({ monitor });
  const { hostname, port } = ours.server.address;
  assertEquals(monitor.listeners(), [
    { hostname, port, wires: ["segment"], state: "listening" },
  ]);
  await using peer = await RawPeer.connect(port);
  await peer.write(syn());
  await peer.status();
  assertStrictEquals(monitor.connections()[0]!.state.kind, "handshake");
  await peer.read(256);
  peer.close();
  await using other = await RawPeer.connect(port);
  await other.shake();
  await other.write(bytes("a secret"));
  assertStrictEquals(await settle(other), "a secret");
  const request = await ours.watch.signal("request");
  assertStrictEquals(request.operation, "DATA");
  assertStrictEquals(request.bytesIn, 8);
  assertStrictEquals(request.bytesOut, 512);
  const [info] = monitor.connections().filter(({ wire }) => wire === "segment");
  assertStrictEquals(info!.state.kind, "open");
  assertStrictEquals(info!.requests, 1);
  assertStrictEquals(info!.failures, 0);
  monitor.disconnect(info!.id);
  await other.ended();
  const { reason } = await ours.watch.signal("offline");
  assertStrictEquals(reason, "disconnected");
  const told = JSON.stringify(ours.watch.signals) +
    JSON.stringify(ours.watch.steps);
  assert(!told.includes("secret"));
});

Deno.test("a server is started once, and says where it is", async () => {
  const server = new SegmentServer({ port: 0 });
  assertThrows(() => server.address, CypherError);
  await server.start();
  const { port } = server.address;
  const other = new SegmentServer({ port });
  const error = await assertRejects(() => other.start(), CypherError, "taken");
  assertStrictEquals(error.code, "LISTEN_FAILED");
  await assertRejects(() => server.start(), CypherError);
  await server.stop();
  await server.stop();
});

const BAD_OPTIONS: [SegmentServerOptions, string][] = [
  [{ port: 70_000 }, '"port"'],
  [{ bufferSize: 16 }, '"bufferSize"'],
  [{ bufferSize: 1_048_577 }, "17 to 1,048,576"],
  [{ resends: -1 }, '"resends"'],
  [{ resendPause: 0.5 }, '"resendPause"'],
  [{ handshakeTimeout: 0 }, '"handshakeTimeout"'],
  [{ settle: 0 }, "of ms from 1 to 60,000"],
  [{ limits: { connections: 0 } }, '"limits.connections"'],
  [{ limits: { handshakes: 0 } }, '"limits.handshakes"'],
  [{ limits: { bufferBytes: 1 } }, '"limits.bufferBytes"'],
  [{ hostname: "" }, '"hostname"'],
  [{ handler: "echo" as unknown as () => Uint8Array }, '"handler"'],
  [{ onstep: () => {} } as SegmentServerOptions, '"onstep"'],
];

Deno.test("wrong options are named", () => {
  for (const [options, said] of BAD_OPTIONS) {
    const error = assertThrows(
      () => new SegmentServer(options),
      CypherError,
      said,
    );
    assertStrictEquals(error.code, "BAD_OPTION");
  }
});
