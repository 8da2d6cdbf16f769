/** What the session wire promises, over real sockets and through bad ones. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  CypherClient,
  type CypherClientOptions,
  CypherServer,
  type CypherServerOptions,
} from "../mod.ts";
import { FRAME } from "../protocol/frames.ts";
import { PREFACE } from "../protocol/noise.ts";
import {
  clientKeys,
  codeOf,
  Effects,
  equalKeys,
  errorOf,
  Gate,
  HandServer,
  makeClient as makeAnyClient,
  randomFrom,
  seeded,
  serverKeys,
  SignalLog,
  startServer as startAnyServer,
  until,
  within,
} from "./support/cypher.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { type Address, FaultProxy } from "./support/fault_proxy.ts";
import { MemoryNetwork } from "./support/memory_network.ts";
import { SessionPeer } from "./support/session_peer.ts";

const startServer: typeof startAnyServer = (handler, options) =>
  startAnyServer(handler, { wires: ["session", "classic"], ...options });

function makeClient(
  address: Address,
  options: Partial<CypherClientOptions> = {},
): CypherClient {
  return makeAnyClient(address, { wire: "session", ...options });
}

Deno.test("10,000 requests through 200 cuts are answered, one effect each", async () => {
  const { seed, random } = seeded();
  const effects = new Effects<number>();
  await using server = await startServer(async ({ data }) => {
    effects.add(data as number);
    if (random() < 0.5) await Promise.resolve();
    return { data };
  }, { window: 64 });
  // Past the handshake, or nothing would ever get through.
  const cut = () => ({ cutAt: 600 + Math.floor(random() * 6_000) });
  await using proxy = FaultProxy.start(
    server.address,
    () => random() < 0.5 ? { up: cut() } : { down: cut() },
  );
  let cuts = 0;
  let answered = 0;
  let asked = 0;
  await using client = makeClient(proxy.address, {
    onOffline: () => {
      if (client.pending > 0) cuts++;
    },
  });
  const ask = async () => {
    while (answered < 10_000 || cuts < 200) {
      const number = asked++;
      const { data } = await client.request({ path: "/", data: number });
      assertEquals(data, number);
      answered++;
    }
  };
  await Promise.all(Array.from({ length: 64 }, ask)).catch((error) => {
    throw new Error(`CYPHER_SEED=${seed}`, { cause: error });
  });
  assertEquals(effects.counts.size, asked);
  assertEquals(effects.total, asked);
});

Deno.test("a handler whose request is cancelled sees its signal abort", async () => {
  const began = new Gate();
  const aborted = new Gate();
  await using server = await startServer(async (_, { signal }) => {
    signal.addEventListener("abort", () => aborted.open());
    began.open();
    await aborted.passed;
    return {};
  });
  await using client = makeClient(server.address);
  const cancel = new AbortController();
  const answer = client.request({ path: "/" }, { signal: cancel.signal });
  await began.passed;
  cancel.abort();
  assertEquals(await codeOf(answer), "ABORTED");
  await aborted.passed;
  // The slot and the connection are as good as before.
  await client.request({ path: "/" });
});

Deno.test("a cancel that a cut has swallowed is sent again", async () => {
  const began = new Gate();
  const aborted = new Gate();
  await using server = await startServer(async (_, { signal }) => {
    signal.addEventListener("abort", () => aborted.open());
    began.open();
    await aborted.passed;
    return {};
  });
  await using proxy = FaultProxy.start(server.address);
  await using client = makeClient(proxy.address);
  const cancel = new AbortController();
  const answer = client.request({ path: "/" }, { signal: cancel.signal });
  await began.passed;
  proxy.cutAll();
  await until("the client's loss", () => client.state !== "online");
  cancel.abort();
  assertEquals(await codeOf(answer), "ABORTED");
  await aborted.passed;
});

Deno.test("a slow handler does not delay others on its connection", async () => {
  const slow = new Gate();
  await using server = await startServer(async ({ path }) => {
    if (path === "/SLOW") await slow.passed;
    return { data: path };
  });
  await using client = makeClient(server.address);
  const first = client.request({ path: "/SLOW" });
  for (let i = 0; i < 100; i++) {
    const { data } = await client.request({ path: "/FAST" });
    assertEquals(data, "/FAST");
  }
  assertEquals(server.monitor.connections().length, 1);
  slow.open();
  assertEquals((await first).data, "/SLOW");
});

Deno.test("after a restart exactly what was written has an unknown outcome", async () => {
  const stuck = new Gate();
  const effects = new Effects<string>();
  const began = new Effects<string>();
  const first = await startServer(async ({ data }) => {
    began.add(data as string);
    await stuck.passed;
    return { data };
  }, { window: 2 });
  await using proxy = FaultProxy.start(first.address);
  await using client = makeClient(proxy.address);
  const written = client.request({ path: "/", data: "written" });
  const idempotent = client.request(
    { path: "/", data: "idempotent" },
    { idempotent: true },
  );
  await until("both handlers run", () => began.total === 2);
  // Over the window: these are not even written.
  const queued = client.request({ path: "/", data: "queued" });
  await using second = await startServer(({ data }) => {
    effects.add(data as string);
    return { data };
  }, { window: 2 });
  proxy.retarget(second.address);
  proxy.cutAll();
  assertEquals(await codeOf(written), "OUTCOME_UNKNOWN");
  assertEquals((await within("an answer", idempotent)).data, "idempotent");
  assertEquals((await within("an answer", queued)).data, "queued");
  assertEquals(
    [...effects.counts].sort(),
    [["idempotent", 1], ["queued", 1]],
  );
  assertEquals(began.of("queued"), 0);
  stuck.open();
  await first.stop();
});

Deno.test('onRestart: "resend" sends everything again', async () => {
  const stuck = new Gate();
  const began = new Gate();
  const first = await startServer(async () => {
    began.open();
    await stuck.passed;
    return {};
  });
  await using proxy = FaultProxy.start(first.address);
  await using client = makeClient(proxy.address, { onRestart: "resend" });
  const answer = client.request({ path: "/", data: 7 });
  await began.passed;
  await using second = await startServer(({ data }) => ({ data }));
  proxy.retarget(second.address);
  proxy.cutAll();
  assertEquals((await within("an answer", answer)).data, 7);
  stuck.open();
  await first.stop();
});

Deno.test("an answer that was evicted is lost, and nothing is executed twice", async () => {
  let effects = 0;
  let proxy: FaultProxy | undefined;
  await using server = await startServer(() => {
    // The answer has nobody to go to, and no room to be kept.
    if (effects++ === 0) proxy!.cutAll();
    return {};
  }, { answers: { maxBytes: 0 } });
  await using started = proxy = FaultProxy.start(server.address);
  await using client = makeClient(started.address);
  assertEquals(await codeOf(client.request({ path: "/" })), "ANSWER_LOST");
  assertEquals(effects, 1);
  await client.request({ path: "/" });
  assertEquals(effects, 2);
});

Deno.test("what is over the other's limit is refused, and only that", async () => {
  let effects = 0;
  await using server = await startServer(({ path, data }) => {
    effects++;
    return path === "/LARGE" ? { data: "x".repeat(5_000) } : { data };
  }, { limits: { messageBytes: 10_000 } });
  await using client = makeClient(server.address, {
    limits: { messageBytes: 4_000 },
  });
  const code = codeOf(client.request({ path: "/LARGE" }));
  assertEquals(await code, "ANSWER_TOO_LARGE");
  assertEquals(effects, 1);
  const own = client.request({ path: "/", data: "x".repeat(5_000) });
  assertEquals(await codeOf(own), "TOO_LARGE");
  await using patient = makeClient(server.address);
  const large = { path: "/", data: "x".repeat(20_000) };
  assertEquals(await codeOf(patient.request(large)), "TOO_LARGE");
  assertEquals(effects, 1);
  assertEquals((await patient.request({ path: "/", data: 1 })).data, 1);
  assertEquals(server.monitor.connections().length, 2);
});

for (const later of [false, true]) {
  const when = later ? "later" : "at once";
  Deno.test(`a reader that never reads is closed; answers come ${when}`, async () => {
    // Silent afterwards: that it does not read is all there is to find.
    const count = later ? 500 : 5_000;
    const ids = Array.from({ length: count }, (_, i) => i + 1);
    const finish = new Gate();
    let calls = 0;
    await using server = await startServer(async () => {
      calls++;
      if (later) await finish.passed;
      return { data: "x".repeat(100_000) };
    }, {
      window: count,
      heartbeat: 3_600_000,
      limits: { writeBufferBytes: 1_000_000, writeTimeout: 100 },
    });
    using log = new SignalLog(server.monitor);
    using peer = await SessionPeer.dial(server.address);
    await peer.send(FRAME.request, ids, '{"PATH":"/","OPERATION":"READ"}');
    if (later) await until("all run", () => calls === count);
    finish.open();
    const [offline] = await log.wait("offline");
    assertEquals(offline!.reason, "slow-reader");
    // What the system's buffers take, the bound, and what one read brought.
    // One of these reads brings 1,057 requests at most.
    if (!later) assert(calls <= 2_000, `${calls} answers were made for it`);
  });
}

Deno.test("a peer of another wire is told apart, with the remedy", async () => {
  await using hand = new HandServer();
  await using client = makeClient(hand.address);
  const error = errorOf(client.connect());
  (await hand.accept()).close();
  const { code, message } = await error;
  assertEquals(code, "WIRE_MISMATCH");
  assertStringIncludes(message, 'wire: "classic"');
});

Deno.test("a server of the classic wire alone refuses a session", async () => {
  await using server = await startServer(() => ({}), { wires: ["classic"] });
  await using client = makeClient(server.address);
  const { code, message } = await errorOf(client.connect());
  assertEquals(code, "WIRE_MISMATCH");
  assertStringIncludes(message, 'wire: "classic"');
});

for (const wire of ["session", "classic"] as const) {
  Deno.test(`${wire}: whose address is refused for wrong keys hears of it`, async () => {
    await using server = await startServer(() => ({}), {
      limits: { badTokens: 1 },
    });
    using log = new SignalLog(server.monitor);
    {
      await using stranger = makeClient(server.address, equalKeys);
      assertEquals(await codeOf(stranger.connect()), "UNAUTHORIZED");
      // It tries again by itself, which is once too often.
      await log.wait("limit");
    }
    // The keys are right now, and it is not let in either.
    const options = { wire, maxUnanswered: 1 };
    await using client = makeClient(server.address, options);
    const { message } = await errorOf(
      wire === "session" ? client.connect() : client.request({}),
    );
    assertStringIncludes(message, "banTime");
  });

  Deno.test(`${wire}: who finds no room hears of it`, async () => {
    await using server = await startServer(() => ({}), {
      limits: { connections: 1 },
    });
    await using first = makeClient(server.address);
    await first.connect();
    const options = { wire, maxUnanswered: 1 };
    await using client = makeClient(server.address, options);
    const { message } = await errorOf(
      wire === "session" ? client.connect() : client.request({}),
    );
    assertStringIncludes(message, "limits.connections");
  });
}

Deno.test("what may have been executed is not called too large", async () => {
  const quiet = new Quiet();
  let effects = 0;
  const start = (messageBytes: number) =>
    quiet.server({
      limits: { messageBytes },
      handler: () => {
        effects++;
        return new Promise(() => {});
      },
    });
  const first = start(10_000);
  const client = quiet.client({ onRestart: "resend" });
  const large = { path: "/", data: "x".repeat(5_000) };
  const written = codeOf(client.request(large));
  await quiet.clock.advance(100);
  assertEquals(effects, 1);
  await quiet.ending(first.stop({ grace: 0 }));
  const second = start(4_000);
  const unwritten = codeOf(client.request(large));
  assertEquals(await quiet.ending(written), "OUTCOME_UNKNOWN");
  assertEquals(await quiet.ending(unwritten), "TOO_LARGE");
  assertEquals(effects, 1);
  await quiet.ending(client.close());
  await quiet.ending(second.stop({ grace: 0 }));
});

Deno.test("the newest holder of a secret replaces the older one for good", async () => {
  const stuck = new Gate();
  await using server = await startServer(async ({ path }) => {
    if (path === "/STUCK") await stuck.passed;
    return { data: path };
  });
  using log = new SignalLog(server.monitor);
  const states: string[] = [];
  await using older = withSecret(() =>
    makeClient(server.address, { onOffline: () => states.push(older.state) })
  );
  await using newer = withSecret(() => makeClient(server.address));
  const answer = older.request({ path: "/STUCK" });
  await until(
    "it runs",
    () => server.monitor.connections()[0]?.inProgress === 1,
  );
  await newer.connect();
  assertEquals(await codeOf(answer), "REPLACED");
  assertEquals(older.state, "closed");
  assertEquals(states, ["closed"]);
  const [offline] = await log.wait("offline");
  assertEquals(offline!.reason, "replaced");
  // Nobody here has closed it: whoever asks later is told the same.
  assertEquals(await codeOf(older.request({ path: "/" })), "REPLACED");
  assertEquals(await codeOf(older.connect()), "REPLACED");
  stuck.open();
  await newer.close();
  // Coming back would be a war: it never dials again.
  assertEquals(log.of("online").length, 2);
});

/** As if it had been stolen: otherwise no two clients share a secret. */
function withSecret<T>(make: () => T): T {
  const { getRandomValues } = crypto;
  crypto.getRandomValues = <T extends ArrayBufferView | null>(array: T): T => {
    if (array instanceof Uint8Array) array.fill(7);
    return array;
  };
  try {
    return make();
  } finally {
    crypto.getRandomValues = getRandomValues;
  }
}

/** A server and clients in memory, where time is the test's. */
class Quiet {
  readonly clock = new FakeClock();
  readonly network: MemoryNetwork;

  /** `slice`: whether reads and writes take random parts of what they could. */
  constructor({ slice = false } = {}) {
    this.network = new MemoryNetwork({
      clock: this.clock,
      random: randomFrom(1),
      delay: 2,
      slice,
    });
  }

  server(options: Partial<CypherServerOptions> = {}): CypherServer {
    const server = new CypherServer({
      ...serverKeys,
      wires: ["session"],
      handler: ({ data }) => ({ data }),
      listen: this.network.listen,
      clock: this.clock,
      answers: { tokens: 1_024 },
      ...options,
    });
    server.start();
    return server;
  }

  client(options: Partial<CypherClientOptions> = {}): CypherClient {
    return new CypherClient({
      ...clientKeys,
      dial: this.network.dial,
      clock: this.clock,
      random: randomFrom(2),
      ...options,
    });
  }

  /** Lets time go by until a promise is settled. */
  async ending<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    promise.then(() => settled = true, () => settled = true);
    while (!settled) await this.clock.advance(10);
    return await promise;
  }
}

Deno.test("a half-open peer is found within two heartbeats, from either side", async () => {
  const quiet = new Quiet();
  const server = quiet.server({ heartbeat: 1_000 });
  using log = new SignalLog(server.monitor);
  const reasons: string[] = [];
  const client = quiet.client({ onOffline: (reason) => reasons.push(reason) });
  await quiet.ending(client.connect());
  // Life goes on for as long as the peers hear of each other.
  await quiet.clock.advance(60_000);
  assertEquals([reasons, log.of("offline")], [[], []]);
  assert(server.monitor.connections()[0]?.roundTrip !== undefined);
  const [link] = quiet.network.links;
  link!.swallow("client");
  link!.swallow("server");
  await quiet.clock.advance(2_000 + 10);
  assertEquals(reasons, ["unresponsive"]);
  assertEquals(log.of("offline").map(({ reason }) => reason), ["unresponsive"]);
  await quiet.ending(client.close());
  await quiet.ending(server.stop());
});

Deno.test("a half-open peer is found though its pings are written in pieces", async () => {
  const quiet = new Quiet({ slice: true });
  const server = quiet.server({ heartbeat: 1_000 });
  const reasons: string[] = [];
  const client = quiet.client({ onOffline: (reason) => reasons.push(reason) });
  await quiet.ending(client.connect());
  quiet.network.links[0]!.lose("server");
  await quiet.clock.advance(2_000 + 10);
  assertEquals(reasons, ["unresponsive"]);
  await quiet.ending(client.close());
  await quiet.ending(server.stop());
});

Deno.test("wrong keys are refused, and retried ever more slowly", async () => {
  const quiet = new Quiet();
  const server = quiet.server();
  using log = new SignalLog(server.monitor);
  const dials: number[] = [];
  const reasons: string[] = [];
  const client = quiet.client({
    ...equalKeys,
    random: () => 0.999,
    onOffline: (reason) => reasons.push(reason),
    dial: (...args) => {
      dials.push(quiet.clock.now());
      return quiet.network.dial(...args);
    },
  });
  const { code, message } = await errorOf(quiet.ending(client.connect()));
  assertEquals(code, "UNAUTHORIZED");
  await quiet.clock.advance(60_000);
  const pauses = dials.slice(1).map((at, i) => at - dials[i]!);
  assertEquals(
    pauses.map((pause) => Math.floor((pause + 50) / 1_000)),
    [1, 2, 4, 8, 10, 10, 10, 10].slice(0, pauses.length),
  );
  assert(pauses.length >= 6);
  // One signal for each, about nothing but that.
  assertEquals(log.of("failure").length, dials.length);
  assert(log.of("failure").every((one) => one.code === "UNAUTHORIZED"));
  assertEquals(log.of("online"), []);
  assertEquals(reasons, ["unauthorized"]);
  const told = JSON.stringify(log.all) + message;
  for (const key of [...Object.values(serverKeys), equalKeys.encryptionKey]) {
    assert(!told.includes(key), "A key was told");
  }
  await quiet.ending(client.close());
  await quiet.ending(server.stop());
  assertEquals(quiet.network.links, []);
});

Deno.test("whoever has not heard that it was forgotten is told again", async () => {
  const quiet = new Quiet();
  const finish = new Gate();
  const deaf = new Gate();
  let effects = 0;
  const server = quiet.server({
    answers: { tokens: 1_024, maxAge: 5_000 },
    handler: async () => {
      effects++;
      await finish.passed;
      return {};
    },
  });
  let dials = 0;
  const client = quiet.client({
    backoff: { first: 100, max: 1_000 },
    dial: async (...args) => {
      const conn = await quiet.network.dial(...args);
      if (++dials !== 2) return conn;
      // The handshake comes through, and what is said next does not.
      let reads = 0;
      return {
        write: (bytes) => conn.write(bytes),
        closeWrite: () => conn.closeWrite(),
        close: () => conn.close(),
        read: async (into) => {
          if (++reads > 1) await deaf.passed;
          return await conn.read(into);
        },
      };
    },
  });
  const code = codeOf(client.request({ path: "/" }));
  await quiet.clock.advance(100);
  assertEquals(effects, 1);
  quiet.network.unreachable = true;
  quiet.network.links[0]!.cut();
  await quiet.clock.advance(30_000);
  quiet.network.unreachable = false;
  while (dials < 2) await quiet.clock.advance(10);
  await quiet.clock.advance(100);
  quiet.network.links[0]!.cut();
  deaf.open();
  finish.open();
  // It is back before it could be forgotten once more.
  assertEquals(await quiet.ending(code), "OUTCOME_UNKNOWN");
  assertEquals([dials, effects], [3, 1]);
  await quiet.ending(client.request({ path: "/" }));
  assertEquals(effects, 2);
  await quiet.ending(client.close());
  await quiet.ending(server.stop());
});

Deno.test("a handshake that a stop comes upon is refused, not cut off", async () => {
  await using server = await startServer(({ data }) => ({ data }));
  const { hostname, port } = server.address;
  const late = await Deno.connect({ hostname, port });
  await late.write(PREFACE.subarray(0, 1));
  await until(
    "its first byte",
    () => server.monitor.connections()[0]?.bytesIn === 1,
  );
  const stopped = server.stop();
  const got: number[] = [];
  for await (const chunk of late.readable) got.push(...chunk);
  assertEquals(got, [0, 0, 3]);
  await stopped;
});

for (const limit of ["handshakes", "unproven"]) {
  Deno.test(`a handshake over limits.${limit} is told that the server is busy`, async () => {
    const limits = { limits: { [limit]: 1 } };
    await using server = await startServer(({ data }) => ({ data }), limits);
    using log = new SignalLog(server.monitor);
    const { hostname, port } = server.address;
    const oldest = await Deno.connect({ hostname, port });
    await oldest.write(PREFACE.subarray(0, 1));
    await until(
      "its first byte",
      () => server.monitor.connections()[0]?.bytesIn === 1,
    );
    using newer = await Deno.connect({ hostname, port });
    await newer.write(PREFACE.subarray(0, 1));
    const got: number[] = [];
    for await (const chunk of oldest.readable) got.push(...chunk);
    assertEquals(got, [0, 0, 2]);
    const [reached] = await log.wait("limit");
    assertEquals(reached!.limit, limit);
  });
}

Deno.test("a hello that comes late takes nothing from a newer connection", async () => {
  await using server = await startServer(({ data }) => ({ data }));
  const secret = crypto.getRandomValues(new Uint8Array(32));
  using older = await SessionPeer.connect(server.address, secret);
  using newer = await SessionPeer.connect(server.address, secret);
  await newer.hello();
  await newer.receive(FRAME.hello);
  await older.hello();
  assertEquals(await older.receive(FRAME.hello), null);
  await newer.send(FRAME.ping, [0], "12345678");
  assert(await newer.receive(FRAME.pong));
  // Nor is there anything to be had once the newer one is gone.
  using late = await SessionPeer.connect(server.address, secret);
  {
    using last = await SessionPeer.connect(server.address, secret);
    await last.hello();
    await last.receive(FRAME.hello);
  }
  const left = () => server.monitor.connections().length === 1;
  await until("its end", left);
  await late.hello();
  assertEquals(await late.receive(FRAME.hello), null);
});

Deno.test("an id of 0 is the connection's, and not to be asked with", async () => {
  for (const type of [FRAME.request, FRAME.cancel]) {
    await using server = await startServer(({ data }) => ({ data }));
    using log = new SignalLog(server.monitor);
    using peer = await SessionPeer.dial(server.address);
    await peer.send(type, [0], "{}");
    assertEquals(await peer.receive(FRAME.error), null);
    const [offline] = await log.wait("offline");
    assertEquals(offline!.reason, "protocol-error");
  }
});

Deno.test("a draining server finishes, and its clients come back later", async () => {
  const quiet = new Quiet();
  const finish = new Gate();
  const server = quiet.server({
    handler: async ({ data }) => {
      await finish.passed;
      return { data };
    },
  });
  const reasons: string[] = [];
  const client = quiet.client({ onOffline: (reason) => reasons.push(reason) });
  await quiet.ending(client.connect());
  const running = client.request({ path: "/", data: "running" });
  await quiet.clock.advance(10);
  const stopped = server.stop();
  const next = quiet.server();
  await quiet.clock.advance(10);
  const late = client.request({ path: "/", data: "late" });
  await quiet.clock.advance(10);
  finish.open();
  assertEquals((await quiet.ending(running)).data, "running");
  await quiet.ending(stopped);
  const left = quiet.clock.now();
  assertEquals((await quiet.ending(late)).data, "late");
  assertEquals(reasons, ["draining"]);
  assert(quiet.clock.now() - left >= 900, "The client did not stay away");
  await quiet.ending(client.close());
  await quiet.ending(next.stop());
});

for (const down of [0, 100, 1_000]) {
  Deno.test(`1,000 clients come back spread out after ${down} ms`, async () => {
    const quiet = new Quiet();
    // For the start, where they all come at once.
    const first = quiet.server({ limits: { handshakes: 1_000 } });
    const random = randomFrom(down + 1);
    const back: number[] = [];
    let online = 0;
    const clients = Array.from({ length: 1_000 }, () =>
      quiet.client({
        random,
        onOnline: () => {
          online++;
          back.push(quiet.clock.now());
        },
      }));
    await quiet.ending(Promise.all(
      clients.map(async (client) => {
        await client.connect();
        await client.request({ path: "/" });
      }),
    ));
    assertEquals(online, 1_000);
    back.length = 0;
    for (const link of quiet.network.links) link.cut();
    const stopped = first.stop({ grace: 0 });
    if (down > 0) await quiet.clock.advance(down);
    const second = quiet.server();
    while (back.length < 1_000) await quiet.clock.advance(100);
    await stopped;
    for (const start of back) {
      const near = back.filter((at) => at >= start && at < start + 100).length;
      assert(near <= 200, `${near} came back within 100 ms of ${start}`);
    }
    await quiet.ending(Promise.all(clients.map((client) => client.close())));
    await quiet.ending(second.stop());
  });
}
