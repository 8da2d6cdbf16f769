/**
 * Key rotation: a server accepts several pairs of keys, takes new ones and
 * drops old ones while it runs.
 */

import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  type CypherClient,
  type CypherClientOptions,
  CypherError,
  type CypherServer,
  Monitor,
} from "../mod.ts";
import { ClientHandshake } from "../client/session/client_handshake.ts";
import { pskOf } from "../protocol/session_keys.ts";
import {
  codeOf,
  concat,
  type Keys,
  makeClient,
  SignalLog,
  startServer,
  until,
  Wire,
  within,
} from "./support/cypher.ts";

const WIRES = ["session", "classic"] as const;
type WireName = typeof WIRES[number];

/** A pair of keys of its own for each name of one letter, as each end uses it. */
function pair(name: string): { server: Keys; client: Keys } {
  const up = `up-${name}`.padEnd(32, "u");
  const down = `down-${name}`.padEnd(32, "d");
  return {
    server: { encryptionKey: down, decryptionKey: up },
    client: { encryptionKey: up, decryptionKey: down },
  };
}

const [OLD, MIDDLE, NEW] = [pair("1"), pair("2"), pair("3")] as const;

/** A server that echoes, and what it was made to execute. */
async function start(
  keys: Keys,
  olderKeys: Keys[] = [],
): Promise<{ server: CypherServer; effects: unknown[] }> {
  const effects: unknown[] = [];
  const server = await startServer(({ data }) => {
    effects.push(data);
    return { data };
  }, { wires: ["session", "classic"], ...keys, olderKeys });
  return { server, effects };
}

function clientOf(
  server: CypherServer,
  wire: WireName,
  { client }: { client: Keys },
  options: Partial<CypherClientOptions> = {},
): CypherClient {
  return makeClient(server.address, {
    wire,
    ...client,
    maxUnanswered: 3,
    ...options,
  });
}

async function echo(client: CypherClient, data: string): Promise<void> {
  const answer = client.request({ path: "/", data });
  assertEquals((await within("an answer", answer)).data, data);
}

/** The generations of the connections, oldest connection first. */
function generations(server: CypherServer): (number | undefined)[] {
  return server.monitor.connections().map((one) => one.generation);
}

/** How a client is told that its keys are not accepted. */
async function refusalOf(
  client: CypherClient,
  wire: WireName,
): Promise<string> {
  if (wire === "classic") return await codeOf(client.request({ path: "/" }));
  // It may not have heard of its connection's end.
  await until("offline", () => client.state !== "online");
  return await codeOf(client.connect());
}

const REFUSAL = { session: "UNAUTHORIZED", classic: "NO_ANSWER" };

for (const wire of WIRES) {
  Deno.test(`${wire}: every pair of the list is accepted`, async () => {
    const { server } = await start(NEW.server, [MIDDLE.server, OLD.server]);
    await using _ = server;
    await using one = clientOf(server, wire, OLD);
    await echo(one, "old");
    await using two = clientOf(server, wire, MIDDLE);
    await echo(two, "middle");
    await using three = clientOf(server, wire, NEW);
    await echo(three, "new");
    assertEquals(generations(server), [1, 2, 3]);
  });

  Deno.test(`${wire}: a pair that is not of the list is refused`, async () => {
    const { server, effects } = await start(MIDDLE.server, [OLD.server]);
    await using _ = server;
    using signals = new SignalLog(server.monitor);
    await using client = clientOf(server, wire, NEW);
    assertEquals(await refusalOf(client, wire), REFUSAL[wire]);
    assertEquals(effects, []);
    const [failure] = await signals.wait("failure");
    const code = wire === "session" ? "UNAUTHORIZED" : "BAD_TOKEN";
    assertEquals(failure!.code, code);
  });

  Deno.test(`${wire}: half of one pair and half of another`, async () => {
    const { server, effects } = await start(NEW.server, [OLD.server]);
    await using _ = server;
    await using client = clientOf(server, wire, {
      client: {
        encryptionKey: OLD.client.encryptionKey,
        decryptionKey: NEW.client.decryptionKey,
      },
    });
    const code = await refusalOf(client, wire);
    if (wire === "session") {
      assertEquals(code, "UNAUTHORIZED");
      assertEquals(effects, []);
    } else {
      // Each direction has its own key: the request opens, the answer does not.
      assertEquals(code, "BAD_TOKEN");
    }
  });

  Deno.test(`${wire}: a pair that is added is accepted at once`, async () => {
    const { server } = await start(OLD.server);
    await using _ = server;
    await using before = clientOf(server, wire, OLD);
    await echo(before, "before");
    const [connection] = server.monitor.connections();
    await using early = clientOf(server, wire, NEW);
    assertEquals(await refusalOf(early, wire), REFUSAL[wire]);
    assertEquals(server.addKeys(NEW.server), 2);
    // The old client goes on, on the connection that it has.
    await echo(before, "after");
    assertEquals(server.monitor.connection(connection!.id)?.generation, 1);
    // The new one comes back by itself.
    await echo(early, "at last");
    await until("both", () => generations(server).join() === "1,2");
    // And whoever has the old pair may still connect.
    await using late = clientOf(server, wire, OLD);
    await echo(late, "late");
    assertEquals(generations(server), [1, 2, 1]);
  });

  Deno.test(`${wire}: a pair that is withdrawn ends its connections`, async () => {
    const { server, effects } = await start(NEW.server, [OLD.server]);
    await using _ = server;
    using signals = new SignalLog(server.monitor);
    await using old = clientOf(server, wire, OLD);
    await echo(old, "old");
    await using other = clientOf(server, wire, OLD);
    await echo(other, "old too");
    await using young = clientOf(server, wire, NEW);
    await echo(young, "new");
    const [one, two, kept] = server.monitor.connections();
    server.withdrawKeys(1);
    const offline = await signals.wait("offline", 2);
    assertEquals(
      offline.map(({ connection, reason }) => [connection, reason]),
      [
        [one!.id, "withdrawn"],
        [two!.id, "withdrawn"],
      ],
    );
    assertEquals(await refusalOf(old, wire), REFUSAL[wire]);
    assertEquals(await refusalOf(other, wire), REFUSAL[wire]);
    // The new one has not noticed a thing.
    await echo(young, "new again");
    assertEquals(server.monitor.connection(kept!.id)?.generation, 2);
    assertEquals(effects, ["old", "old too", "new", "new again"]);
  });

  Deno.test(`${wire}: a request in progress ends with its pair`, async () => {
    let effects = 0;
    const begun = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    await using server = await startServer(async () => {
      effects++;
      begun.resolve();
      await end.promise;
      return { data: "late" };
    }, {
      wires: ["session", "classic"],
      ...NEW.server,
      olderKeys: [OLD.server],
    });
    await using client = clientOf(server, wire, OLD);
    const code = codeOf(client.request({ path: "/" }, { deadline: 500 }));
    await within("the handler", begun.promise);
    server.withdrawKeys(1);
    await until("the end", () => client.state !== "online" || effects > 1);
    end.resolve();
    // Refusals are hints that anyone could forge: a session's requests wait.
    assertEquals(await code, wire === "session" ? "DEADLINE" : "NO_ANSWER");
    assertEquals(effects, 1);
  });

  Deno.test(`${wire}: new keys are taken over before the old ones go`, async () => {
    const { server } = await start(OLD.server);
    await using _ = server;
    let current = OLD;
    for (const next of [MIDDLE, NEW, pair("4")]) {
      await using old = clientOf(server, wire, current);
      await echo(old, "before");
      const generation = generations(server).at(-1)!;
      assertEquals(server.addKeys(next.server), generation + 1);
      await using young = clientOf(server, wire, next);
      await echo(young, "after");
      server.withdrawKeys(generation);
      assertEquals(await refusalOf(old, wire), REFUSAL[wire]);
      await echo(young, "still");
      current = next;
    }
  });
}

Deno.test("a generation that is not there, or the only one, stays", async () => {
  const { server } = await start(NEW.server, [OLD.server]);
  await using _ = server;
  await using client = clientOf(server, "session", NEW);
  await echo(client, "one");
  const withdraw = (generation: number) => {
    const error = assertThrows(
      () => server.withdrawKeys(generation),
      CypherError,
    );
    assertEquals(error.code, "BAD_OPTION");
    return error.message;
  };
  for (const generation of [0, 3, -1, 1.5, NaN]) withdraw(generation);
  server.withdrawKeys(1);
  withdraw(1);
  assert(withdraw(2).includes("2"));
  await echo(client, "two");
  assertEquals(generations(server), [2]);
});

Deno.test("a pair that is not of its form is not added", async () => {
  const { server } = await start(OLD.server);
  await using _ = server;
  const short = { encryptionKey: "short", decryptionKey: "d".repeat(32) };
  const error = assertThrows(() => server.addKeys(short), CypherError);
  assertEquals(error.code, "BAD_OPTION");
  assert(!error.message.includes("d".repeat(32)), error.message);
  assertEquals(server.addKeys(NEW.server), 2);
});

Deno.test("a pair of two equal keys is told, whenever it is added", async () => {
  const equal = {
    encryptionKey: "e".repeat(32),
    decryptionKey: "e".repeat(32),
  };
  const monitor = new Monitor();
  using log = new SignalLog(monitor);
  const codes = () => log.of("notice").map(({ code }) => code);
  await using server = await startServer(() => ({}), {
    ...OLD.server,
    monitor,
  });
  server.addKeys(NEW.server);
  assertEquals(codes(), []);
  server.addKeys(equal);
  assertEquals(codes(), ["EQUAL_KEYS"]);
  server.addKeys(MIDDLE.server);
  assertEquals(codes(), ["EQUAL_KEYS"]);
});

for (const wires of [["session"], ["session", "classic"]] as const) {
  Deno.test(`${wires}: a handshake that has begun is not too early`, async () => {
    await using server = await startServer(() => ({}), {
      wires,
      ...NEW.server,
      olderKeys: [OLD.server],
    });
    const { hostname, port } = server.address;
    using conn = await Deno.connect({ hostname, port });
    const { first } = new ClientHandshake(pskOf("client", OLD.client), {
      client: "0".repeat(32),
      software: "test",
      messageBytes: 1_024,
    });
    await conn.write(first.subarray(0, 5));
    await until("bytes", () => server.monitor.connections()[0]?.bytesIn === 5);
    server.withdrawKeys(1);
    await conn.write(first.subarray(5));
    const answer = new Uint8Array(1_024);
    const size = await within("a refusal", conn.read(answer));
    assertEquals([...answer.subarray(0, size ?? 0)], [0, 0, 1]);
  });
}

Deno.test("a connection that is not proven yet is closed as well", async () => {
  await using server = await startServer(() => ({}), {
    wires: ["session"],
    ...NEW.server,
    olderKeys: [OLD.server],
  });
  const { hostname, port } = server.address;
  using conn = await Deno.connect({ hostname, port });
  const handshake = new ClientHandshake(pskOf("client", OLD.client), {
    client: "0".repeat(32),
    software: "test",
    messageBytes: 1_024,
  });
  await conn.write(handshake.first);
  const answer = new Uint8Array(1_024);
  const size = await within("the answer", conn.read(answer));
  assertEquals(handshake.push(answer.subarray(0, size!)).kind, "accepted");
  assertEquals(generations(server), [1]);
  server.withdrawKeys(1);
  assertEquals(await within("the end", conn.read(answer)), null);
});

Deno.test("classic: what waits with withdrawn keys is not executed", async () => {
  const effects: string[] = [];
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  await using server = await startServer(async ({ path }) => {
    effects.push(path);
    begun.resolve();
    await end.promise;
    return {};
  }, { ...NEW.server, olderKeys: [OLD.server] });
  using signals = new SignalLog(server.monitor);
  using young = await Wire.dial(server.address, NEW.client);
  using old = await Wire.dial(server.address, OLD.client);
  // Both come in one read: the second is opened before the first has ended.
  const first = await young.seal({ PATH: "/FIRST" });
  await young.send(concat([first, await old.seal({ PATH: "/WAITING" })]));
  await within("the handler", begun.promise);
  server.withdrawKeys(1);
  end.resolve();
  assertEquals((await young.receive() as { PATH: string }).PATH, "/FIRST");
  assertEquals((await young.end()).how, "closed");
  const [offline] = await signals.wait("offline");
  assertEquals(offline!.reason, "withdrawn");
  assertEquals(effects, ["/FIRST"]);
});
