import { assert, assertEquals } from "@std/assert";
import type { PacketServerOptions } from "../packet.ts";
import { ConnTransport } from "../protocol/transport.ts";
import { Connection } from "../server/connection.ts";
import { Monitor } from "../server/monitor.ts";
import { checkPacketServerOptions } from "../server/packet/options.ts";
import { Session } from "../server/packet/session.ts";
import { Unproven } from "../server/unproven.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { raw } from "./support/packet_raw.ts";
import { Script } from "./support/packet_script.ts";

const GREETING = [
  raw(1, { operation_mode: "burst", max_size: 1_024 }),
  raw(3, { session_id: "known" }),
];

/** A session whose peer has said all of this before anybody reads. */
function start(
  packets: Uint8Array[],
  options: PacketServerOptions,
  deaf = false,
) {
  const clock = new FakeClock();
  const monitor = new Monitor({ clock });
  const script = new Script([...GREETING, ...packets], { deaf });
  const connection = new Connection({
    transport: new ConnTransport(script, 65_536),
    monitor,
    clock,
    address: "test:1",
    timeout: 60_000,
    unproven: new Unproven({ connections: Infinity, bytes: Infinity }),
  });
  const settings = checkPacketServerOptions({
    clock,
    monitor,
    newSession: () => "known",
    ...options,
  });
  const stop = new AbortController();
  const session = new Session(settings, connection, stop.signal);
  const running = session.run();
  return { clock, script, connection, session, stop, running };
}

const MANY = Array.from({ length: 5_000 }, () => raw(1, new Uint8Array(1_000)));
const TOTAL = MANY.reduce((sum, one) => sum + one.length, 0);

Deno.test("a handler that does not keep up stops the reading", async () => {
  const { promise: release, resolve } = Promise.withResolvers<void>();
  let handled = 0;
  const { clock, script, connection, running } = start(MANY, {
    limits: { unhandledBytes: 100_000 },
    handler: async () => {
      await release;
      handled++;
    },
  });
  for (let i = 0; i < 100; i++) await clock.advance(0);
  assert(script.taken > 50_000 && script.taken < 250_000, `${script.taken}`);
  resolve();
  await running;
  assertEquals(handled, MANY.length);
  assert(script.taken > TOTAL);
  await connection.release();
});

Deno.test("a peer that reads no acknowledgement is not read from for ever", async () => {
  const { clock, script, connection, running } = start(
    Array.from({ length: 100_000 }, () => raw(1)),
    { windowSize: 1 },
    true,
  );
  for (let i = 0; i < 100; i++) await clock.advance(0);
  assert(script.taken > 50_000 && script.taken < 300_000, `${script.taken}`);
  await clock.advance(60_000);
  assertEquals(connection.info().state, {
    kind: "closed",
    reason: "slow-reader",
    at: clock.wall(),
  });
  await running;
  await connection.release();
  assertEquals(clock.pending, 0);
});

Deno.test("once the grace is over nothing waits for the handler", async () => {
  const { clock, connection, session, stop, running } = start(
    MANY.slice(0, 5),
    { handler: () => new Promise(() => {}) },
  );
  for (let i = 0; i < 10; i++) await clock.advance(0);
  const leaving = session.leave();
  stop.abort();
  await running;
  await leaving;
  await connection.release();
  assertEquals(clock.pending, 0);
});
