import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  makeClient,
  SignalLog,
  startServer,
  within,
} from "./support/cypher.ts";

const handler = () => ({ data: "answered" });

Deno.test("the first byte chooses the wire, on one port", async () => {
  await using server = await startServer(handler, {
    wires: ["session", "classic"],
  });
  using log = new SignalLog(server.monitor);
  for (const wire of ["session", "classic"] as const) {
    await using client = makeClient(server.address, { wire });
    assertEquals((await client.request({})).data, "answered");
    assertEquals(log.of("online").at(-1)?.wire, wire);
  }
});

Deno.test("whoever says nothing for long enough is a classic client", async () => {
  await using server = await startServer(handler, {
    wires: ["session", "classic"],
    limits: { handshakeTimeout: 20 },
  });
  using log = new SignalLog(server.monitor);
  await using client = makeClient(server.address, { wire: "classic" });
  await client.connect();
  const [online] = await log.wait("online", 1);
  assertEquals(online!.wire, "classic");
  assertEquals((await client.request({})).data, "answered");
  assertEquals(log.of("online").length, 1);
});

Deno.test("a wire that is not accepted is refused", async () => {
  await using server = await startServer(handler, { wires: ["session"] });
  using log = new SignalLog(server.monitor);
  await using client = makeClient(server.address, {
    wire: "classic",
  });
  const error = await client.request({}).catch((error) => error);
  assertEquals(error.code, "BAD_TOKEN");
  assertEquals(log.of("failure")[0]?.code, "REFUSED");
});

Deno.test("who speaks HTTP or TLS to the port is named, and closed at once", async () => {
  await using server = await startServer(handler, {
    wires: ["session", "classic"],
  });
  using log = new SignalLog(server.monitor);
  const starts = {
    HTTP: new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    TLS: new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]),
  };
  let count = 0;
  for (const [name, start] of Object.entries(starts)) {
    const { hostname, port } = server.address;
    using socket = await Deno.connect({ hostname, port });
    await socket.write(start);
    await within("the end", socket.read(new Uint8Array(1)).catch(() => null));
    const failure = (await log.wait("failure", ++count)).at(-1)!;
    assertEquals(failure.code, "WIRE_MISMATCH");
    assertStringIncludes(failure.message, `speaks ${name}`);
  }
});
