import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  CypherError,
  Monitor,
  PacketClient,
  type PacketClientOptions,
  PacketError,
  PacketServer,
  type PacketServerOptions,
  type Signal,
} from "../packet.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { raw, RawListener, RawPeer, textOf } from "./support/packet_raw.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const MODES = ["step-by-step", "burst"] as const;

/** A server that listens, the messages it got and the signals it gave. */
async function serve(options: PacketServerOptions = {}) {
  const got: string[] = [];
  const signals: Signal[] = [];
  const server = new PacketServer({
    port: 0,
    handler: (message) => void got.push(text(message)),
    ...options,
  });
  server.monitor.listen((signal) => signals.push(signal));
  await server.start();
  return {
    server,
    got,
    signals,
    port: server.address.port,
    /** Waits for a signal of a kind. */
    async signal(kind: Signal["kind"]): Promise<Signal> {
      const seen = signals.find((one) => one.kind === kind);
      if (seen) return seen;
      await using stream = server.monitor.signals();
      for await (const one of stream) if (one.kind === kind) return one;
      throw new Error("unreachable");
    },
    [Symbol.asyncDispose]: () => server.stop({ grace: 0 }),
  };
}

async function connect(
  port: number,
  options: PacketClientOptions = {},
): Promise<PacketClient> {
  const client = new PacketClient({ port, ...options });
  await client.connect();
  return client;
}

for (const mode of MODES) {
  Deno.test(`${mode}: messages of every size, in order, either way`, async () => {
    await using served = await serve({
      handler: async (message, { send }) => void await send(message),
    });
    const back: Uint8Array[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const sizes = [0, 1, 1_020, 1_021, 1_022, 2_042, 2_043, 100_000];
    await using client = await connect(served.port, {
      mode,
      onMessage: (message) => {
        if (back.push(message) === sizes.length) resolve();
      },
    });
    assertEquals(client.agreement?.mode, mode);
    const messages = sizes.map((size) =>
      crypto.getRandomValues(new Uint8Array(Math.min(size, 65_536)))
    );
    const sent = await Promise.all(messages.map((one) => client.send(one)));
    assertEquals(sent.map(({ packets }) => packets), [
      ...[1, 1, 1, 1, 2, 2, 3],
      Math.ceil(65_536 / 1_021),
    ]);
    await promise;
    assertEquals(back, messages);
  });

  Deno.test(`${mode}: a message of 10 MiB`, async () => {
    const sums: string[] = [];
    await using served = await serve({
      handler: async (message) => void sums.push(await digest(message)),
    });
    await using client = await connect(served.port, { mode });
    const message = new Uint8Array(10 * 2 ** 20);
    for (let at = 0; at < message.length; at += 65_536) {
      crypto.getRandomValues(message.subarray(at, at + 65_536));
    }
    const { packets } = await client.send(message);
    assertEquals(packets, Math.ceil(message.length / 1_021));
    await served.server.stop();
    assertEquals(sums, [await digest(message)]);
  });
}

async function digest(bytes: Uint8Array): Promise<string> {
  const sum = await crypto.subtle.digest("SHA-256", bytes.slice());
  return new Uint8Array(sum).toHex();
}

Deno.test("a handler gets one message at a time, and may fail", async () => {
  const errors: unknown[] = [];
  let running = 0;
  const seen: string[] = [];
  await using served = await serve({
    handler: async (message) => {
      assertEquals(++running, 1);
      await new Promise((resolve) => setTimeout(resolve));
      running--;
      seen.push(text(message));
      if (seen.length === 2) throw new Error("secret");
    },
    onHandlerError: (error) => {
      errors.push(error);
      throw new Error("a broken logger");
    },
  });
  await using client = await connect(served.port, { mode: "burst" });
  await Promise.all(["a", "b", "c"].map((one) => client.send(one)));
  await served.server.stop();
  assertEquals(seen, ["a", "b", "c"]);
  assertEquals(errors.map(String), ["Error: secret"]);
  const told = JSON.stringify(served.signals);
  assert(told.includes("HANDLER_FAILED") && !told.includes("secret"));
});

Deno.test("the monitor sees the connection, its messages and its end", async () => {
  const monitor = new Monitor();
  await using served = await serve({ monitor });
  await using client = await connect(served.port, { clientId: "kitchen" });
  await client.send("one");
  const [info] = monitor.connections();
  assertEquals(
    [info?.wire, info?.name, info?.state.kind, info?.requests],
    ["packet", "kitchen", "open", 1],
  );
  const [listener] = monitor.listeners();
  assertEquals([listener?.wires, listener?.state], [["packet"], "listening"]);
  await client.close();
  await served.signal("offline");
  assertEquals(
    served.signals.map((one) =>
      one.kind === "request"
        ? [one.operation, one.status, one.bytesIn]
        : one.kind === "offline"
        ? [one.kind, one.reason, one.requests]
        : [one.kind, one.wire, one.name]
    ),
    [
      ["online", "packet", "kitchen"],
      ["DATA", "OK", 3],
      ["offline", "peer-closed", 1],
    ],
  );
  assert(!JSON.stringify(served.signals).includes('"one"'));
});

Deno.test("signals and callbacks come once for each transition", async () => {
  await using served = await serve();
  const told: string[] = [];
  const client = new PacketClient({
    port: served.port,
    onOnline: () => told.push("online"),
    onOffline: (reason) => told.push(reason),
  });
  await using signals = client.signals();
  await client.connect();
  await client.connect();
  await served.server.stop();
  const seen = [await signals.next(), await signals.next()];
  assertEquals(seen.map(({ value }) => value?.kind), ["online", "offline"]);
  assertEquals(client.state, "idle");
  await client.close();
  assertEquals(told, ["online", "peer-closed"]);
  assertEquals((await signals.next()).done, true);
});

Deno.test("messages are an async iterable too", async () => {
  await using served = await serve({
    handler: async (message, { send }) => void await send(message),
  });
  await using client = await connect(served.port);
  await using messages = client.messages();
  await client.send("ping");
  const { value } = await messages.next();
  assertEquals(text(value!), "ping");
});

Deno.test("a client connects again after the connection is lost", async () => {
  await using listener = new RawListener();
  await using client = new PacketClient({ port: listener.port });
  for (let i = 0; i < 2; i++) {
    const accepted = listener.greeted();
    await client.connect();
    const peer = await accepted;
    const sent = assertRejects(() => client.send("x"), CypherError);
    await peer.read();
    peer.close();
    assertEquals((await sent).code, "NO_ANSWER");
    assertEquals(client.state, "idle");
  }
});

/** What a raw peer sends before it is established, and what it is told. */
const HANDSHAKES: [string, (peer: RawPeer) => Promise<void>, string[]][] = [
  ["no JSON", (peer) => peer.write(raw(1, "x")), ["BAD_HANDSHAKE"]],
  [
    "a damaged SYN",
    (peer) =>
      peer.write(
        raw(1, { operation_mode: "burst", max_size: 99 }, { damaged: true }),
      ),
    ["BAD_HANDSHAKE"],
  ],
  ["an ACK first", (peer) => peer.write(raw(3, "{}")), ["BAD_HANDSHAKE"]],
  ["an unknown type", (peer) => peer.write(raw(5)), ["BAD_TYPE"]],
  [
    "a huge SYN",
    (peer) => peer.write(raw(1, "", { length: 2 ** 31 })),
    ["TOO_LARGE"],
  ],
];

for (const [name, misbehave, codes] of HANDSHAKES) {
  Deno.test(`a bad handshake is refused in the SYN-ACK: ${name}`, async () => {
    await using served = await serve();
    await using peer = await RawPeer.connect(served.port);
    await misbehave(peer);
    const answer = await peer.read();
    const { status, code, message } = JSON.parse(textOf(answer));
    assertEquals([answer?.type, status, [code]], [2, "error", codes]);
    assert(message.length > 10);
    assertEquals(await peer.next(), "(end)");
    const failure = await served.signal("failure");
    assert(failure.kind === "failure" && failure.code === codes[0]);
  });
}

for (
  const [name, packet, code] of [
    ["data before the ACK", raw(1, "data"), "BAD_HANDSHAKE"],
    ["another session", raw(3, { session_id: "x" }), "UNKNOWN_SESSION"],
    ["no session", raw(3, "{}"), "BAD_HANDSHAKE"],
    ["an unknown type", raw(4), "BAD_TYPE"],
  ] as const
) {
  Deno.test(`a bad ACK is refused with an error packet: ${name}`, async () => {
    await using served = await serve();
    await using peer = await RawPeer.connect(served.port);
    await peer.write(raw(1, { operation_mode: "burst", max_size: 99 }));
    await peer.read();
    await peer.write(packet);
    assertEquals(await peer.next(), `3 0 {"code":"${code}"}`);
    assertEquals(await peer.next(), "(end)");
    assertEquals(served.got, []);
  });
}

for (
  const [name, packet, code, reason] of [
    ["TOO_LARGE", raw(1, "", { length: 1_025 }), "TOO_LARGE", "too-large"],
    ["BAD_TYPE", raw(6), "BAD_TYPE", "protocol-error"],
  ] as const
) {
  Deno.test(`established: ${name} ends the connection`, async () => {
    await using served = await serve();
    await using peer = await RawPeer.connect(served.port);
    await peer.greet();
    await peer.write(packet);
    assertEquals(await peer.next(), `3 0 {"code":"${code}"}`);
    assertEquals(await peer.next(), "(end)");
    const offline = await served.signal("offline");
    assert(offline.kind === "offline");
    assertEquals(offline.reason, reason);
  });
}

Deno.test("established: CHECKSUM asks for the packet again", async () => {
  await using served = await serve();
  await using peer = await RawPeer.connect(served.port);
  const { sequenced, fragments } = await peer.greet({ sequenced: true });
  assertEquals([sequenced, fragments], [true, undefined]);
  await peer.write(
    raw(1, "a", { sequence: 0, damaged: true }),
    raw(1, "b", { sequence: 1 }),
  );
  assertEquals(await peer.next(), '3 0 {"code":"CHECKSUM"}');
  assertEquals(await peer.next(), "2 1 ACK");
  await peer.write(raw(1, "a"), raw(1, "a"));
  assertEquals(await peer.next(), "2 0 ACK");
  assertEquals(await peer.next(), "2 0 ACK");
  assertEquals(served.got, ["a", "b"]);
  const failure = await served.signal("failure");
  assert(failure.kind === "failure" && failure.code === "CHECKSUM");
});

Deno.test("established: the server gives up on a peer that acknowledges nothing", async () => {
  let failed: unknown;
  await using served = await serve({
    ackTimeout: 20,
    handler: async (_, { send }) => {
      failed = await send("news").then(() => "acknowledged", (error) => error);
    },
  });
  await using peer = await RawPeer.connect(served.port);
  await peer.greet();
  await peer.write(raw(1, "hello"));
  assertEquals(await peer.next(), "2 0 ACK");
  for (let i = 0; i < 4; i++) assertEquals(await peer.next(), "1 0 news");
  assertEquals(
    await peer.next(),
    '3 0 {"code":"RETRANSMISSIONS_EXCEEDED"}',
  );
  assertEquals(await peer.next(), "(end)");
  const offline = await served.signal("offline");
  assert(offline.kind === "offline" && offline.reason === "unresponsive");
  assert(failed instanceof PacketError, `${failed}`);
  assertEquals(failed.reason, "RETRANSMISSIONS_EXCEEDED");
});

Deno.test("a raw peer: numbers at 0, both packets of one write, disconnect", async () => {
  await using served = await serve();
  await using peer = await RawPeer.connect(served.port);
  const answer = await peer.greet();
  assertEquals(Object.keys(answer), [
    "status",
    "session_id",
    "operation_mode",
    "max_packet_size",
    "max_size",
    "window_size",
  ]);
  await peer.write(raw(1, "a"), raw(1, "b"), raw(4), raw(5));
  for (let i = 0; i < 3; i++) assertEquals(await peer.next(), "2 0 ACK");
  assertEquals(await peer.next(), "(end)");
  assertEquals(served.got, ["a", "b"]);
});

Deno.test("an ACK and data in one write", async () => {
  await using served = await serve({ newSession: () => "known" });
  await using peer = await RawPeer.connect(served.port);
  await peer.write(
    raw(1, { operation_mode: "burst", max_size: 99 }),
    raw(3, { session_id: "known" }),
    raw(1, "early"),
  );
  await peer.read();
  assertEquals(await peer.next(), "2 0 ACK");
  assertEquals(served.got, ["early"]);
});

Deno.test("without the agreement a large message is refused before anything is sent", async () => {
  await using listener = new RawListener();
  const accepted = listener.greeted({ max_size: 50 });
  await using client = await connect(listener.port);
  const peer = await accepted;
  const { sequenced, fragments, maxPacketSize } = client.agreement!;
  assertEquals([sequenced, fragments, maxPacketSize], [false, false, 50]);
  const error = await assertRejects(
    () => client.send(new Uint8Array(51)),
    CypherError,
    "50 bytes",
  );
  assertEquals(error.code, "TOO_LARGE");
  const sent = client.send("y".repeat(50));
  assertEquals(await peer.next(), `1 0 ${"y".repeat(50)}`);
  await peer.write(raw(2, "ACK"));
  assertEquals(await sent, { packets: 1, resent: 0 });
  const closing = client.close();
  assertEquals(await peer.next(), "5 0");
  await peer.write(raw(2, "ACK"));
  assertEquals(await peer.next(), "(end)");
  peer.close();
  await closing;
});

Deno.test("with it, the smaller message limit of the two holds", async () => {
  await using served = await serve({ limits: { messageBytes: 5_000 } });
  await using client = await connect(served.port);
  await client.send(new Uint8Array(5_000));
  const error = await assertRejects(
    () => client.send(new Uint8Array(5_001)),
    CypherError,
  );
  assertEquals(error.code, "TOO_LARGE");
  assertEquals(served.got.length, 1);
});

Deno.test("a window of packets goes out before the first acknowledgement, and no more", async () => {
  const clock = new FakeClock();
  await using listener = new RawListener();
  const accepted = listener.greeted({ window_size: 5 });
  await using client = await connect(listener.port, { mode: "burst", clock });
  const peer = await accepted;
  const sent = assertRejects(
    () => Promise.all([..."abcdefghij"].map((one) => client.send(one))),
    CypherError,
  );
  for (const one of "abcde") assertEquals(await peer.next(), `1 0 ${one}`);
  // What it sent beyond its window would come before what it sends again.
  await clock.advance(2_000);
  assertEquals(await peer.next(), "1 0 a");
  await peer.write(raw(2, "ACK"), raw(2, "ACK"));
  for (const one of "fg") assertEquals(await peer.next(), `1 0 ${one}`);
  await clock.advance(2_000);
  assertEquals(await peer.next(), "1 0 c");
  peer.close();
  assertEquals((await sent).code, "NO_ANSWER");
});

for (
  const [name, answer, says] of [
    ["refuses", raw(2, { status: "error", message: "Full" }), '"Full"'],
    ["answers something else", raw(1, "{}"), "something else"],
    ["is no packet server", new TextEncoder().encode("220 smtp ready\r\n"), ""],
  ] as const
) {
  Deno.test(`connect rejects when the server ${name}`, async () => {
    await using listener = new RawListener();
    await using client = new PacketClient({ port: listener.port });
    const connecting = assertRejects(() => client.connect(), PacketError, says);
    const peer = await listener.accept();
    await peer.read();
    await peer.write(answer);
    const error = await connecting;
    assert(["BAD_HANDSHAKE", "BAD_TYPE", "TOO_LARGE"].includes(error.reason));
    assertEquals(client.state, "idle");
  });
}

Deno.test("connect rejects when nobody listens, is aborted or too late", async () => {
  await using listener = new RawListener();
  const code = async (client: PacketClient, signal?: AbortSignal) => {
    const given = signal ? { signal } : {};
    return (await assertRejects(() => client.connect(given), CypherError)).code;
  };
  await using nobody = new PacketClient({
    dial: () => Promise.reject(new Deno.errors.ConnectionRefused("no")),
  });
  assertEquals(await code(nobody), "CONNECT_FAILED");
  await using silent = new PacketClient({ port: listener.port });
  assertEquals(await code(silent, AbortSignal.abort()), "ABORTED");
  const stop = new AbortController();
  const aborted = code(silent, stop.signal);
  const peer = await listener.accept();
  stop.abort();
  assertEquals(await aborted, "ABORTED");
  const again = code(silent);
  peer.close();
  assertEquals(await again, "NO_ANSWER");
  await using late = new PacketClient({
    port: listener.port,
    handshakeTimeout: 20,
  });
  assertEquals(await code(late), "DEADLINE");
});

Deno.test("a client that is closed is closed", async () => {
  await using served = await serve();
  const client = await connect(served.port);
  await client.close();
  await client.close();
  assertEquals(client.state, "closed");
  const codeOf = async (run: () => Promise<unknown>) =>
    (await assertRejects(run, CypherError)).code;
  assertEquals(await codeOf(() => client.send("x")), "CLOSED");
  assertEquals(await codeOf(() => client.connect()), "CLOSED");
  const idle = new PacketClient();
  assertEquals(await codeOf(() => idle.send("x")), "CLOSED");
  await idle.close();
});

Deno.test("closing while connecting", async () => {
  await using listener = new RawListener();
  const client = new PacketClient({ port: listener.port });
  const connecting = assertRejects(() => client.connect(), CypherError);
  await listener.accept();
  await client.close();
  assertEquals((await connecting).code, "CLOSED");
});

Deno.test("half a handshake does not outlive its deadline", async () => {
  const clock = new FakeClock();
  await using served = await serve({ clock, handshakeTimeout: 5_000 });
  const syn = raw(1, { operation_mode: "burst", max_size: 99 });
  for (const bytes of [new Uint8Array(0), syn.subarray(0, 20), syn]) {
    await using peer = await RawPeer.connect(served.port);
    await peer.write(bytes);
    if (bytes.length === syn.length) await peer.read();
    await until(() => {
      const [info] = served.server.monitor.connections();
      return info?.state.kind === "handshake" && info.bytesIn === bytes.length;
    });
    await clock.advance(4_999);
    assertEquals(served.server.monitor.connections().length, 1);
    await clock.advance(1);
    assertEquals(await peer.next(), "(end)");
    await until(() => served.server.monitor.connections().length === 0);
  }
});

Deno.test("silence ends it, a keep-alive does not let it come to that", async () => {
  const clock = new FakeClock();
  await using served = await serve({ clock, timeout: 1_000, keepAlive: 400 });
  await using silent = await RawPeer.connect(served.port);
  await using lively = await RawPeer.connect(served.port);
  await silent.greet();
  await lively.greet();
  const states = () =>
    served.server.monitor.connections().map(({ state }) => state.kind);
  await until(() => states().join() === "open,open");
  for (let i = 0; i < 2; i++) {
    await clock.advance(400);
    assertEquals(await lively.next(), "4 0");
    const before = bytesIn(served.server);
    await lively.write(raw(4));
    await until(() => bytesIn(served.server) === before + 11);
  }
  await clock.advance(200);
  assertEquals(await silent.next(), "4 0");
  assertEquals(await silent.next(), "4 0");
  assertEquals(await silent.next(), "(end)");
  const offline = await served.signal("offline");
  assert(offline.kind === "offline" && offline.reason === "timeout");
  await until(() => states().join() === "open");
});

function bytesIn(server: PacketServer): number {
  return server.monitor.connections().reduce(
    (sum, one) => sum + one.bytesIn,
    0,
  );
}

/** Lets the event loop turn until something has happened. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve));
}

Deno.test("a client notices a server that is silent", async () => {
  const clock = new FakeClock();
  await using listener = new RawListener();
  const told: string[] = [];
  const accepted = listener.greeted();
  await using client = await connect(listener.port, {
    clock,
    timeout: 1_000,
    keepAlive: 400,
    onOffline: (reason) => told.push(reason),
  });
  const peer = await accepted;
  await clock.advance(999);
  assertEquals(await peer.next(), "4 0");
  assertEquals(await peer.next(), "4 0");
  assertEquals([client.state, told], ["online", []]);
  await clock.advance(1);
  assertEquals([client.state, told], ["idle", ["timeout"]]);
});

Deno.test("stop lets the handler finish, and says goodbye", async () => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  let handled = 0;
  await using served = await serve({
    handler: async () => {
      await release;
      handled++;
    },
  });
  await using peer = await RawPeer.connect(served.port);
  await peer.greet();
  await peer.write(raw(1, "a"), raw(1, "b"));
  for (let i = 0; i < 2; i++) assertEquals(await peer.next(), "2 0 ACK");
  const stopping = served.server.stop();
  // It takes no more, and does not say that it did.
  await peer.write(raw(1, "c"));
  resolve();
  assertEquals(await peer.next(), "5 0");
  await peer.write(raw(2, "ACK"));
  assertEquals(await peer.next(), "(end)");
  peer.close();
  await stopping;
  assertEquals(handled, 2);
  const offline = await served.signal("offline");
  assert(offline.kind === "offline" && offline.reason === "stopped");
});

Deno.test("stop does not wait longer than its grace, and tells the handler", async () => {
  let aborted = false;
  await using served = await serve({
    handler: (_, { signal }) =>
      new Promise(() => {
        signal.addEventListener("abort", () => aborted = true);
      }),
  });
  await using client = await connect(served.port);
  await client.send("a");
  await client.send("b");
  await served.server.stop({ grace: 10 });
  assert(aborted);
  assertEquals(served.server.monitor.connections(), []);
});

Deno.test("a handler that does not keep up loses nothing", async () => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  let handled = 0;
  await using served = await serve({
    limits: { unhandledBytes: 100_000 },
    maxSize: 65_536,
    handler: async (message) => {
      await release;
      handled += message.length;
    },
  });
  await using peer = await RawPeer.connect(served.port);
  await peer.greet({ max_size: 65_536 });
  const packet = raw(1, new Uint8Array(50_000));
  const size = 200;
  const writing = (async () => {
    for (let i = 0; i < size; i++) await peer.write(packet);
  })();
  for (let i = 0; i < 3; i++) assertEquals(await peer.next(), "2 0 ACK");
  resolve();
  for (let i = 3; i < size; i++) assertEquals(await peer.next(), "2 0 ACK");
  await writing;
  peer.close();
  await served.signal("offline");
  await until(() => handled === size * 50_000);
});

Deno.test("a peer that sends and never reads is dropped", async () => {
  await using served = await serve({ timeout: 300, recvBuffer: 4_096 });
  await using peer = await RawPeer.connect(served.port);
  await peer.greet();
  const many = new Uint8Array(raw(1).length * 5_000);
  for (let at = 0; at < many.length; at += 11) many.set(raw(1), at);
  let ended = false;
  served.signal("offline").then(() => ended = true);
  while (!ended) await peer.write(many).catch(() => {});
  const offline = await served.signal("offline");
  assert(offline.kind === "offline" && offline.reason === "slow-reader");
});

Deno.test("messages that were acknowledged are handled after the peer is gone", async () => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  let handled = 0;
  await using served = await serve({
    handler: async () => {
      await release;
      handled++;
    },
  });
  await using peer = await RawPeer.connect(served.port);
  await peer.greet();
  await peer.write(raw(1, "a"), raw(1, "b"));
  for (let i = 0; i < 2; i++) assertEquals(await peer.next(), "2 0 ACK");
  peer.close();
  await served.signal("offline");
  resolve();
  await until(() => handled === 2);
});

Deno.test("connections beyond the limit are closed", async () => {
  await using served = await serve({ limits: { connections: 1 } });
  await using first = await connect(served.port);
  await using second = new PacketClient({ port: served.port });
  const error = await assertRejects(() => second.connect(), CypherError);
  assertEquals([error.code, first.state], ["NO_ANSWER", "online"]);
});

Deno.test("options are checked where they enter", () => {
  const server: [object, string][] = [
    [{ port: 70_000 }, "65,535"],
    [{ maxSize: 15 }, "from 16 to"],
    [{ windowSize: 0 }, "windowSize"],
    [{ handler: 7 }, "a function"],
    [{ monitor: {} }, "a Monitor"],
    [{ limits: { queue: 1 } }, "limits.queue"],
    [{ prot: 1 }, '"prot"'],
    [{ hostname: "" }, "hostname"],
  ];
  for (const [options, says] of server) {
    const error = assertThrows(
      () => new PacketServer(options),
      CypherError,
      says,
    );
    assertEquals(error.code, "BAD_OPTION");
  }
  const client: [object, string][] = [
    [{ port: 0 }, "from 1 to 65,535"],
    [{ mode: "fast" }, '"step-by-step" or "burst"'],
    [{ clientId: "x".repeat(257) }, "256 characters"],
    [{ timeout: Infinity }, "timeout"],
  ];
  for (const [options, says] of client) {
    assertThrows(() => new PacketClient(options), CypherError, says);
  }
});

Deno.test("a message is bytes or a text", async () => {
  await using served = await serve();
  await using client = await connect(served.port);
  const error = await assertRejects(
    () => client.send(7 as unknown as string),
    CypherError,
  );
  assertEquals(error.code, "BAD_OPTION");
  const bytes = new TextEncoder().encode("before");
  const sent = client.send(bytes);
  bytes.fill(0);
  await sent;
  await client.send("wörld");
  assertEquals(served.got, ["before", "wörld"]);
});

Deno.test("what a callback throws is the program's, and costs no connection", async () => {
  await using served = await serve({
    handler: async (message, { send }) => void await send(message),
  });
  const seen: string[] = [];
  const caught = (event: ErrorEvent) => {
    event.preventDefault();
    seen.push(String(event.error));
  };
  addEventListener("error", caught);
  await using client = await connect(served.port, {
    onMessage: () => {
      throw new Error("mine");
    },
  });
  await client.send("a");
  await client.send("b");
  await until(() => seen.length === 2);
  removeEventListener("error", caught);
  assertEquals([seen, client.state], [
    ["Error: mine", "Error: mine"],
    "online",
  ]);
});
