/**
 * TLS under both wires: it works, it is refused in a clear way and in bounded
 * time, and what is refused is never tried without it. And `deno task certs`.
 */

import { createPrivateKey } from "node:crypto";
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertThrows,
} from "@std/assert";
import { dialTls } from "../client/dial_tls.ts";
import {
  type ClientOfflineReason,
  CypherClient,
  CypherError,
  CypherServer,
  type CypherServerOptions,
} from "../mod.ts";
import { Authority, makeCerts, runCerts } from "./support/certificates.ts";
import {
  clientKeys,
  codeOf,
  concat,
  equalKeys,
  errorOf,
  HeldTimers,
  makeClient,
  serverKeys,
  SignalLog,
  startServer,
  until,
  within,
} from "./support/cypher.ts";
import { FaultProxy } from "./support/fault_proxy.ts";

const WIRES = ["session", "classic"] as const;

// Made once: keys take their time.
const [ours, theirs] = [await makeCerts(), await makeCerts()];

const serverTls = { cert: ours.cert, key: ours.key };
const clientTls = { caCerts: [ours.ca] };

/** A server that serves both wires over TLS and counts its executions. */
async function startTls(
  options: Partial<CypherServerOptions> = {},
): Promise<{
  server: CypherServer;
  effects: unknown[];
}> {
  const effects: unknown[] = [];
  const server = await startServer(({ data }) => {
    effects.push(data);
    return { data };
  }, { wires: ["session", "classic"], tls: serverTls, ...options });
  return { server, effects };
}

for (const wire of WIRES) {
  Deno.test(`${wire} over TLS: requests are answered`, async () => {
    const { server, effects } = await startTls();
    await using _ = server;
    await using client = makeClient(server.address, { wire, tls: clientTls });
    await client.connect();
    const big = "x".repeat(1_000_000);
    for (const data of [1, "two", [3], big]) {
      assertEquals((await client.request({ path: "/", data })).data, data);
    }
    assertEquals(effects, [1, "two", [3], big]);
    assertEquals(server.monitor.connections().map((one) => one.wire), [wire]);
  });

  Deno.test(`${wire} over TLS: nothing else is on the wire`, async () => {
    const { server } = await startTls();
    await using _ = server;
    const up: Uint8Array[] = [];
    const down: Uint8Array[] = [];
    await using proxy = FaultProxy.start(server.address, () => ({
      up: { record: (chunk) => up.push(chunk.slice()) },
      down: { record: (chunk) => down.push(chunk.slice()) },
    }));
    await using client = makeClient(proxy.address, { wire, tls: clientTls });
    await client.request({ path: "/" });
    // Every byte belongs to a TLS record (RFC 8446, 5.1).
    for (const chunks of [up, down]) {
      const bytes = concat(chunks);
      let at = 0;
      while (at + 5 <= bytes.length) {
        assert([20, 21, 22, 23].includes(bytes[at]!), `type ${bytes[at]}`);
        assertEquals(bytes[at + 1], 3);
        at += 5 + (bytes[at + 3]! << 8 | bytes[at + 4]!);
      }
      assertEquals(at, bytes.length);
    }
  });

  Deno.test(`${wire} over TLS: a cut is reconnected and re-sent`, async () => {
    const { server, effects } = await startTls();
    await using _ = server;
    await using proxy = FaultProxy.start(server.address);
    await using client = makeClient(proxy.address, { wire, tls: clientTls });
    for (let i = 0; i < 20; i++) {
      const answer = client.request({ path: "/", data: i });
      if (i % 2 === 1) proxy.cutAll();
      assertEquals((await within("an answer", answer)).data, i);
    }
    assertEquals(effects, Array.from({ length: 20 }, (_, i) => i));
  });

  Deno.test(`${wire} over TLS: the certificate's other names do`, async () => {
    const { server } = await startTls();
    await using _ = server;
    const address = { hostname: "localhost", port: server.address.port };
    await using client = makeClient(address, { wire, tls: clientTls });
    await client.connect();
    await using named = makeClient(server.address, {
      wire,
      tls: { ...clientTls, serverName: "localhost" },
    });
    await named.connect();
  });

  const refused: Record<string, Parameters<typeof makeClient>[1]> = {
    "an authority of somebody else's": { tls: { caCerts: [theirs.ca] } },
    "the usual authorities alone": { tls: {} },
    "another name": { tls: { ...clientTls, serverName: "example.com" } },
  };
  for (const [what, options] of Object.entries(refused)) {
    Deno.test(`${wire} over TLS: ${what} is refused`, async () => {
      const { server, effects } = await startTls();
      await using _ = server;
      await using proxy = FaultProxy.start(server.address);
      const reasons: ClientOfflineReason[] = [];
      await using client = makeClient(proxy.address, {
        wire,
        attempts: 3,
        onOffline: (reason) => reasons.push(reason),
        ...options,
      });
      const request = errorOf(client.request({ path: "/", data: "secret" }));
      const error = await errorOf(client.connect());
      assertEquals(error.code, "CONNECT_FAILED");
      assertMatch(reasonIn(error), /certificate|UnknownIssuer/i);
      assertEquals((await request).code, "CONNECT_FAILED");
      assertEquals(effects, []);
      assertEquals(reasons, ["refused"]);
      assertEquals(proxy.connections, 3);
    });
  }

  Deno.test(`${wire}: a TLS client and a plaintext server`, async () => {
    const effects: unknown[] = [];
    await using server = await startServer(({ data }) => {
      effects.push(data);
      return {};
    }, { wires: ["session", "classic"] });
    const first: number[] = [];
    await using proxy = FaultProxy.start(server.address, () => {
      let begun = false;
      return {
        up: {
          record: (chunk) => {
            if (!begun) first.push(chunk[0]!);
            begun = true;
          },
        },
      };
    });
    await using client = makeClient(proxy.address, {
      wire,
      tls: clientTls,
      attempts: 3,
    });
    const error = await errorOf(client.request({ path: "/" }));
    assertEquals(error.code, "CONNECT_FAILED");
    assert(reasonIn(error).length > 0);
    // Each attempt began with a TLS handshake, none with anything else.
    assertEquals(first, [22, 22, 22]);
    assertEquals(effects, []);
  });

  Deno.test(`${wire}: a TLS client and a server that is silent`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepted: Deno.TcpConn[] = [];
    const accepting = (async () => {
      for await (const conn of listener) accepted.push(conn);
    })();
    const timers = new HeldTimers(7_777);
    await using client = makeClient(listener.addr, {
      wire,
      tls: clientTls,
      attempts: 1,
      connectTimeout: 7_777,
      clock: timers.clock,
    });
    const code = codeOf(client.connect());
    await until("a connection", () => accepted.length === 1);
    timers.fire();
    assertEquals(await code, "CONNECT_FAILED");
    listener.close();
    await accepting;
    for (const conn of accepted) conn.close();
  });
}

/** The reason that an error's cause tells. */
function reasonIn(error: CypherError): string {
  return error.cause instanceof Error ? error.cause.message : "";
}

Deno.test("a plaintext session client and a TLS server", async () => {
  const { server, effects } = await startTls();
  await using _ = server;
  using signals = new SignalLog(server.monitor);
  const reasons: ClientOfflineReason[] = [];
  await using client = makeClient(server.address, {
    wire: "session",
    onOffline: (reason) => reasons.push(reason),
  });
  const error = await errorOf(client.connect());
  assertEquals(error.code, "WIRE_MISMATCH");
  assertMatch(error.message, /TLS/);
  assertEquals(reasons, ["wire-mismatch"]);
  assertEquals(effects, []);
  assertEquals(signals.of("online"), []);
});

Deno.test("a plaintext classic client and a TLS server", async () => {
  const { server, effects } = await startTls();
  await using _ = server;
  await using client = makeClient(server.address, { maxUnanswered: 3 });
  const error = await errorOf(client.request({ path: "/" }));
  // TLS answers with an alert, which is no token, or with nothing at all.
  assert(["BAD_TOKEN", "NO_ANSWER"].includes(error.code), error.code);
  if (error.code === "BAD_TOKEN") {
    assertMatch(error.message, /speaks TLS: make the client with .* tls$/);
  }
  assertEquals(effects, []);
});

Deno.test("a TLS server outlives peers that do not speak TLS", async () => {
  const { server } = await startTls();
  await using _ = server;
  for (const bytes of [[0], [103], [22, 3, 1, 255, 255], [128, 0, 1]]) {
    const { hostname, port } = server.address;
    using conn = await Deno.connect({ hostname, port });
    await conn.write(new Uint8Array(bytes));
  }
  await using client = makeClient(server.address, {
    wire: "session",
    tls: clientTls,
  });
  assertEquals((await client.request({ path: "/", data: 1 })).data, 1);
  await until(
    "one connection",
    () => server.monitor.connections().length === 1,
  );
});

Deno.test("what is not a certificate is told when it is given", () => {
  const { cert, key, ca, client } = ours;
  const servers: [object, RegExp][] = [
    [{ cert: "", key }, /tls\.cert/],
    [{ cert, key: "" }, /tls\.key/],
    [{ cert: key, key }, /tls\.cert/],
    [{ cert, key: cert }, /tls\.key/],
    [{ cert, key: locked(key) }, /tls\.key.*without a passphrase/],
    [{ cert, key: theirs.key }, /tls\.key.*tls\.cert/],
    [{ cert, key, clientCa: key }, /tls\.clientCa/],
    [{ cert, key, clientCa: [] }, /tls\.clientCa/],
    [{ cert, key, clientCa: [ca, ca.slice(0, 99)] }, /tls\.clientCa/],
    [{ cert, key, ca }, /tls\.ca/],
  ];
  for (const [tls, pattern] of servers) {
    const make = () =>
      new CypherServer({ ...serverKeys, handler: () => ({}), tls } as never);
    checkBadOption(make, pattern);
  }
  const clients: [object, RegExp][] = [
    [{ caCerts: "ca.pem" }, /tls\.caCerts/],
    [{ caCerts: key }, /tls\.caCerts.*list/],
    [{ caCerts: [ca, "ca.pem"] }, /tls\.caCerts/],
    [{ caCerts: [ca.slice(0, 99)] }, /tls\.caCerts/],
    [{ serverName: 1 }, /tls\.serverName/],
    [{ ca: [] }, /tls\.ca/],
    [{ cert: client.cert }, /tls\.key/],
    [{ key: client.key }, /tls\.cert/],
    [{ cert: client.cert, key }, /tls\.key.*tls\.cert/],
    [{ ...client, serverName: "localhost" }, /tls\.serverName.*hostname/],
  ];
  for (const [tls, pattern] of clients) {
    const make = () => new CypherClient({ ...clientKeys, tls } as never);
    checkBadOption(make, pattern);
  }
});

/** A key that takes a passphrase. */
function locked(key: string): string {
  return String(
    createPrivateKey(key).export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "mellon",
    }),
  );
}

/** The option is named; no key is quoted. */
function checkBadOption(make: () => unknown, pattern: RegExp): void {
  const error = assertThrows(make, CypherError);
  assertEquals(error.code, "BAD_OPTION");
  assertMatch(error.message, pattern);
  assert(!/BEGIN|MII/.test(error.message), error.message);
}

Deno.test("a TLS port that is taken is told as a TCP one is", async () => {
  const { server } = await startTls();
  await using _ = server;
  await using second = new CypherServer({
    ...serverKeys,
    port: server.address.port,
    handler: () => ({}),
    tls: serverTls,
  });
  const error = await errorOf(second.start());
  assertEquals(error.code, "LISTEN_FAILED");
  assertMatch(error.message, /the port is taken/);
});

Deno.test("what to do about a server without TLS is told", async () => {
  await using server = await startServer(({ data }) => ({ data }));
  await using client = makeClient(server.address, {
    wire: "session",
    tls: clientTls,
  });
  const { message } = await errorOf(client.connect());
  assertMatch(message, /Does it speak TLS on this port\?/);
});

Deno.test("whose address is refused for wrong keys hears of it over TLS", async () => {
  const { server } = await startTls({ limits: { badTokens: 1 } });
  await using _ = server;
  using log = new SignalLog(server.monitor);
  const options = { wire: "session", tls: clientTls } as const;
  {
    await using stranger = makeClient(server.address, {
      ...options,
      ...equalKeys,
    });
    assertEquals((await errorOf(stranger.connect())).code, "UNAUTHORIZED");
    // It tries again by itself, which is once too often.
    await log.wait("limit");
  }
  await using client = makeClient(server.address, options);
  assertMatch((await errorOf(client.connect())).message, /limits\.banTime/);
});

const shown: Record<string, [() => Parameters<typeof makeClient>[1], RegExp]> =
  {
    "a stranger": [
      () => ({ tls: { caCerts: [theirs.ca] } }),
      /UnknownIssuer.*tls\.caCerts/,
    ],
    "another name": [
      () => ({ tls: { ...clientTls, serverName: "example.com" } }),
      /example\.com.*tls\.serverName/s,
    ],
  };
for (const [what, [options, pattern]] of Object.entries(shown)) {
  Deno.test(`what to do about a server that is ${what} is told`, async () => {
    const { server } = await startTls();
    await using _ = server;
    await using client = makeClient(server.address, {
      wire: "session",
      ...options(),
    });
    assertMatch((await errorOf(client.connect())).message, pattern);
  });
}

Deno.test("what to do about an expired certificate is told", async () => {
  const authority = new Authority("Expired");
  const tls = authority.issue("serverAuth", { expired: true });
  await using server = await startServer(() => ({}), { tls });
  const address = { hostname: "localhost", port: server.address.port };
  await using client = makeClient(address, {
    tls: { caCerts: [authority.ca] },
  });
  const error = await errorOf(client.connect());
  assertEquals(error.code, "CONNECT_FAILED");
  assertMatch(error.message, /expired.*new certificate/s);
});

Deno.test("what to do about a server without TLS is told", async () => {
  await using server = await startServer(() => ({}));
  await using client = makeClient(server.address, { tls: clientTls });
  const error = await errorOf(client.connect());
  assertEquals(error.code, "CONNECT_FAILED");
  assertMatch(error.message, /TLS/);
});

const FILES = ["ca.pem", "cert.pem", "key.pem", "client.pem", "client.key"];

Deno.test("deno task certs makes what it says, for its owner", async () => {
  const { folder, output } = ours;
  const modes: Record<string, string> = {};
  for await (const { name } of Deno.readDir(`${folder}/.cypher`)) {
    const { mode } = await Deno.stat(`${folder}/.cypher/${name}`);
    modes[name] = (mode! & 0o777).toString(8);
    assert(output.includes(`.cypher/${name}`), output);
  }
  assertEquals(Object.keys(modes).sort(), FILES.toSorted());
  for (const name of FILES) assertEquals(modes[name], "600");
  assert(!output.includes("PRIVATE"), output);
  assert(ours.ca !== theirs.ca && ours.key !== theirs.key);
});

Deno.test("deno task certs never overwrites", async () => {
  const folder = await Deno.makeTempDir();
  for (const name of FILES) {
    await Deno.mkdir(`${folder}/.cypher`, { recursive: true });
    await Deno.writeTextFile(`${folder}/.cypher/${name}`, "mine");
    await using program = runCerts(folder);
    assertEquals(await program.ended, 1);
    assertMatch(program.errors, new RegExp(`\\.cypher/${name} is there`));
    const left = await Array.fromAsync(Deno.readDir(`${folder}/.cypher`));
    assertEquals(left.map((one) => one.name), [name]);
    assertEquals(await Deno.readTextFile(`${folder}/.cypher/${name}`), "mine");
    await Deno.remove(`${folder}/.cypher`, { recursive: true });
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("connect() tells a TLS failure and goes on trying", async () => {
  const { server } = await startTls();
  await using _ = server;
  let trusted: string[] = [theirs.ca];
  for (const wire of WIRES) {
    trusted = [theirs.ca];
    await using client = makeClient(server.address, {
      wire,
      // The certificate is replaced while the client goes on trying.
      dial: (target, signal) => dialTls({ caCerts: trusted })(target, signal),
    });
    const answer = client.request({ path: "/", data: wire });
    const error = await errorOf(client.connect());
    assertEquals(error.code, "CONNECT_FAILED");
    assertMatch(error.message, /UnknownIssuer/);
    assertInstanceOf(error.cause, Deno.errors.InvalidData);
    assert(client.state !== "idle" && client.state !== "closed");
    trusted = [ours.ca];
    assertEquals((await within("an answer", answer)).data, wire);
  }
});

Deno.test("a name that no certificate is for is told, and leaves nothing open", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using client = makeClient(listener.addr, {
    tls: { serverName: "no name" },
  });
  const error = errorOf(client.connect());
  using peer = await within("a connection", listener.accept());
  assertEquals(
    await within("its end", peer.read(new Uint8Array(1))),
    null,
  );
  const { code, message } = await error;
  assertEquals(code, "CONNECT_FAILED");
  assertMatch(message, /Invalid hostname.*tls\.serverName/);
});

Deno.test("a client that is closed as its TLS handshake ends closes quietly", async () => {
  const { server } = await startTls();
  await using _ = server;
  const client = makeClient(server.address, { tls: clientTls });
  const closed = Promise.withResolvers<void>();
  const original = Deno.startTls;
  Deno.startTls = async (...args) => {
    const tls = await original(...args);
    const handshake = tls.handshake.bind(tls);
    tls.handshake = async () => {
      const info = await handshake();
      client.close().then(closed.resolve, closed.reject);
      return info;
    };
    return tls;
  };
  try {
    assertEquals(await codeOf(client.connect()), "CLOSED");
    await within("the close", closed.promise);
  } finally {
    Deno.startTls = original;
  }
});
