/** Peers that connect and say nothing, or half a message, or go again. */

import { assert, assertEquals } from "@std/assert";
import { connect } from "node:net";
import { PREFACE } from "../../protocol/noise.ts";
import { Attacker, ELSEWHERE } from "../support/attacker.ts";
import {
  HeldTimers,
  makeClient,
  SignalLog,
  startServer,
  until,
  Wire,
  within,
} from "../support/cypher.ts";
import { FakeClock } from "../support/fake_clock.ts";

const BOTH = ["session", "classic"] as const;

Deno.test("1,000 peers with half a message: bounded, and the proven go on", async () => {
  const unprovenBytes = 1_000_000;
  await using server = await startServer(({ data }) => ({ data }), {
    wires: BOTH,
    // Neither how long they take is to end them, nor that they are silent.
    limits: { unprovenBytes, messageTimeout: Infinity },
  });
  using log = new SignalLog(server.monitor);
  await using session = makeClient(server.address, { wire: "session" });
  await using classic = makeClient(server.address);
  await Promise.all([session.connect(), classic.request({})]);
  const half = new Uint8Array(10_000).fill(0x67);
  const strangers: Attacker[] = [];
  /** What is kept of strangers: all that those have sent who are still there. */
  const kept = () =>
    server.monitor.connections()
      .filter(({ address, state }) =>
        address.startsWith(ELSEWHERE) && state.kind !== "closed"
      )
      .reduce((sum, { bytesIn }) => sum + bytesIn, 0);
  try {
    for (let i = 0; i < 1_000; i++) {
      const stranger = Attacker.dial(server.address);
      if (i % 2 === 0) stranger.send(half);
      strangers.push(stranger);
      if (i % 50 > 0) continue;
      assertEquals((await session.request({ data: i })).data, i);
      assertEquals((await classic.request({ data: i })).data, i);
    }
    // 500 x 10,000 bytes were sent; a fifth of that may be kept.
    await log.wait("offline", 400);
    await until("little is kept", () => kept() <= unprovenBytes);
    assert(log.of("offline").every(({ reason }) => reason === "crowded-out"));
    const limits = new Set(log.of("limit").map(({ limit }) => limit));
    assertEquals(limits, new Set(["unprovenBytes"]));
    assertEquals((await session.request({ data: 1 })).data, 1);
    assertEquals((await classic.request({ data: 1 })).data, 1);
  } finally {
    await Promise.all(strangers.map((one) => one.close()));
  }
});

Deno.test("silent strangers take every place: they make room, the proven do not", async () => {
  await using server = await startServer(({ data }) => ({ data }), {
    wires: BOTH,
    limits: { connections: 10 },
  });
  using log = new SignalLog(server.monitor);
  const proven = Array.from({ length: 5 }, () => makeClient(server.address));
  const strangers = Array.from(
    { length: 30 },
    () => Attacker.dial(server.address),
  );
  try {
    for (const client of proven) await client.request({});
    await until(
      "all places are taken",
      () => strangers.filter(({ over }) => over).length === 25,
    );
    await using late = makeClient(server.address, { wire: "session" });
    assertEquals((await late.request({ data: 1 })).data, 1);
    for (const client of proven) await client.request({});
    assertEquals(log.of("limit")[0]?.limit, "connections");
    const { length } = log.of("online");
    assertEquals(length - log.of("offline").length, 6, "nobody proven left");
  } finally {
    await Promise.all(strangers.map((one) => one.close()));
    await Promise.all(proven.map((one) => one.close()));
  }
});

Deno.test("more of one address than may be are refused, others are not", async () => {
  await using server = await startServer(({ data }) => ({ data }), {
    limits: { connectionsPerAddress: 3 },
  });
  using log = new SignalLog(server.monitor);
  using keys = await Wire.dial(server.address);
  const token = await keys.seal({});
  const three = Array.from({ length: 3 }, () => Attacker.dial(server.address));
  for (const one of three) {
    one.send(token);
    assert(await one.answer());
  }
  await using fourth = Attacker.dial(server.address);
  await fourth.closed;
  const [limit] = await log.wait("limit");
  assertEquals(limit!.limit, "connectionsPerAddress");
  await using other = makeClient(server.address);
  await other.request({});
  // A place that is given back is a place.
  await three.pop()!.close();
  await until("its end", () => server.monitor.connections().length === 4);
  await using fifth = Attacker.dial(server.address);
  fifth.send(token);
  assert(await fifth.answer());
  await Promise.all(three.map((one) => one.close()));
});

Deno.test("handshakes that go no further make room for others", async () => {
  await using server = await startServer(({ data }) => ({ data }), {
    wires: ["session"],
    limits: { handshakes: 5 },
  });
  using log = new SignalLog(server.monitor);
  const strangers = Array.from(
    { length: 20 },
    () => Attacker.dial(server.address),
  );
  for (const one of strangers) one.send(PREFACE.subarray(0, 3));
  await until(
    "the oldest are gone",
    () => strangers.filter(({ over }) => over).length === 15,
  );
  await using client = makeClient(server.address, { wire: "session" });
  assertEquals((await client.request({ data: 1 })).data, 1);
  assertEquals(log.of("limit")[0]?.limit, "handshakes");
  await Promise.all(strangers.map((one) => one.close()));
});

Deno.test({
  name: "200 connections opened and closed 20 times leave nothing behind",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const clock = new FakeClock();
    await using server = await startServer(({ data }) => ({ data }), {
      wires: BOTH,
      clock,
    });
    using keys = await Wire.dial(server.address);
    await keys.ask({});
    const timers = clock.pending;
    const descriptors = openDescriptors();
    for (let round = 0; round < 20; round++) {
      const token = await keys.seal({ DATA: round });
      const peers = Array.from(
        { length: 200 },
        () => Attacker.dial(server.address),
      );
      peers.forEach((one, i) => {
        // Silent, half a token, half a handshake, and a request.
        if (i % 4 === 1) one.send("gAAA");
        if (i % 4 === 2) one.send(PREFACE);
        if (i % 4 === 3) one.send(token);
      });
      await until(
        "all are here",
        () => server.monitor.connections().length === peers.length + 1,
      );
      assert(clock.pending > timers);
      await Promise.all(peers.map((one) => one.close()));
      await until(
        "all are gone",
        () => server.monitor.connections().length === 1,
      );
    }
    assertEquals(clock.pending, timers);
    assertEquals(openDescriptors(), descriptors);
  },
});

function openDescriptors(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

Deno.test("who is gone again before its turn keeps nobody waiting", async () => {
  // Neither this pause nor any other: its timer never fires.
  const { clock } = new HeldTimers(100);
  const reset = Promise.withResolvers<void>();
  await using server = await startServer(({ data }) => ({ data }), {
    clock,
    listen: (address) => {
      const listener = Deno.listen(address);
      const accept = async () => {
        await reset.promise;
        return listener.accept();
      };
      return { addr: listener.addr, accept, close: () => listener.close() };
    },
  });
  using log = new SignalLog(server.monitor);
  const { hostname, port } = server.address;
  for (let i = 0; i < 20; i++) {
    const socket = connect({ host: hostname, port });
    await new Promise((resolve) => socket.on("connect", resolve));
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.resetAndDestroy();
    await closed;
  }
  reset.resolve();
  await using client = makeClient(server.address);
  const answer = await within("an answer", client.request({ data: 1 }));
  assertEquals(answer.data, 1);
  assertEquals(log.of("limit"), [], "no descriptors ran out");
});
