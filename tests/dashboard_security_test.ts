import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  dashboard,
  type DashboardOptions,
  serveDashboard,
  type ServeDashboardOptions,
} from "../dashboard/mod.ts";
import { sourceOf } from "../dashboard/throttle.ts";
import { CypherError, Monitor } from "../mod.ts";
import { FakeClock } from "./support/fake_clock.ts";

const ADMIN = "admin-token-of-24-letters";
const READ = "viewer-token-of-25-letters";
const TOKENS = { token: ADMIN, readToken: READ };
const HOST = "localhost:8080";

/** As if it came over the network, from this address. */
const from = (hostname: string) => ({
  remoteAddr: { transport: "tcp", hostname, port: 4711 },
});

interface Ask {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
  address?: string;
}

type App = ReturnType<typeof dashboard>;

async function ask(app: App, request: Ask): Promise<Response> {
  const { path = "/api/snapshot", method = "GET", headers, body } = request;
  return await app.request(
    path,
    { method, headers: { host: HOST, ...headers }, body: body ?? null },
    from(request.address ?? "127.0.0.1"),
  );
}

async function statusOf(app: App, request: Ask): Promise<number> {
  const answer = await ask(app, request);
  await answer.body?.cancel();
  return answer.status;
}

function login(token: string, more: Ask = {}): Ask {
  return {
    ...more,
    method: "POST",
    path: "/api/login",
    headers: { "content-type": "application/json", ...more.headers },
    body: JSON.stringify({ token }),
  };
}

/** The header with which a browser says who it is. */
async function signIn(app: App, token: string): Promise<{ cookie: string }> {
  const answer = await ask(app, login(token));
  await answer.body?.cancel();
  return { cookie: answer.headers.get("set-cookie")!.split(";")[0]! };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const remove = { method: "DELETE", path: "/api/connections/1" };

// 404 means let through: there is no such connection.
const TABLE: [string, DashboardOptions, Ask, number][] = [
  ["no token needed, this machine", {}, {}, 200],
  ["no token needed, IPv6", {}, { address: "::1" }, 200],
  ["no token needed, another machine", {}, { address: "10.0.0.9" }, 403],
  ["no token needed, change", {}, remove, 404],
  ["localhost, any port", {}, { headers: { host: "localhost:1" } }, 200],
  ["loopback address", {}, { headers: { host: "127.0.0.1:9" } }, 200],
  ["loopback IPv6", {}, { headers: { host: "[::1]:9" } }, 200],
  ["name below localhost", {}, { headers: { host: "a.localhost" } }, 200],
  ["wrong host", {}, { headers: { host: "evil.example" } }, 421],
  ["wrong host, own port", {}, { headers: { host: "evil.example:8080" } }, 421],
  ["host that starts well", {}, {
    headers: { host: "localhost.evil.example" },
  }, 421],
  ["host with a user", {}, { headers: { host: "localhost@evil" } }, 421],
  ["address that is not ours", {}, { headers: { host: "10.0.0.1" } }, 421],
  ["wrong host for the page", {}, {
    path: "/",
    headers: { host: "evil.example" },
  }, 421],
  ["wrong host for a health check", {}, {
    path: "/healthz",
    headers: { host: "10.0.0.1" },
  }, 200],
  ["allowed host, any port", { ...TOKENS, allowedHosts: ["cypher.lan"] }, {
    path: "/",
    headers: { host: "CYPHER.lan:81" },
  }, 200],
  ["allowed host, its port", { ...TOKENS, allowedHosts: ["cypher.lan:81"] }, {
    path: "/",
    headers: { host: "cypher.lan:81" },
  }, 200],
  ["allowed host, other port", { ...TOKENS, allowedHosts: ["cypher.lan:81"] }, {
    path: "/",
    headers: { host: "cypher.lan" },
  }, 421],
  ["own origin", {}, {
    ...remove,
    headers: { origin: `http://${HOST}`, "sec-fetch-site": "same-origin" },
  }, 404],
  ["own origin behind TLS", {}, {
    ...remove,
    headers: { origin: `https://${HOST}` },
  }, 404],
  ["wrong origin", {}, {
    ...remove,
    headers: { origin: "http://evil.example" },
  }, 403],
  ["other port's origin", {}, {
    ...remove,
    headers: { origin: "http://localhost:8081" },
  }, 403],
  ["null origin", {}, { ...remove, headers: { origin: "null" } }, 403],
  ["cross-site", {}, {
    ...remove,
    headers: { "sec-fetch-site": "cross-site" },
  }, 403],
  ["same-site", {}, {
    ...remove,
    headers: { "sec-fetch-site": "same-site" },
  }, 403],
  ["another site's page opens the stream", {}, {
    path: "/events",
    headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" },
  }, 403],
  ["another site's page loads a file", {}, {
    path: "/app.js",
    headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" },
  }, 403],
  ["another site's frame", {}, {
    path: "/events",
    headers: {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "iframe",
    },
  }, 403],
  ["a link on another site", {}, {
    path: "/",
    headers: {
      "sec-fetch-site": "cross-site",
      "sec-fetch-mode": "navigate",
      "sec-fetch-dest": "document",
    },
  }, 200],
  ["wrong origin, right token", TOKENS, {
    ...remove,
    headers: { origin: "http://evil.example", ...bearer(ADMIN) },
  }, 403],
  ["login from elsewhere", TOKENS, {
    ...login(ADMIN),
    headers: {
      "content-type": "application/json",
      origin: "http://evil.example",
    },
  }, 403],
  ["no token", TOKENS, {}, 401],
  ["no token for metrics", TOKENS, { path: "/metrics" }, 401],
  ["no token for events", TOKENS, { path: "/events" }, 401],
  ["no token for a sign of life", TOKENS, {
    method: "POST",
    path: "/events/x",
  }, 401],
  ["no token for an unknown path", TOKENS, { path: "/api/nope" }, 401],
  ["no token for a change", TOKENS, remove, 401],
  ["no token for the page", TOKENS, { path: "/" }, 200],
  ["no token for its files", TOKENS, { path: "/app.js" }, 200],
  ["no token for readiness", TOKENS, { path: "/readyz" }, 503],
  ["wrong token", TOKENS, { headers: bearer(`${ADMIN}x`) }, 401],
  ["empty token", TOKENS, { headers: { authorization: "Bearer " } }, 401],
  ["other scheme", TOKENS, { headers: { authorization: "Basic eDp5" } }, 401],
  ["admin's token", TOKENS, { headers: bearer(ADMIN) }, 200],
  ["admin's token, metrics", TOKENS, {
    path: "/metrics",
    headers: bearer(ADMIN),
  }, 200],
  ["admin's token, other machine", TOKENS, {
    headers: bearer(ADMIN),
    address: "10.0.0.9",
  }, 200],
  ["admin's token, change", TOKENS, {
    ...remove,
    headers: bearer(ADMIN),
  }, 404],
  ["viewer's token", TOKENS, { headers: bearer(READ) }, 200],
  ["viewer's token, change", TOKENS, { ...remove, headers: bearer(READ) }, 403],
  ["made-up cookie", TOKENS, {
    headers: { cookie: "cypher_8080=0123456789" },
  }, 401],
  ["wrong login", TOKENS, login("not-the-token-at-all"), 401],
  ["login without JSON", TOKENS, {
    ...login(ADMIN),
    headers: { "content-type": "text/plain" },
  }, 415],
  ["login without token", TOKENS, { ...login(ADMIN), body: "{}" }, 400],
  ["login without sense", TOKENS, { ...login(ADMIN), body: "{" }, 400],
  ["login that is too long", TOKENS, login("x".repeat(2_000)), 413],
  ["login where none is needed", {}, login("whatever-it-may-be"), 200],
];

for (const [name, options, request, status] of TABLE) {
  Deno.test(`security: ${name}: ${status}`, async () => {
    await using app = dashboard(new Monitor(), options);
    const answer = await ask(app, request);
    const text = await answer.text();
    assertEquals(answer.status, status, text);
    assert(!text.includes(ADMIN) && !text.includes(READ));
    const { headers } = answer;
    assert(
      headers.get("content-security-policy")!.startsWith("default-src 'none'"),
    );
    assertEquals(headers.get("x-frame-options"), "DENY");
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertEquals(headers.get("access-control-allow-origin"), null);
  });
}

Deno.test("without a token, who cannot tell where a request is from refuses it", async () => {
  await using app = dashboard(new Monitor());
  const status = async (url: string, headers: HeadersInit) => {
    const answer = await app.request(url, { headers });
    await answer.body?.cancel();
    return answer.status;
  };
  assertEquals(await status("/api/snapshot", {}), 200);
  assertEquals(await status("/api/snapshot", { host: "localhost" }), 403);
  assertEquals(await status("http://127.0.0.1:80/api/snapshot", {}), 403);
  // As whoever mounts it without passing on who asks is to find out.
  const lost = await app.request("http://127.0.0.1:80/api/snapshot");
  assertMatch((await lost.json()).error, /app\.fetch\(request, info\)/);
});

Deno.test("a session is a cookie that scripts cannot read", async () => {
  await using app = dashboard(new Monitor(), TOKENS);
  const answer = await ask(app, login(READ));
  assertEquals(await answer.json(), { role: "read-only" });
  const cookie = answer.headers.get("set-cookie")!;
  for (
    const part of ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"]
  ) assert(cookie.includes(part), cookie);
  assert(!cookie.includes("Secure"));
  const headers = { cookie: cookie.split(";")[0]! };
  const { role, signedIn } = await (await ask(app, { headers })).json();
  assertEquals([role, signedIn], ["read-only", true]);
  assertEquals(await statusOf(app, { ...remove, headers }), 403);
});

Deno.test("the cookie is for https alone where the page is", async () => {
  await using app = dashboard(new Monitor(), { ...TOKENS, https: true });
  const answer = await ask(app, login(ADMIN));
  assert(answer.headers.get("set-cookie")!.includes("; Secure"));
  await answer.body?.cancel();
});

Deno.test("signing out ends the session and its streams", async () => {
  await using app = dashboard(new Monitor(), TOKENS);
  const headers = await signIn(app, ADMIN);
  const events = await ask(app, { path: "/events", headers });
  assertEquals(app.streams, 1);
  const out = { method: "POST", path: "/api/logout", headers };
  assertEquals(await statusOf(app, out), 204);
  assertEquals(app.streams, 0);
  await events.text();
  assertEquals(await statusOf(app, { headers }), 401);
});

Deno.test("sessions end by themselves, and their streams with them", async () => {
  const clock = new FakeClock();
  await using app = dashboard(new Monitor({ clock }), {
    ...TOKENS,
    clock,
    session: 10_000,
  });
  const headers = await signIn(app, ADMIN);
  const events = await ask(app, { path: "/events", headers });
  const all = events.text();
  assertEquals(await statusOf(app, { headers }), 200);
  await clock.advance(10_000);
  await all;
  assertEquals(await statusOf(app, { headers }), 401);
  assertEquals(clock.pending, 0);
});

Deno.test("only so many sessions are kept", async () => {
  await using app = dashboard(new Monitor(), {
    ...TOKENS,
    limits: { sessions: 2 },
  });
  const first = await signIn(app, ADMIN);
  const second = await signIn(app, ADMIN);
  await signIn(app, ADMIN);
  assertEquals(await statusOf(app, { headers: first }), 401);
  assertEquals(await statusOf(app, { headers: second }), 200);
});

Deno.test("wrong tries slow their source down, and nobody else", async () => {
  const clock = new FakeClock();
  await using app = dashboard(new Monitor({ clock }), { ...TOKENS, clock });
  const address = "10.0.0.66";
  const owner = await signIn(app, ADMIN);
  for (let i = 0; i < 10; i++) {
    assertEquals(
      await statusOf(app, login("wrong".repeat(4), { address })),
      401,
    );
  }
  const waits: number[] = [];
  for (let i = 0; i < 7; i++) {
    const answer = await ask(app, login(ADMIN, { address }));
    assertEquals(answer.status, 429);
    await answer.body?.cancel();
    const wait = Number(answer.headers.get("retry-after"));
    waits.push(wait);
    // Asking too early costs nothing more.
    await clock.advance(wait * 1_000 - 1);
    assertEquals(
      await statusOf(app, { headers: bearer(ADMIN), address }),
      429,
    );
    await clock.advance(1);
    assertEquals(
      await statusOf(app, { headers: bearer("y".repeat(20)), address }),
      401,
    );
  }
  assertEquals(waits, [2, 4, 8, 16, 32, 60, 60]);
  // The owner's session, from the same address, and token, from another.
  assertEquals(await statusOf(app, { headers: owner, address }), 200);
  assertEquals(await statusOf(app, login(ADMIN)), 200);
  // And the source itself, after the wait.
  await clock.advance(60_000);
  assertEquals(await statusOf(app, login(ADMIN, { address })), 200);
  assertEquals(await statusOf(app, login("wrong".repeat(4), { address })), 401);
});

Deno.test("a viewer's token buys no guesses at the admin's", async () => {
  await using app = dashboard(new Monitor(), TOKENS);
  for (let i = 0; i < 10; i++) {
    assertEquals(await statusOf(app, login("wrong".repeat(4))), 401);
    if (i < 9) assertEquals(await statusOf(app, login(READ)), 200);
  }
  assertEquals(await statusOf(app, login(READ)), 429);
});

Deno.test("missing tokens are no guesses", async () => {
  await using app = dashboard(new Monitor(), TOKENS);
  for (let i = 0; i < 20; i++) assertEquals(await statusOf(app, {}), 401);
  assertEquals(await statusOf(app, login(ADMIN)), 200);
});

Deno.test("an IPv6 source is its /64", () => {
  assertEquals(sourceOf("10.0.0.1"), "10.0.0.1");
  assertEquals(sourceOf("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
  assertEquals(sourceOf("2001:db8:1:2::6"), "2001:db8:1:2::/64");
  assertEquals(sourceOf("fe80::1%eth0"), "fe80:0:0:0::/64");
  assertEquals(sourceOf("::1"), "0:0:0:0::/64");
});

const REFUSED: [string, ServeDashboardOptions, string][] = [
  ["open to all without a token", { hostname: "0.0.0.0" }, '"hostname"'],
  ["open to all over IPv6", { hostname: "::" }, '"hostname"'],
  ["open to the LAN", { hostname: "192.168.1.5" }, '"hostname"'],
  ["short token", { token: "fifteen-letters" }, '"token"'],
  ["token with a space", { token: "sixteen letters and more" }, '"token"'],
  ["short read token", { token: ADMIN, readToken: "short" }, '"readToken"'],
  ["read token alone", { readToken: READ }, '"readToken"'],
  ["one token for both", { token: ADMIN, readToken: ADMIN }, '"readToken"'],
  ["hosts without a token", { allowedHosts: ["a.lan"] }, '"allowedHosts"'],
  ["a URL as host", {
    token: ADMIN,
    allowedHosts: ["http://a.lan/"],
  }, '"allowedHosts"'],
  ["unknown option", { tokn: ADMIN } as ServeDashboardOptions, '"tokn"'],
  ["port out of range", { port: 65_536 }, '"port"'],
  ["heartbeat of nothing", { heartbeat: 0 }, '"heartbeat"'],
  ["limit out of range", { limits: { streams: 0 } }, '"limits.streams"'],
];

for (const [name, options, names] of REFUSED) {
  Deno.test(`refuses to start: ${name}`, () => {
    const error = assertThrows(
      () => serveDashboard(new Monitor(), { port: 0, ...options }),
      CypherError,
      names,
    );
    assertEquals(error.code, "BAD_OPTION");
    const { token, readToken } = options;
    for (const secret of [token, readToken]) {
      assert(!secret || !error.message.includes(secret));
    }
  });
}
