/** What somebody who holds the keys, and misbehaves, makes the server keep. */

import { assert, assertEquals } from "@std/assert";
import { FRAME, FrameBatch } from "../../protocol/frames.ts";
import { SignalLog, startServer, within } from "../support/cypher.ts";
import { Program } from "../support/program.ts";
import { SessionPeer } from "../support/session_peer.ts";

Deno.test("who pings and reads no pong is closed", async () => {
  await using server = await startServer(() => ({}), {
    wires: ["session"],
    limits: { writeBufferBytes: 65_536, writeTimeout: 100 },
  });
  using log = new SignalLog(server.monitor);
  using peer = await SessionPeer.dial(server.address);
  const batch = new FrameBatch();
  for (let i = 0; i < 10_000; i++) batch.add(FRAME.ping, 0, new Uint8Array(8));
  const pings = batch.take().slice();
  // Many times what both ends' sockets hold.
  const flood = async () => {
    for (let i = 0; i < 300; i++) await peer.write(peer.sealPlain(pings));
  };
  await flood().catch(() => {});
  const [offline] = await log.wait("offline");
  assertEquals(offline!.reason, "slow-reader");
  const limits = log.of("limit").map(({ limit }) => limit);
  assertEquals(limits, ["writeBufferBytes", "writeTimeout"]);
});

Deno.test("requests that came together leave nothing behind on their connection", async () => {
  const path = new URL("../support/pipelined.ts", import.meta.url).pathname;
  await using program = new Program([
    "run",
    "--allow-net",
    "--v8-flags=--expose-gc",
    path,
  ]);
  assertEquals(await within("its end", program.ended), 0, program.errors);
  const each = Number(program.output);
  assert(each < 200, `each left ${each} bytes`);
});
