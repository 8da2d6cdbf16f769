import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { CypherServer, type JsonValue, Monitor } from "../mod.ts";
import {
  codeOf,
  concat,
  Effects,
  Gate,
  HeldTimers,
  makeClient,
  serverKeys,
  SignalLog,
  startServer,
  until,
  Wire,
  within,
} from "./support/cypher.ts";

const MEBIBYTE = 1024 * 1024;
const BIG = "x".repeat(MEBIBYTE);

/** More than a server reads ahead, of a message that has no end yet. */
const UNREAD = new Uint8Array(300_000).fill(0x67);

/** How large the token of an answer with BIG is: all of it must arrive. */
async function expectBig(wire: Wire, name: string): Promise<void> {
  const token = await wire.token();
  assert(token !== null, `${name}: the answer was torn`);
  assert(token.length > MEBIBYTE, name);
  assertEquals(await wire.end(), { bytes: 0, how: "closed" }, name);
}

Deno.test("1 MiB is never lost to a stop while its handler runs, 100 of 100", async () => {
  for (let round = 0; round < 100; round++) {
    const gate = new Gate();
    let called = false;
    await using server = await startServer(async () => {
      called = true;
      await gate.passed;
      return { data: BIG };
    });
    using wire = await Wire.dial(server.address);
    // What the server has not read is what makes a close a reset.
    const sending = wire.send(concat([await wire.seal({}), UNREAD]));
    await until("the call", () => called);
    const stopping = server.stop();
    gate.open();
    await expectBig(wire, `round ${round}`);
    await sending;
    wire.close();
    await stopping;
  }
});

Deno.test("1 MiB is never lost to a stop while it is written, 100 of 100", async () => {
  for (let round = 0; round < 100; round++) {
    // Every other connection has had an answer before.
    const small = round % 2 === 0;
    await using server = await startServer(({ data }) => ({ data }), {
      transmissionBuffer: 65_536,
    });
    using log = new SignalLog(server.monitor);
    using wire = await Wire.dial(server.address);
    if (small) await wire.ask({ DATA: 1 });
    const sending = wire.send(
      concat([await wire.seal({ DATA: BIG }), UNREAD]),
    );
    await log.wait("request", small ? 2 : 1);
    const stopping = server.stop();
    await expectBig(wire, `round ${round}`);
    await sending.catch(() => {});
    wire.close();
    await stopping;
    assertEquals(log.of("offline").map(({ reason }) => reason), ["stopped"]);
  }
});

Deno.test("1 MiB is never lost to a bad token behind its request, 100 of 100", async () => {
  await using server = await startServer(() => ({ data: BIG }), {
    limits: { badTokens: Infinity },
  });
  using log = new SignalLog(server.monitor);
  for (let round = 0; round < 100; round++) {
    using wire = await Wire.dial(server.address);
    const bad = new TextEncoder().encode("no token\0");
    const sending = wire.send(concat([await wire.seal({}), bad, UNREAD]));
    await expectBig(wire, `round ${round}`);
    await sending.catch(() => {});
  }
  const offline = await log.wait("offline", 100);
  assertEquals(new Set(offline.map(({ reason }) => reason)).size, 1);
  assertEquals(offline[0]?.reason, "bad-token");
});

Deno.test("an answer is whole, however large, when a stop meets its writing", async () => {
  // More than the sockets' buffers take: the write waits for the reader.
  const huge = "x".repeat(12 * MEBIBYTE);
  for (const small of [false, true]) {
    await using server = await startServer(({ path }) => ({
      data: path === "/HUGE" ? huge : 1,
    }));
    using log = new SignalLog(server.monitor);
    using wire = await Wire.dial(server.address);
    if (small) await wire.ask({});
    await wire.send(await wire.seal({ PATH: "/HUGE" }));
    await log.wait("request", small ? 2 : 1);
    const stopping = server.stop();
    const { DATA } = await wire.receive() as { DATA: string };
    assert(DATA === huge, "not the answer");
    wire.close();
    await stopping;
  }
});

Deno.test("stop() answers what runs, closes what is idle, takes no more", async () => {
  const gate = new Gate();
  const effects = new Effects<JsonValue>();
  await using server = await startServer(async ({ data }) => {
    effects.add(data);
    if (data !== "quick") await gate.passed;
    return { data: { answer: data } };
  });
  const { address } = server;
  using log = new SignalLog(server.monitor);
  using busy = await Wire.dial(address);
  using used = await Wire.dial(address);
  using fresh = await Wire.dial(address);
  await log.wait("online", 3);
  await used.ask({ DATA: "quick" });
  const next = await busy.seal({ DATA: "next" });
  await busy.send(concat([await busy.seal({ DATA: "busy" }), next]));
  await until("the call", () => effects.of("busy") === 1);

  const stopping = server.stop({ grace: 60_000 });
  let stopped = false;
  stopping.then(() => stopped = true);
  assertEquals(await used.end(), { bytes: 0, how: "closed" });
  assertEquals(await fresh.end(), { bytes: 0, how: "closed" });
  let refused: unknown;
  try {
    (await Wire.dial(address)).close();
  } catch (error) {
    refused = error;
  }
  assertInstanceOf(refused, Deno.errors.ConnectionRefused);
  used.close();
  fresh.close();
  await until(
    "the end of the idle ones",
    () => server.monitor.connections().length === 1,
  );
  const [draining] = server.monitor.connections();
  assertEquals(draining?.state.kind, "draining");
  assertEquals(draining?.inProgress, 1);
  assertEquals(server.monitor.listeners()[0]?.state, "draining");
  assertEquals(stopped, false);

  gate.open();
  const { DATA } = await busy.receive() as { DATA: JsonValue };
  assertEquals(DATA, { answer: "busy" });
  assertEquals(await busy.end(), { bytes: 0, how: "closed" });
  busy.close();
  await stopping;
  assertEquals(effects.of("next"), 0, "no request was begun after the stop");
  assertEquals(server.monitor.connections(), []);
  assertEquals(server.monitor.listeners(), []);
  assertEquals(log.of("offline").map(({ reason }) => reason), [
    "stopped",
    "stopped",
    "stopped",
  ]);
});

Deno.test("stop() lets an execution finish whose connection is gone", async () => {
  const gate = new Gate();
  let signal: AbortSignal | undefined;
  let finished = false;
  await using server = await startServer(async (_, context) => {
    signal = context.signal;
    await gate.passed;
    finished = true;
    return {};
  });
  using log = new SignalLog(server.monitor);
  const wire = await Wire.dial(server.address);
  await wire.send(await wire.seal({}));
  await until("the call", () => signal !== undefined);
  wire.close();
  await log.wait("offline");
  const stopping = server.stop({ grace: 60_000 });
  gate.open();
  await within("the stop", stopping);
  assertEquals(finished, true);
  assertEquals(signal?.aborted, false);
});

Deno.test("over the grace: the signals abort, the connections are closed", async () => {
  const timers = new HeldTimers(54_321);
  const signals: AbortSignal[] = [];
  const gate = new Gate();
  await using server = await startServer(async (_, { signal }) => {
    signals.push(signal);
    await gate.passed;
    return { data: "too late" };
  }, { clock: timers.clock });
  using log = new SignalLog(server.monitor);
  using one = await Wire.dial(server.address);
  using two = await Wire.dial(server.address);
  for (const wire of [one, two]) await wire.send(await wire.seal({}));
  await until("both calls", () => signals.length === 2);
  const stopping = server.stop({ grace: timers.delay });
  await until("the grace", () => timers.waiting === 1);
  assertEquals(signals.map(({ aborted }) => aborted), [false, false]);
  timers.fire();
  assertEquals(signals.map(({ aborted }) => aborted), [true, true]);
  await within("the stop", stopping);
  for (const wire of [one, two]) {
    assertEquals((await wire.end()).bytes, 0);
  }
  assertEquals(server.monitor.connections(), []);
  const offline = log.of("offline");
  assertEquals(offline.map(({ reason }) => reason), ["stopped", "stopped"]);
  assertEquals(offline.map(({ inProgress }) => inProgress), [1, 1]);
  gate.open();
});

Deno.test("stop({ grace: 0 }) waits for nothing", async () => {
  let called = false;
  const gate = new Gate();
  await using server = await startServer(async () => {
    called = true;
    await gate.passed;
    return {};
  });
  using wire = await Wire.dial(server.address);
  await wire.send(await wire.seal({}));
  await until("the call", () => called);
  await within("the stop", server.stop({ grace: 0 }));
  assertEquals((await wire.end()).bytes, 0);
  gate.open();
});

Deno.test("stop() twice is one stop; the second waits for the first", async () => {
  const gate = new Gate();
  let called = false;
  await using server = await startServer(async () => {
    called = true;
    await gate.passed;
    return {};
  });
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address);
  await wire.send(await wire.seal({}));
  await until("the call", () => called);
  const order: string[] = [];
  const first = server.stop({ grace: 60_000 }).then(() => order.push("first"));
  const second = server.stop({ grace: 0 }).then(() => order.push("second"));
  gate.open();
  await wire.receive();
  assertEquals((await wire.end()).how, "closed");
  wire.close();
  await Promise.all([first, second]);
  assertEquals(order.length, 2);
  await within("a third stop", server.stop());
  assertEquals(log.of("offline").map(({ reason }) => reason), ["stopped"]);
  assertEquals(await codeOf(server.start()), "CLOSED");
});

Deno.test("a server that never started can be stopped", async () => {
  const server = new CypherServer({
    ...serverKeys,
    port: 0,
    handler: () => ({}),
  });
  await server.stop();
  await server.stop();
  assertEquals(await codeOf(server.start()), "CLOSED");
});

Deno.test("await using stops a server; its port can be taken again", async () => {
  const monitor = new Monitor();
  let address: Deno.NetAddr;
  {
    await using server = await startServer(() => ({}), { monitor });
    address = server.address;
    using wire = await Wire.dial(address);
    await wire.ask({});
    assertEquals(monitor.listeners().length, 1);
  }
  assertEquals(monitor.listeners(), []);
  assertEquals(monitor.connections(), []);
  await using again = await startServer(({ data }) => ({ data }), {
    port: address.port,
  });
  await using client = makeClient(again.address);
  assertEquals((await client.request({ data: 1 })).data, 1);
});

Deno.test("a client moves on to the next server, with what it has pending", async () => {
  const effects = new Effects<JsonValue>();
  const first = await startServer(({ data }) => ({ data: { first: data } }));
  let { port } = first.address;
  await using client = makeClient(first.address, {
    dial: ({ hostname }, signal) => Deno.connect({ hostname, port, signal }),
  });
  assertEquals((await client.request({ data: 1 })).data, { first: 1 });
  await first.stop();
  await until("the loss", () => client.state !== "online");
  const pending = client.request({ data: 2 });
  await using second = await startServer(({ data }) => {
    effects.add(data);
    return { data: { second: data } };
  });
  ({ port } = second.address);
  assertEquals((await pending).data, { second: 2 });
  assertEquals(effects.of(2), 1);
});

Deno.test("a handler that never ends holds up no stop, whatever waits behind it", async () => {
  for (const waiting of [false, true]) {
    const begun = new Gate();
    const server = await startServer(() => {
      begun.open();
      return new Promise(() => {});
    });
    using wire = await Wire.dial(server.address);
    await wire.send(await wire.seal({}));
    await begun.passed;
    const bytesIn = () => server.monitor.connections()[0]?.bytesIn ?? 0;
    const first = bytesIn();
    if (waiting) {
      await wire.send(await wire.seal({}));
      await until("more", () => bytesIn() > first);
    }
    await within("the stop", server.stop({ grace: 0 }));
  }
});
