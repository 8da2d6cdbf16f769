import { Hono } from "hono";
import { filler, type PeerKind } from "../support.ts";

/** JSON over HTTP/1.1, on connections that are kept alive. */
export const peer: PeerKind = {
  version: () => "Hono 4, Deno.serve",
  serve() {
    const app = new Hono();
    app.post("/NUMBER", async (c) => {
      const { DATA } = await c.req.json();
      return c.json({
        PATH: "/NUMBER",
        OPERATION: "UPDATE",
        DATA,
        METADATA: {},
      });
    });
    app.post("/BIG", async (c) => {
      const { DATA } = await c.req.json();
      return c.json({ PATH: "/BIG", DATA: filler(DATA) });
    });
    const server = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      onListen() {},
    }, app.fetch);
    return server.addr.port;
  },
  connect(port) {
    const post = async (path: string, DATA: string | number) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method: "POST",
        body: JSON.stringify({ PATH: path, OPERATION: "READ", DATA }),
      });
      return await response.json();
    };
    return {
      echo: (text) => post("/NUMBER", text),
      want: (size) => post("/BIG", size),
      close() {},
    };
  },
};
