/** Messages that never end, and large ones that only take their time. */

import { assert, assertEquals } from "@std/assert";
import { FRAME } from "../../protocol/frames.ts";
import { PREFACE } from "../../protocol/noise.ts";
import { Attacker, ELSEWHERE } from "../support/attacker.ts";
import {
  makeClient,
  SignalLog,
  startServer,
  until,
  Wire,
} from "../support/cypher.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { SessionPeer } from "../support/session_peer.ts";

const BOTH = ["session", "classic"] as const;

Deno.test("200 senders of a byte now and then are closed, nobody else notices", async () => {
  await using server = await startServer(({ data }) => ({ data }), {
    wires: BOTH,
    limits: { messageTimeout: 300, handshakeTimeout: 300 },
  });
  using log = new SignalLog(server.monitor);
  await using session = makeClient(server.address, { wire: "session" });
  await using classic = makeClient(server.address);
  const attackers = Array.from(
    { length: 200 },
    () => Attacker.dial(server.address),
  );
  // Half of them begin a token, half of them a handshake.
  let sent = 0;
  const sending = setInterval(() => {
    attackers.forEach((one, i) =>
      one.send(i % 2 === 0 ? "g" : PREFACE.subarray(sent, sent + 1))
    );
    sent++;
  }, 20);
  try {
    for (let i = 0; attackers.some((one) => !one.over); i++) {
      assertEquals((await session.request({ data: i })).data, i);
      assertEquals((await classic.request({ data: i })).data, i);
    }
  } finally {
    clearInterval(sending);
    await Promise.all(attackers.map((one) => one.close()));
  }
  const offline = log.of("offline");
  assertEquals(offline.length, 100, "a handshake was never online");
  for (const { address, reason } of offline) {
    assert(address.startsWith(ELSEWHERE));
    assertEquals(reason, "slow-sender");
  }
  const limits = new Set(log.of("limit").map(({ limit }) => limit));
  assertEquals(limits, new Set(["messageTimeout", "handshakeTimeout"]));
});

Deno.test("a client that has proven itself is held to it as well", async () => {
  await using server = await startServer(() => ({}), {
    wires: BOTH,
    limits: { messageTimeout: 100 },
  });
  using log = new SignalLog(server.monitor);
  using peer = await SessionPeer.dial(server.address);
  await log.wait("online");
  // The length of a record that does not come.
  await peer.write(new Uint8Array([0, 100, 1]));
  const [offline] = await log.wait("offline");
  assertEquals(offline!.reason, "slow-sender");
});

Deno.test("a request in many slow records is one message", async () => {
  await using server = await startServer(() => ({}), {
    wires: BOTH,
    limits: { messageTimeout: 200, messageRate: 16_384 },
  });
  using log = new SignalLog(server.monitor);
  using peer = await SessionPeer.dial(server.address);
  await log.wait("online");
  // A frame of 768 bytes or more, a byte of it in each record.
  await peer.write(peer.sealPlain(new Uint8Array([0, 0, 3])));
  const sending = setInterval(
    () => peer.write(peer.sealPlain(new Uint8Array(1))).catch(() => {}),
    10,
  );
  const [offline] = await log.wait("offline");
  clearInterval(sending);
  assertEquals(offline!.reason, "slow-sender");
});

for (const wire of BOTH) {
  Deno.test(`a large ${wire} message that arrives at a steady pace is answered`, async () => {
    const clock = new FakeClock();
    await using server = await startServer(
      ({ data }) => ({ data: String(data).length }),
      { wires: [wire], clock, heartbeat: 3_600_000, timeout: 20_000 },
    );
    using log = new SignalLog(server.monitor);
    const message = { DATA: "x".repeat(256 * 1_024) };
    using peer = wire === "session"
      ? await SessionPeer.dial(server.address)
      : await Wire.dial(server.address);
    const bytes = peer instanceof Wire
      ? await peer.seal(message)
      : peer.seal(FRAME.request, [1], JSON.stringify(message));
    await log.wait("online");
    // Seconds in which a 64th of it comes: 4 KiB a second, for a minute.
    const part = Math.ceil(bytes.length / 64);
    const [before] = server.monitor.connections();
    for (let at = 0; at < bytes.length; at += part) {
      await clock.advance(1_000);
      const piece = bytes.subarray(at, at + part);
      await peer.socket.write(piece);
      const arrived = before!.bytesIn + Math.min(at + part, bytes.length);
      await until(
        "the piece",
        () => server.monitor.connections()[0]?.bytesIn === arrived,
      );
    }
    const [request] = await log.wait("request");
    assertEquals(request!.status, "OK");
    assertEquals(log.of("offline"), []);
  });
}
