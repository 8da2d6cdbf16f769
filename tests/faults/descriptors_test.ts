import { assertEquals } from "@std/assert";
import { makeClient, within } from "../support/cypher.ts";
import { Program } from "../support/program.ts";

Deno.test({
  name: "out of file descriptors: said once, and accepting again after it",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const path =
      new URL("../support/noisy_server.ts", import.meta.url).pathname;
    await using server = new Program(["run", "--allow-net", path], {
      descriptors: 300,
    });
    await within("the server's start", server.prints("."));
    const port = Number(/port (\d+)/.exec(server.output)![1]);
    const address = { hostname: "127.0.0.1", port };
    await using client = makeClient(address);
    assertEquals((await client.request({ data: 1 })).data, 1);
    // More than it can have; those that it cannot take wait in its backlog.
    const conns: Deno.TcpConn[] = [];
    while (conns.length < 350) conns.push(await Deno.connect(address));
    await within("the limit", server.prints("limit descriptors"));
    // Longer than the second after which a limit may be told again.
    const end = performance.now() + 1_200;
    while (performance.now() < end) {
      assertEquals((await client.request({ data: 2 })).data, 2);
    }
    for (const conn of conns) conn.close();
    await using late = makeClient(address, { wire: "session" });
    assertEquals((await late.request({ data: 3 })).data, 3);
    assertEquals(server.output.match(/limit \w+/g), ["limit descriptors"]);
  },
});
