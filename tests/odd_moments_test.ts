/**
 * Clients and servers that are asked, stopped or closed at moments that nobody
 * would choose, over real sockets.
 */

import { assert, assertEquals } from "@std/assert";
import {
  CypherClient,
  type CypherClientOptions,
  CypherServer,
  type CypherServerOptions,
  type Handler,
} from "../mod.ts";
import { AnsweredSet } from "../protocol/answered.ts";
import {
  type AcceptedConn,
  type Listen,
  listenTcp,
} from "../server/listener.ts";
import {
  clientKeys,
  codeOf,
  serverKeys,
  until,
  within,
} from "./support/cypher.ts";

async function serve(
  handler: Handler,
  options: Partial<CypherServerOptions> = {},
): Promise<CypherServer> {
  const server = new CypherServer({
    port: 0,
    ...serverKeys,
    handler,
    ...options,
  });
  await server.start();
  return server;
}

function clientOf(
  { address }: CypherServer,
  options: Partial<CypherClientOptions> = {},
): CypherClient {
  return new CypherClient({
    port: address.port,
    ...clientKeys,
    backoff: { first: 1, max: 5 },
    ...options,
  });
}

Deno.test("onOffline finds the client offline, and connect() waits", async () => {
  const server = await serve(() => ({}));
  const seen: string[] = [];
  let connected = false;
  let connecting: Promise<void> | undefined;
  const client = clientOf(server, {
    onOffline: () => {
      seen.push(client.state);
      connecting ??= client.connect().then(() => {
        connected = true;
      });
    },
  });
  await client.connect();
  await server.stop();
  await until("the client is offline", () => seen.length > 0);
  await until("it waits or dials", () => client.state !== "online");
  assertEquals([seen, connected], [["waiting"], false]);
  const closed = codeOf(connecting!);
  await client.close();
  assertEquals(await closed, "CLOSED");
});

Deno.test("a client that its own request's data closes rejects that request", async () => {
  const client = new CypherClient({ port: 1, ...clientKeys });
  const data = {
    toJSON() {
      client.close();
      return 1;
    },
  };
  assertEquals(await codeOf(client.request({ path: "/", data })), "CLOSED");
  assertEquals(client.pending, 0);
});

Deno.test("10,000 requests that are too large for the server end as that", async () => {
  const server = await serve(() => ({}), { limits: { messageBytes: 1_024 } });
  const offline: string[] = [];
  const client = clientOf(server, {
    onOffline: (reason) => offline.push(reason),
  });
  const data = "x".repeat(1_024);
  const codes = await within(
    "the end of all",
    Promise.all(Array.from(
      { length: 10_000 },
      () => codeOf(client.request({ path: "/", data })),
    )),
  );
  assertEquals(new Set(codes), new Set(["TOO_LARGE"]));
  assertEquals(offline, []);
  await client.close();
  await server.stop();
});

Deno.test("what is answered may have more gaps than fit into one message", async () => {
  const gate = Promise.withResolvers<void>();
  const effects: unknown[] = [];
  const server = await serve(async ({ data }) => {
    effects.push(data);
    if (Number(data) % 2 === 0) await gate.promise;
    return { data };
  }, { limits: { messageBytes: 1_024 } });
  const offline: string[] = [];
  const sockets: Deno.TcpConn[] = [];
  const client = clientOf(server, {
    dial: async (target) => {
      const socket = await Deno.connect(target);
      sockets.push(socket);
      return socket;
    },
    onOffline: (reason) => offline.push(reason),
  });
  const answers = Array.from(
    { length: 256 },
    (_, data) => client.request({ path: "/", data }),
  );
  await until("every other is answered", () => client.pending === 128);
  // The next connection has to begin with them.
  await sockets[0]!.closeWrite();
  await until(
    "it is back",
    () => sockets.length > 1 && client.state === "online",
  );
  gate.resolve();
  const all = await within("all answers", Promise.all(answers));
  assertEquals(all.map(({ data }) => data), [...all.keys()]);
  assertEquals([effects.length, offline], [256, ["peer-closed"]]);
  await client.close();
  await server.stop();
});

Deno.test("the parts of an answered set are what it is, each small enough", () => {
  const set = new AnsweredSet(1_000);
  for (let id = 1; id <= 7; id++) set.add(id);
  for (let id = 9; id < 40; id += 3) set.add(id);
  const parts = set.parts(4);
  assertEquals(parts.map(({ ranges }) => ranges.length), [4, 4, 3]);
  const copy = new AnsweredSet(1_000);
  for (const part of parts) {
    copy.merge(AnsweredSet.fromJson({ ...part } as never, 1_000));
  }
  assertEquals(copy.toJSON(), set.toJSON());
  assertEquals(set.parts(11), [set.toJSON()]);
  assertEquals(new AnsweredSet(1).parts(1), [{ floor: 0, ranges: [] }]);
});

Deno.test("a request that is aborted while the server drains ends its handler", async () => {
  const began = Promise.withResolvers<void>();
  let aborted = false;
  const server = await serve(async (_, { signal }) => {
    const ended = new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => resolve())
    );
    began.resolve();
    await ended;
    aborted = true;
    return {};
  });
  let reads = 0;
  const client = clientOf(server, {
    dial: async (target) => {
      const conn = await Deno.connect(target);
      const read = conn.read.bind(conn);
      conn.read = async (into) => {
        const count = await read(into);
        reads++;
        return count;
      };
      return conn;
    },
  });
  const abort = new AbortController();
  const { signal } = abort;
  const code = codeOf(client.request({ path: "/" }, { signal }));
  await began.promise;
  const before = reads;
  // Longer than `within` waits: only the handler's end can end the stop.
  const stopped = server.stop({ grace: 600_000 });
  await until("the goodbye", () => reads > before);
  abort.abort();
  assertEquals(await code, "ABORTED");
  await within("the stop", stopped);
  assert(aborted);
  await client.close();
});

Deno.test("a connection that is accepted as the server stops is closed", async () => {
  let stopped: Promise<void> | undefined;
  const server: CypherServer = await serve(() => ({}), {
    listen: accepting((conn) => {
      // Both on the same turn: what is accepted and what stops.
      stopped = server.stop({ grace: 600_000 });
      return conn;
    }),
  });
  const socket = await Deno.connect({ port: server.address.port });
  assertEquals(
    await within("the end", socket.read(new Uint8Array(1))),
    null,
  );
  await within("the stop", stopped!);
  assertEquals(server.monitor.connections(), []);
  socket.close();
});

Deno.test("a connection that speaks first as the server stops was never online, or is offline", async () => {
  const told = new Set<string>();
  // As many steps as lie between the first byte and the wire that it chooses.
  for (let steps = 0; steps < 12; steps++) {
    told.add((await speaksAtTheStop(steps)).join());
  }
  assertEquals(told, new Set(["", "online,offline"]));
});

/** Stops a server so many microtasks after a connection's first byte came. */
async function speaksAtTheStop(steps: number): Promise<string[]> {
  let stopped: Promise<void> | undefined;
  const server: CypherServer = await serve(() => ({}), {
    listen: accepting((conn) => ({
      remoteAddr: conn.remoteAddr,
      read: async (into) => {
        const count = await conn.read(into);
        stopped ??= (async () => {
          for (let step = 0; step < steps; step++) await null;
          await server.stop();
        })();
        return count;
      },
      write: (bytes) => conn.write(bytes),
      closeWrite: () => conn.closeWrite(),
      close: () => conn.close(),
    })),
  });
  const signals: string[] = [];
  server.monitor.listen(({ kind }) => void signals.push(kind));
  const socket = await Deno.connect({ port: server.address.port });
  await socket.write(new TextEncoder().encode("g"));
  assertEquals(
    await within("the end", socket.read(new Uint8Array(1)).catch(() => null)),
    null,
  );
  await within("the stop", stopped!);
  socket.close();
  return signals;
}

/** Listens on TCP; what is accepted is what `accept` makes of it. */
function accepting(accept: (conn: AcceptedConn) => AcceptedConn): Listen {
  return (address) => {
    const listener = listenTcp()(address);
    return {
      addr: listener.addr,
      accept: async () => accept(await listener.accept()),
      close: () => listener.close(),
    };
  };
}
