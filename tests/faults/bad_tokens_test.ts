/** Floods of what does not open, from an address of their own. */

import { assert, assertEquals } from "@std/assert";
import { type CypherServer, CypherStatus } from "../../mod.ts";
import { PREFACE } from "../../protocol/noise.ts";
import { KeyRing } from "../../server/key_ring.ts";
import { Attacker, ELSEWHERE } from "../support/attacker.ts";
import {
  codeOf,
  makeClient,
  SignalLog,
  startServer,
  until,
  Wire,
} from "../support/cypher.ts";

const BOTH = ["session", "classic"] as const;
const BAD_TOKEN = "g".repeat(100) + "\0";

/** A first message of the right form, made with no key. */
function badHandshake(): Uint8Array {
  const bytes = new Uint8Array(PREFACE.length + 2 + 100);
  bytes.set(PREFACE);
  bytes[PREFACE.length + 1] = 100;
  return bytes;
}

/** Sends `bytes` on so many connections, 20 at a time, to the end of each. */
async function flood(
  server: CypherServer,
  count: number,
  bytes: Uint8Array | string,
): Promise<Attacker[]> {
  const attackers: Attacker[] = [];
  while (attackers.length < count) {
    const wave = Array.from(
      { length: 20 },
      () => Attacker.dial(server.address),
    );
    for (const one of wave) one.send(bytes);
    await Promise.all(wave.map((one) => one.closed));
    attackers.push(...wave);
  }
  return attackers;
}

/** Asks on both wires until `flooding` is over; every request is answered. */
async function askDuring(
  server: CypherServer,
  flooding: Promise<unknown>,
): Promise<number> {
  let over = false;
  const ended = flooding.finally(() => over = true);
  await using session = makeClient(server.address, { wire: "session" });
  await using classic = makeClient(server.address);
  let asked = 0;
  while (!over) {
    for (const client of [session, classic]) {
      assertEquals((await client.request({ data: ++asked })).data, asked);
    }
  }
  await ended;
  return asked;
}

for (
  const [wire, bytes] of [["session", badHandshake()], [
    "classic",
    BAD_TOKEN,
  ]] as const
) {
  Deno.test(`a flood on the ${wire} wire: its address is refused, others are not`, async () => {
    await using server = await startServer(({ data }) => ({ data }), {
      wires: BOTH,
      limits: { badTokens: 30 },
    });
    using log = new SignalLog(server.monitor);
    assert(await askDuring(server, flood(server, 400, bytes)) > 0);
    const told = log.of("limit").filter(({ limit }) => limit === "badTokens");
    assertEquals(told.map(({ address }) => address), [ELSEWHERE]);
    // Those whose connection was open when the ban began still count.
    const failures = log.of("failure").length;
    assert(failures > 30 && failures <= 50, `${failures} were listened to`);
    assert(
      log.of("failure").every(({ address }) => address.startsWith(ELSEWHERE)),
    );
  });

  Deno.test(`a flood on the ${wire} wire, and no ban`, async () => {
    await using server = await startServer(({ data }) => ({ data }), {
      wires: BOTH,
      limits: { badTokens: Infinity },
    });
    using log = new SignalLog(server.monitor);
    assert(await askDuring(server, flood(server, 400, bytes)) > 0);
    assertEquals(log.of("failure").length, 400);
    assertEquals(log.of("limit"), []);
    await until(
      "the end of all",
      () => server.monitor.connections().length === 0,
    );
  });
}

Deno.test("who is connected and proven stays, and the ban ends", async () => {
  await using server = await startServer(({ data }) => ({ data }), {
    limits: { badTokens: 5, banTime: 300 },
  });
  using log = new SignalLog(server.monitor);
  using keys = await Wire.dial(server.address);
  await using proven = Attacker.dial(server.address);
  proven.send(await keys.seal({ DATA: 1 }));
  assert(await proven.answer());
  await flood(server, 20, BAD_TOKEN);
  await log.wait("limit");
  proven.send(await keys.seal({ DATA: 2 }));
  assert(await proven.answer());
  for (;;) {
    await using again = Attacker.dial(server.address);
    again.send(await keys.seal({ DATA: 3 }));
    if (await again.answer()) break;
  }
});

Deno.test("a wrong key on the session wire is held against its address", async () => {
  await using server = await startServer(() => ({}), {
    wires: BOTH,
    limits: { badTokens: 1 },
  });
  using log = new SignalLog(server.monitor);
  await using stranger = makeClient(server.address, {
    wire: "session",
    encryptionKey: "a key that the server lacks 0123",
  });
  assertEquals(await codeOf(stranger.connect()), "UNAUTHORIZED");
  // It tries again by itself, which is once too often.
  const [limit] = await log.wait("limit");
  assertEquals([limit!.limit, limit!.address], ["badTokens", "127.0.0.1"]);
});

Deno.test("a status of the handler's own is no bad token", async () => {
  await using server = await startServer(() => {
    throw new CypherStatus("UNAUTHORIZED", "Not for you");
  }, { wires: BOTH, limits: { badTokens: 1 } });
  using log = new SignalLog(server.monitor);
  for (const wire of BOTH) {
    await using client = makeClient(server.address, { wire });
    for (let i = 0; i < 5; i++) {
      assertEquals(await codeOf(client.request({})), "STATUS");
    }
  }
  assertEquals(log.of("limit"), []);
});

Deno.test("of many tokens that come at once, none is looked at behind a bad one", async () => {
  await using server = await startServer(({ data }) => ({ data }));
  using log = new SignalLog(server.monitor);
  const generations = Object.getOwnPropertyDescriptor(
    KeyRing.prototype,
    "generations",
  )!;
  let looked = 0;
  Object.defineProperty(KeyRing.prototype, "generations", {
    ...generations,
    get() {
      looked++;
      return generations.get!.call(this);
    },
  });
  try {
    await using attacker = Attacker.dial(server.address);
    // Empty ones: a thousand in one read.
    attacker.send(new Uint8Array(1_000));
    await attacker.closed;
  } finally {
    Object.defineProperty(KeyRing.prototype, "generations", generations);
  }
  assertEquals(log.of("failure").map(({ code }) => code), ["BAD_TOKEN"]);
  assertEquals(looked, 1);
});
