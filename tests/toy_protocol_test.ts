import { assertEquals } from "@std/assert";
import { dashboard } from "../dashboard/mod.ts";
import { Monitor } from "../mod.ts";
import { SignalLog, startServer } from "./support/cypher.ts";
import { ToyServer } from "./support/toy_server.ts";

Deno.test("a protocol added by a file of its own is served, watched and shown", async () => {
  const monitor = new Monitor();
  using log = new SignalLog(monitor);
  await using sidecar = dashboard(monitor);
  await using _cypher = await startServer(() => ({}), { monitor });
  await using toy = new ToyServer({ monitor });
  toy.start();

  const conn = await Deno.connect({ port: toy.address.port });
  await conn.write(new TextEncoder().encode("hello\0wor"));
  await conn.write(new TextEncoder().encode("ld\0"));
  let heard = "";
  const buffer = new Uint8Array(64);
  while (heard.length < 12) {
    heard += new TextDecoder().decode(
      buffer.subarray(0, (await conn.read(buffer))!),
    );
  }
  assertEquals(heard, "HELLO\0WORLD\0");

  const response = await sidecar.request("/api/connections?wire=toy");
  const { connections } = await response.json();
  assertEquals(connections.length, 1);
  assertEquals(connections[0].requests, 2);
  conn.close();
  const [offline] = await log.wait("offline", 1);
  assertEquals([offline!.wire, offline!.reason], ["toy", "peer-closed"]);
  assertEquals(
    monitor.listeners().flatMap(({ wires }) => wires),
    ["classic", "toy"],
  );
});
