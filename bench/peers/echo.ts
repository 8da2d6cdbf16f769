import type { Caller, PeerKind } from "../support.ts";

/** Bytes there and back over TCP: what everything else pays on top of. */
export const peer: PeerKind = {
  version: () => `Deno ${Deno.version.deno}`,
  serve() {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    serveAll(listener);
    return listener.addr.port;
  },
  connect,
};

async function serveAll(listener: Deno.TcpListener): Promise<void> {
  for await (const conn of listener) {
    conn.setNoDelay(true);
    sendBack(conn).catch(() => {});
  }
}

async function sendBack(conn: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) return conn.close();
    await writeAll(conn, buffer.subarray(0, count));
  }
}

async function connect(port: number): Promise<Caller> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  conn.setNoDelay(true);
  const waiting: { missing: number; resolve: () => void }[] = [];
  receive(conn, waiting).catch(() => {});
  const encoder = new TextEncoder();
  return {
    async echo(text) {
      const bytes = encoder.encode(text);
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push({ missing: bytes.length, resolve });
      await writeAll(conn, bytes);
      await promise;
    },
    close: () => conn.close(),
  };
}

/** Counts what comes back: the bytes are those that were sent, in order. */
async function receive(
  conn: Deno.TcpConn,
  waiting: { missing: number; resolve: () => void }[],
): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    let count = await conn.read(buffer);
    if (count === null) return;
    while (count > 0) {
      const first = waiting[0]!;
      const taken = Math.min(count, first.missing);
      first.missing -= taken;
      count -= taken;
      if (first.missing > 0) break;
      waiting.shift();
      first.resolve();
    }
  }
}

async function writeAll(conn: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await conn.write(sent === 0 ? bytes : bytes.subarray(sent));
  }
}
