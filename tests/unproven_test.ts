import { assert, assertEquals } from "@std/assert";
import { Unproven } from "../server/unproven.ts";
import {
  clientKeys,
  makeClient,
  SignalLog,
  startServer,
  until,
} from "./support/cypher.ts";

/** Strangers that note who was asked to leave, and why. */
function crowd(connections: number, bytes: number) {
  const left: string[] = [];
  const unproven = new Unproven({ connections, bytes });
  const add = (name: string) => {
    const stranger = {
      crowdOut: (limit: string) => void left.push(`${name} ${limit}`),
    };
    unproven.add(stranger);
    return stranger;
  };
  return { left, unproven, add };
}

Deno.test("one too many: the oldest that is unproven leaves", () => {
  const { left, unproven, add } = crowd(2, 1_000);
  const first = add("first");
  add("second");
  unproven.remove(first);
  add("third");
  assertEquals(left, []);
  add("fourth");
  assertEquals(left, ["second unproven"]);
});

Deno.test("too many bytes: one with the most leaves, until they fit", () => {
  const { left, unproven, add } = crowd(10, 1_000);
  const small = add("small");
  const large = add("large");
  const proven = add("proven");
  unproven.hold(small, 100);
  unproven.hold(proven, 900);
  unproven.remove(proven);
  unproven.hold(proven, 5_000);
  unproven.hold(large, 800);
  assertEquals([left, unproven.bytes], [[], 900]);
  unproven.hold(small, 300);
  assertEquals([left, unproven.bytes], [["large unprovenBytes"], 300]);
});

Deno.test("half a message each: bounded, and the proven go on", async () => {
  await using server = await startServer(() => ({ data: "well" }), {
    limits: { unprovenBytes: 100_000 },
  });
  using log = new SignalLog(server.monitor);
  await using client = makeClient(server.address);
  await client.request({});
  const half = new Uint8Array(30_000).fill("g".charCodeAt(0));
  const strangers: Deno.TcpConn[] = [];
  for (let i = 0; i < 6; i++) {
    const conn = await Deno.connect({ port: server.address.port });
    strangers.push(conn);
    for (let sent = 0; sent < half.length;) {
      sent += await conn.write(half.subarray(sent));
    }
    await until("it arrived", () =>
      log.of("limit").length > 0 ||
      server.monitor.connections().filter((one) => one.bytesIn >= 30_000)
          .length === i + 1);
  }
  const offline = await log.wait("offline", 3);
  assert(offline.every(({ reason }) => reason === "crowded-out"));
  assertEquals(log.of("limit")[0]?.limit, "unprovenBytes");
  assertEquals((await client.request({})).data, "well");
  assert(!JSON.stringify(log.all).includes(clientKeys.encryptionKey));
  for (const conn of strangers) conn.close();
});
