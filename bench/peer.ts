/**
 * The servers that the benchmarks talk to, each in a process of its own:
 * `deno run -A bench/peer.ts echo|hono|cypher`. Prints its port.
 *
 * @module
 */
import { Hono } from "hono";
import { CypherServer } from "../mod.ts";
import { KEYS } from "./support.ts";

const kind = Deno.args[0];
if (kind === "echo") await serveEcho();
else if (kind === "hono") serveHono();
else if (kind === "cypher") await serveCypher();
else throw new Error(`Cannot start the peer "${kind}": there is none`);

async function serveEcho(): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  announce(listener.addr.port);
  for await (const conn of listener) {
    conn.setNoDelay(true);
    echo(conn);
  }
}

async function echo(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) return conn.close();
    for (let sent = 0; sent < count;) {
      sent += await conn.write(buffer.subarray(sent, count));
    }
  }
}

function serveHono(): void {
  const app = new Hono();
  app.post("/NUMBER", async (c) => {
    const { DATA } = await c.req.json();
    return c.json({ PATH: "/NUMBER", OPERATION: "UPDATE", DATA, METADATA: {} });
  });
  Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: ({ port }) => announce(port),
  }, app.fetch);
}

async function serveCypher(): Promise<void> {
  const server = new CypherServer({
    port: 0,
    encryptionKey: KEYS.serverToClient,
    decryptionKey: KEYS.clientToServer,
    handler: ({ data }) => ({ data }),
  });
  await server.start();
  announce(server.address.port);
}

function announce(port: number): void {
  // deno-lint-ignore no-console
  console.log(port);
}
