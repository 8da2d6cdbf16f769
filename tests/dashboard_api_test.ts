import { assert, assertEquals, assertMatch } from "@std/assert";
import { Hono } from "hono";
import type {
  ConnectionDetail,
  ConnectionRow,
  Snapshot,
} from "../dashboard/contract.ts";
import { dashboard } from "../dashboard/mod.ts";
import { applyQuery, readQuery } from "../dashboard/query.ts";
import { type CypherServer, CypherStatus, Monitor } from "../mod.ts";
import { makeClient, startServer, until } from "./support/cypher.ts";
import { FakeClock } from "./support/fake_clock.ts";

interface List {
  total: number;
  page: number;
  limit: number;
  connections: { id: string; requests: number }[];
}

/** Three clients: with 1, 2 and 3 requests, the last one failing each time. */
async function busy(server: CypherServer) {
  const clients = [1, 2, 3].map(() => makeClient(server.address));
  for (const [i, client] of clients.entries()) {
    for (let n = 0; n <= i; n++) {
      await client.request({ path: i === 2 ? "/FAIL" : "/ECHO" })
        .catch(() => {});
    }
  }
  return clients;
}

const handler = ({ path }: { path: string }) => {
  if (path === "/FAIL") throw new CypherStatus("NOT_FOUND", "No such thing");
  return { data: "secret payload" };
};

Deno.test("the endpoints tell about live connections", async () => {
  await using server = await startServer(handler);
  await using app = dashboard(server.monitor, { name: "press hall" });
  const clients = await busy(server);
  const get = async <T>(path: string): Promise<T> =>
    await (await app.request(path)).json();

  const snapshot = await get<Snapshot>("/api/snapshot");
  assertEquals(snapshot.name, "press hall");
  assertEquals(snapshot.role, "admin");
  assertEquals(snapshot.signedIn, false);
  assertEquals(snapshot.connections.length, 3);
  assertEquals(snapshot.figures.connections, 3);
  assertEquals(snapshot.listeners[0]!.port, server.address.port);
  assertEquals(
    snapshot.signals.map(({ kind }) => kind).sort(),
    ["failure", "failure", "failure", "online", "online", "online"],
  );

  const list = await get<List>("/api/connections?sort=requests&order=desc");
  assertEquals(list.connections.map(({ requests }) => requests), [3, 2, 1]);
  const second = await get<List>("/api/connections?limit=2&page=2");
  assertEquals([second.total, second.connections.length], [3, 1]);
  const none = await get<List>("/api/connections?state=draining,closed");
  assertEquals(none.total, 0);
  const wire = await get<List>("/api/connections?wire=classic&state=open");
  assertEquals(wire.total, 3);
  const { address } = snapshot.connections[1]!;
  const found = await get<List>(`/api/connections?q=${address}`);
  assertEquals(found.connections.map(({ id }) => id), [
    snapshot.connections[1]!.id,
  ]);

  const { id } = list.connections[0]!;
  const detail = await get<ConnectionDetail>(`/api/connections/${id}`);
  assertEquals(detail.requests.length, 3);
  assertEquals(detail.requests[0]!.path, "/FAIL");
  assertEquals(detail.requests[0]!.status, "NOT_FOUND");
  assert(detail.p99! > 0);
  assert(detail.connection.lastFailure! > 0);
  assert(!JSON.stringify(detail).includes("payload"));
  for (const client of clients) await client.close();
});

Deno.test("DELETE disconnects, and the leaver stays listed", async () => {
  await using server = await startServer(handler);
  await using app = dashboard(server.monitor);
  await using client = makeClient(server.address);
  await client.request({ path: "/ECHO" });
  const { id } = server.monitor.connections()[0]!;
  const remove = () =>
    app.request(`/api/connections/${id}`, { method: "DELETE" });

  assertEquals((await remove()).status, 204);
  await until("the connection is gone", () => !server.monitor.connection(id));
  const again = await remove();
  assertEquals(again.status, 404);
  assertEquals((await again.json()).error, "It has already left");
  const detail: ConnectionDetail =
    await (await app.request(`/api/connections/${id}`)).json();
  const { state } = detail.connection;
  assert(state.kind === "closed");
  assertEquals(state.reason, "disconnected");
  assertEquals(detail.history.at(-1)!.kind, "offline");
});

Deno.test("an id of another instance is nobody's", async () => {
  await using server = await startServer(handler);
  await using app = dashboard(server.monitor);
  await using client = makeClient(server.address);
  await client.request({ path: "/ECHO" });
  const { instance, connections }: Snapshot =
    await (await app.request("/api/snapshot")).json();
  const ask = async (method: string, instance: string) => {
    const path = `/api/connections/${connections[0]!.id}?instance=${instance}`;
    const answer = await app.request(path, { method });
    await answer.body?.cancel();
    return answer.status;
  };
  assertEquals(await ask("GET", "another"), 404);
  assertEquals(await ask("DELETE", "another"), 404);
  assertEquals(server.monitor.connections()[0]!.state.kind, "open");
  assertEquals(await ask("GET", instance), 200);
  assertEquals(await ask("DELETE", instance), 204);
});

Deno.test("ids are sorted as the numbers they are, on threads too", () => {
  const query = readQuery(new URLSearchParams("sort=id"));
  assert(typeof query === "object");
  const rows = ["2-1", "1-10", "10", "1-9", "9"].map((id) => ({ id }));
  const sorted = applyQuery(rows as ConnectionRow[], query);
  assertEquals(
    sorted.connections.map(({ id }) => id),
    ["1-9", "1-10", "2-1", "9", "10"],
  );
});

Deno.test("a query that makes no sense is refused, saying why", async () => {
  await using app = dashboard(new Monitor());
  for (
    const [query, error] of [
      ["sort=payload", /sort.*one of id, name/],
      ["order=up", /order/],
      ["state=odd", /state.*handshake, open/],
      ["page=0", /page/],
      ["page=1.5", /page/],
      ["limit=1001", /limit/],
      ["limit=", /limit/],
      ["limit=10&limit=20", /once/],
      ["colour=red", /no parameter "colour"/],
      [`q=${"x".repeat(201)}`, /200/],
    ] as const
  ) {
    const answer = await app.request(`/api/connections?${query}`);
    assertEquals(answer.status, 400, query);
    assertMatch((await answer.json()).error, error);
  }
});

Deno.test("unknown things are 404, as JSON", async () => {
  await using app = dashboard(new Monitor());
  for (const path of ["/api/connections/7", "/api/nope", "/nope.js"]) {
    const answer = await app.request(path);
    assertEquals(answer.status, 404, path);
    assert((await answer.json()).error);
  }
  const gone = await app.request("/events/nope", { method: "POST" });
  assertEquals(gone.status, 404);
  await gone.body?.cancel();
});

Deno.test("readiness follows the listeners, health does not", async () => {
  const monitor = new Monitor();
  await using app = dashboard(monitor, { token: "a-token-of-20-letters" });
  const status = async (path: string) => {
    const answer = await app.request(path, { headers: { host: "10.1.2.3" } });
    await answer.body?.cancel();
    return answer.status;
  };
  assertEquals(await status("/readyz"), 503);
  let state: "listening" | "draining" = "listening";
  const stop = monitor.addListener(() => ({
    hostname: "127.0.0.1",
    port: 1,
    wires: ["classic"],
    state,
  }));
  assertEquals(await status("/readyz"), 200);
  state = "draining";
  assertEquals(await status("/readyz"), 503);
  stop();
  assertEquals(await status("/readyz"), 503);
  assertEquals(await status("/healthz"), 200);
});

Deno.test("metrics are Prometheus text, whatever peers send", async () => {
  const monitor = new Monitor({ clock: new FakeClock() });
  await using app = dashboard(monitor);
  const peer = { connection: "1", address: "a:1", wire: "classic" };
  monitor.publish({ kind: "online", ...peer });
  const request = {
    kind: "request" as const,
    ...peer,
    path: '/"}\n<img>',
    operation: "READ",
    bytesIn: 10,
    bytesOut: 20,
    repeated: true,
  };
  for (let i = 0; i < 100; i++) {
    monitor.publish({ ...request, status: `S"\n${i}`, latency: 3 });
  }
  monitor.publish({ ...request, status: "OK", latency: 100_000 });
  const answer = await app.request("/metrics");
  assertEquals(
    answer.headers.get("content-type"),
    "text/plain; version=0.0.4; charset=utf-8",
  );
  const text = await answer.text();
  for (const line of text.trimEnd().split("\n")) {
    assertMatch(
      line,
      /^($|# (HELP|TYPE) cypher_|cypher_[a-z_]+(\{[a-z]+="([^"\\\n]|\\["n\\])*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+$)/,
    );
  }
  const has = (line: string) => assert(text.includes(`\n${line}\n`), line);
  has('cypher_connections_total{wire="classic"} 1');
  has('cypher_requests_total{status="other"} 37');
  has("cypher_requests_repeated_total 101");
  has('cypher_request_bytes_total{direction="out"} 2020');
  has("# TYPE cypher_request_duration_seconds histogram");
  has('cypher_request_duration_seconds_bucket{le="0.0025"} 0');
  has('cypher_request_duration_seconds_bucket{le="0.005"} 100');
  has('cypher_request_duration_seconds_bucket{le="60"} 100');
  has('cypher_request_duration_seconds_bucket{le="+Inf"} 101');
  has("cypher_request_duration_seconds_count 101");
});

Deno.test("the page is served at any base path, with relative links", async () => {
  await using mounted = dashboard(new Monitor());
  const app = new Hono();
  app.route("/tools/cypher", mounted);
  app.get("/", (c) => c.text("mine"));

  const moved = await app.request("/tools/cypher");
  assertEquals(moved.status, 302);
  assertEquals(
    new URL(moved.headers.get("location")!, "http://localhost/tools/cypher")
      .pathname,
    "/tools/cypher/",
  );
  const page = await app.request("/tools/cypher/");
  assertEquals(page.status, 200);
  assertMatch(await page.text(), /<!doctype html>/i);
  assertEquals(await (await app.request("/")).text(), "mine");
  const snapshot = await app.request("/tools/cypher/api/snapshot");
  assertEquals((await snapshot.json()).name, "cypher");
  await using alone = dashboard(new Monitor());
  const root = await alone.request("/");
  assertEquals(root.status, 200);
  await root.body?.cancel();
});

Deno.test("the page's files are compressed and revalidated", async () => {
  await using app = dashboard(new Monitor());
  const plain = await app.request("/app.css");
  assertEquals(plain.headers.get("content-encoding"), null);
  const text = await plain.text();
  const packed = await app.request("/app.css", {
    headers: { "accept-encoding": "br;q=1, gzip;q=0.8" },
  });
  assertEquals(packed.headers.get("content-encoding"), "gzip");
  assertEquals(packed.headers.get("vary"), "Accept-Encoding");
  const unpacked = packed.body!.pipeThrough(new DecompressionStream("gzip"));
  assertEquals(await new Response(unpacked).text(), text);
  const refused = await app.request("/app.css", {
    headers: { "accept-encoding": "gzip;q=0" },
  });
  assertEquals(await refused.text(), text);
  const etag = packed.headers.get("etag")!;
  for (const header of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
    const known = await app.request("/app.css", {
      headers: { "if-none-match": header },
    });
    assertEquals([known.status, await known.text()], [304, ""], header);
  }
  const other = await app.request("/app.css", {
    headers: { "if-none-match": '"other"' },
  });
  assertEquals(other.status, 200);
  await other.body?.cancel();
});
