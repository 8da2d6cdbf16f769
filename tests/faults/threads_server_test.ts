/** A server of several threads as its program sees it. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  CypherClient,
  type CypherClientOptions,
  CypherError,
  CypherServer,
} from "../../mod.ts";
import { Log } from "../../server/log/log.ts";
import { shutDown } from "../../server/serve/shut_down.ts";
import {
  clientKeys,
  codeOf,
  serverKeys,
  SignalLog,
  until,
  within,
} from "../support/cypher.ts";
import {
  Effects,
  HANDLER,
  killThread,
  newSecret,
  startThreads,
  threadIn,
  ThreadPeer,
  Word,
} from "../support/threads.ts";
import type { Told } from "../support/thread_handler.ts";

function makeClient(
  { port }: { port: number },
  options: Partial<CypherClientOptions> = {},
): CypherClient {
  return new CypherClient({
    hostname: "127.0.0.1",
    port,
    ...clientKeys,
    backoff: { first: 1, max: 5 },
    ...options,
  });
}

/** Clients that are connected, at least one to each of two threads. */
async function clientsOnBoth(
  server: CypherServer,
  options: Partial<CypherClientOptions> = {},
): Promise<AsyncDisposable & { all: CypherClient[] }> {
  const all: CypherClient[] = [];
  const threads = new Set<string>();
  while (threads.size < 2) {
    const client = makeClient(server.address, options);
    all.push(client);
    const { data } = await client.request<Told>({ path: "/" });
    threads.add(data.thread);
  }
  return {
    all,
    [Symbol.asyncDispose]: async () => {
      for (const client of all) await client.close();
    },
  };
}

Deno.test("one monitor sees the connections of every thread", async () => {
  await using server = await startThreads();
  using signals = new SignalLog(server.monitor);
  await using clients = await clientsOnBoth(server, { name: "somebody" });
  const count = clients.all.length;
  const online = await signals.wait("online", count);
  const ids = new Set(online.map(({ connection }) => connection));
  assertEquals(ids.size, count);
  assertEquals(new Set([...ids].map(threadIn)).size, 2);
  assertEquals((await signals.wait("request", count)).length, count);
  for (const id of ids) {
    const info = server.monitor.connection(id);
    assertEquals([info?.name, info?.wire, info?.state.kind], [
      "somebody",
      "session",
      "open",
    ]);
  }
  await until(
    "the counts are told",
    () => server.monitor.connections().every(({ requests }) => requests === 1),
  );
  for (const client of clients.all) await client.close();
  await signals.wait("offline", count);
  await until("none is left", () => server.monitor.connections().length === 0);
  const [listener, ...others] = server.monitor.listeners();
  assertEquals(listener?.port, server.address.port);
  assertEquals(others, []);
});

Deno.test("with nobody watching the connections are shown all the same", async () => {
  await using server = await startThreads();
  await using clients = await clientsOnBoth(server);
  await until(
    "all are shown",
    () =>
      server.monitor.connections().filter(({ requests, wire }) =>
        requests === 1 && wire === "session"
      ).length === clients.all.length,
  );
});

Deno.test("a disconnect reaches a connection of any thread", async () => {
  await using server = await startThreads();
  using signals = new SignalLog(server.monitor);
  await using clients = await clientsOnBoth(server);
  const online = await signals.wait("online", clients.all.length);
  for (const { connection } of online) {
    assert(server.monitor.disconnect(connection));
  }
  const offline = await signals.wait("offline", clients.all.length);
  assert(offline.every(({ reason }) => reason === "disconnected"));
  // They come back by themselves.
  for (const client of clients.all) await client.request({ path: "/" });
});

Deno.test("keys are added and withdrawn on every thread, also on a new one", async () => {
  // The clients whose keys are withdrawn try on and on.
  await using server = await startThreads({ limits: { badTokens: Infinity } });
  using signals = new SignalLog(server.monitor);
  const newer = {
    encryptionKey: "another-key-to-client-32-chars!!",
    decryptionKey: "another-key-to-server-32-chars!!",
  };
  const clientsKeys = {
    encryptionKey: newer.decryptionKey,
    decryptionKey: newer.encryptionKey,
  };
  assertEquals(server.addKeys(newer), 2);
  await using older = await clientsOnBoth(server);
  await using clients = await clientsOnBoth(server, clientsKeys);
  server.withdrawKeys(1);
  const withdrawn = await signals.wait("offline", older.all.length);
  assert(withdrawn.every(({ reason }) => reason === "withdrawn"));
  const late = makeClient(server.address);
  assertEquals(await codeOf(late.connect()), "UNAUTHORIZED");
  await late.close();
  for (const client of clients.all) await client.request({ path: "/" });

  const killer = makeClient(server.address, clientsKeys);
  const dying = killer.request({ path: "/", data: { die: "close" } });
  assertEquals(await codeOf(dying), "OUTCOME_UNKNOWN");
  await killer.close();
  await using again = await clientsOnBoth(server, clientsKeys);
  assert(again.all.length >= 2);
});

Deno.test("stop lets what runs on every thread finish", async () => {
  const word = new Word();
  const server = await startThreads();
  const peers: ThreadPeer[] = [];
  while (new Set(peers.map(({ thread }) => thread)).size < 2) {
    peers.push(await ThreadPeer.dial(server.address, newSecret()));
  }
  for (const peer of peers) await peer.request(1, { until: word.name });
  await word.heard("waits", peers.length);
  const stopped = server.stop();
  for (const peer of peers) {
    assertEquals((await peer.hear())?.content.reason, "draining");
  }
  word.say();
  for (const peer of peers) assertEquals((await peer.hear())?.id, 1);
  for (const peer of peers) peer[Symbol.dispose]();
  await within("a stop", stopped);
  word[Symbol.dispose]();
  assertEquals(server.monitor.connections(), []);
  assertEquals(server.monitor.listeners(), []);
});

Deno.test("at the end of the grace handlers on every thread are aborted", async () => {
  using word = new Word();
  const server = await startThreads();
  await using clients = await clientsOnBoth(server);
  const data = { until: word.name };
  const asked = clients.all.map((client) =>
    client.request({ path: "/", data }).catch(() => {})
  );
  await word.heard("waits", asked.length);
  await within("a stop", server.stop({ grace: 1 }));
  for (const client of clients.all) await client.close();
  await Promise.all(asked);
});

Deno.test("a thread whose handler never returns is given up after the grace", async () => {
  const server = await startThreads();
  using signals = new SignalLog(server.monitor);
  const peer = await ThreadPeer.dial(server.address, newSecret());
  await signals.wait("online");
  using effects = new Effects();
  await peer.request(1, { file: effects.file, burn: 1e9 });
  await until("a handler", () => effects.count === 1);
  using log = new Log({ write() {} });
  const { monitor } = server;
  const code = shutDown([server], { monitor, log, delay: 0, grace: 1 });
  assertEquals(await within("a stop", code), 1);
  peer[Symbol.dispose]();
  assertEquals(signals.of("notice").map(({ code }) => code), ["THREAD_STUCK"]);
  assertEquals(signals.of("offline").map(({ reason }) => reason), ["stopped"]);
  assertEquals(monitor.connections(), []);
});

Deno.test("a thread that died is told of, its connections go offline, and another comes", async () => {
  await using server = await startThreads();
  using signals = new SignalLog(server.monitor);
  const peer = await ThreadPeer.dial(server.address, newSecret());
  await signals.wait("online");
  await killThread(server, peer.thread);
  peer[Symbol.dispose]();
  const [offline] = await signals.wait("offline");
  assertEquals(offline?.reason, "internal");
  assertEquals(threadIn(offline!.connection), peer.thread);
  await using clients = await clientsOnBoth(server);
  assert(clients.all.length >= 2);
});

Deno.test("what a handler throws is told on the main thread", async () => {
  const errors: unknown[] = [];
  await using server = await startThreads({
    onHandlerError: (error, { reference, path }) =>
      errors.push([error, reference, path]),
  });
  await using client = makeClient(server.address);
  const data = { fail: "a secret reason" };
  const code = codeOf(client.request({ path: "/FAILS", data }));
  assertEquals(await code, "STATUS");
  await until("the error is told", () => errors.length === 1);
  const [error, reference, path] = errors[0] as [Error, string, string];
  assert(error instanceof Error);
  assertEquals([error.message, path], ["a secret reason", "/FAILS"]);
  assert(reference.length > 0);
});

Deno.test("a handler's module that cannot be used fails the start", async () => {
  const cases: [string, string][] = [
    ["data:text/javascript,export default 1", "is a function"],
    ["data:text/javascript,throw new Error('it broke')", "it broke"],
    [
      "data:text/javascript,export default () => ({}); export const idempotent = 1",
      "idempotent",
    ],
    [new URL("./no_such_handler.ts", import.meta.url).href, "no_such_handler"],
  ];
  for (const [url, said] of cases) {
    const handler = new URL(url);
    const server = new CypherServer({ port: 0, ...serverKeys, handler });
    const error = await assertRejects(() => server.start(), CypherError);
    assertEquals(error.code, "BAD_OPTION");
    assertStringIncludes(error.message, said);
    await server.stop();
  }
});

Deno.test("a port that is taken is refused, even by another server of threads", async () => {
  await using server = await startThreads();
  const { port } = server.address;
  const other = new CypherServer({
    port,
    ...serverKeys,
    threads: 2,
    handler: HANDLER,
  });
  const error = await assertRejects(() => other.start(), CypherError);
  assertEquals(error.code, "LISTEN_FAILED");
  await other.stop();
});

Deno.test("what cannot cross to a thread is refused, by its name", () => {
  const handler = () => ({});
  const cases = [
    [{ handler, threads: 2 }, "handler"],
    [{ handler, threads: 0 }, "handler"],
    [{ handler: "./handler.ts" }, "handler"],
    [{ handler: HANDLER, threads: 257 }, "threads"],
    [{ handler: HANDLER, threads: 1.5 }, "threads"],
    [{ handler: HANDLER, idempotent: () => true }, "idempotent"],
    [{ handler: HANDLER, listen: Deno.listen }, "listen"],
    [{ handler: HANDLER, clock: {} }, "clock"],
  ] as const;
  for (const [options, name] of cases) {
    const error = assertThrows(
      // deno-lint-ignore no-explicit-any
      () => new CypherServer({ ...serverKeys, ...options } as any),
      CypherError,
    );
    assertEquals(error.code, "BAD_OPTION");
    assertStringIncludes(error.message, `"${name}"`);
  }
});

Deno.test("one thread by itself runs a handler's module too", async () => {
  await using server = await startThreads({ threads: 1 });
  await using client = makeClient(server.address);
  const { data } = await client.request<Told>({ path: "/", data: { echo: 7 } });
  assertEquals(data.echo, 7);
});
