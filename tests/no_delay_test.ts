/** Whether small answers leave at once, however many went before. */

import { assertEquals } from "@std/assert";
import { CypherServer } from "../mod.ts";
import type { Listen } from "../server/listener.ts";
import { serverKeys } from "./support/cypher.ts";

Deno.test("a server switches Nagle's algorithm off on what it accepts", async () => {
  const set: boolean[] = [];
  await using server = await start((noDelay) => set.push(noDelay));
  await untilClosed(server);
  assertEquals(set, [true]);
});

Deno.test("a connection that is gone before that costs nothing", async () => {
  let tries = 0;
  await using server = await start(() => {
    tries++;
    throw new Error("Invalid argument (os error 22)");
  });
  await untilClosed(server);
  await untilClosed(server);
  assertEquals(tries, 2);
});

/** A server whose connections tell when their delay is set. */
async function start(
  setNoDelay: (noDelay: boolean) => void,
): Promise<CypherServer> {
  const server = new CypherServer({
    port: 0,
    ...serverKeys,
    handler: () => ({}),
    listen: spyOn(setNoDelay),
  });
  await server.start();
  return server;
}

function spyOn(setNoDelay: (noDelay: boolean) => void): Listen {
  return (address) => {
    const listener = Deno.listen(address);
    return {
      addr: listener.addr,
      async accept() {
        return Object.assign(await listener.accept(), { setNoDelay });
      },
      close: () => listener.close(),
    };
  };
}

/** Connects, says what is no token, and waits until that is refused. */
async function untilClosed(server: CypherServer): Promise<void> {
  using conn = await Deno.connect({ port: server.address.port });
  await conn.write(new TextEncoder().encode("no token\0"));
  assertEquals(await conn.read(new Uint8Array(1)), null);
}
