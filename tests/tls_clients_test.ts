/**
 * Who gets in over TLS: clients with a certificate of the right authority where
 * one is asked for; and what peers cost that never finish the handshake.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ClientTls, CypherServer, CypherServerOptions } from "../mod.ts";
import { TlsAccepted } from "../server/tls_accepted.ts";
import { Authority, makeCerts } from "./support/certificates.ts";
import { FakeClock } from "./support/fake_clock.ts";
import {
  errorOf,
  HeldTimers,
  makeClient,
  SignalLog,
  startServer,
  until,
  within,
} from "./support/cypher.ts";

const WIRES = ["session", "classic"] as const;

// Made once: keys take their time.
const made = await makeCerts();
const ours = new Authority("Ours");
const theirs = new Authority("Theirs");

const serverTls = { cert: made.cert, key: made.key };
const caCerts = [made.ca];

/** A server that asks for certificates and counts its executions. */
async function start(
  clientCa: string | readonly string[],
  options: Partial<CypherServerOptions> = {},
): Promise<{ server: CypherServer; effects: unknown[] }> {
  const effects: unknown[] = [];
  const server = await startServer(({ data }) => {
    effects.push(data);
    return { data };
  }, {
    wires: ["session", "classic"],
    tls: { ...serverTls, clientCa },
    ...options,
  });
  return { server, effects };
}

const refused: Record<string, [ClientTls, RegExp, RegExp]> = {
  "none": [{}, /tls\.cert/, /no certificates/],
  "one of another authority": [
    theirs.issue("clientAuth"),
    /tls\.cert/,
    /UNABLE_TO_VERIFY/,
  ],
  "an expired one": [
    ours.issue("clientAuth", { expired: true }),
    /tls\.cert/,
    /EXPIRED|UNABLE_TO_VERIFY/,
  ],
  "one that is for servers": [
    ours.issue("serverAuth"),
    /tls\.cert/,
    /PURPOSE|UNABLE_TO_VERIFY/,
  ],
};

for (const wire of WIRES) {
  Deno.test(`${wire}: a client with the certificate asked for is served`, async () => {
    const { server, effects } = await start([theirs.ca, made.ca]);
    await using _ = server;
    await using client = makeClient(server.address, {
      wire,
      tls: { caCerts, ...made.client },
    });
    await client.connect();
    const big = "x".repeat(1_000_000);
    for (const data of [1, big]) {
      assertEquals((await client.request({ path: "/", data })).data, data);
    }
    assertEquals(effects, [1, big]);
  });

  for (const [what, [own, told, logged]] of Object.entries(refused)) {
    Deno.test(`${wire}: a client's certificate, ${what}, is refused`, async () => {
      const { server, effects } = await start(ours.ca);
      await using _ = server;
      using signals = new SignalLog(server.monitor);
      await using client = makeClient(server.address, {
        wire,
        maxUnanswered: 2,
        tls: { caCerts, ...own },
      });
      const request = client.request({ path: "/", data: "secret" });
      request.catch(() => {});
      // A classic client is online at once: it is told by its request.
      const error = await errorOf(
        wire === "session" ? client.connect() : request,
      );
      assertEquals(error.code, "CONNECT_FAILED");
      assertMatch(error.message, told);
      const [failure] = await signals.wait("failure");
      assertEquals(failure!.code, "TLS_FAILED");
      assertMatch(failure!.message, logged);
      assertEquals(effects, []);
      assertEquals(signals.of("online"), []);
    });
  }
}

Deno.test("a server that asks for no certificate takes who shows one", async () => {
  await using server = await startServer(({ data }) => ({ data }), {
    tls: serverTls,
  });
  await using client = makeClient(server.address, {
    tls: { caCerts, ...theirs.issue("clientAuth") },
  });
  assertEquals((await client.request({ path: "/", data: 1 })).data, 1);
});

Deno.test("connecting with a certificate can be given up", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const timers = new HeldTimers(7_777);
  await using client = makeClient(listener.addr, {
    attempts: 1,
    connectTimeout: 7_777,
    clock: timers.clock,
    tls: { caCerts, ...made.client },
  });
  const error = errorOf(client.connect());
  using _conn = await within("a connection", listener.accept());
  timers.fire();
  assertEquals((await error).code, "CONNECT_FAILED");
});

/** Peers that connect and say nothing. */
async function silentPeers(
  server: CypherServer,
  count: number,
): Promise<Deno.TcpConn[]> {
  const { port } = server.address;
  const peers = await Promise.all(
    Array.from({ length: count }, () => Deno.connect({ port })),
  );
  await until(
    "all of them",
    () => server.monitor.connections().length >= count,
  );
  return peers;
}

/** What a peer that was closed reads. */
async function closed(peer: Deno.TcpConn): Promise<void> {
  const read = peer.read(new Uint8Array(1)).catch(() => null);
  assertEquals(await within("the end", read), null);
  peer.close();
}

Deno.test("peers that never finish the TLS handshake count, and are closed in time", async () => {
  const clock = new FakeClock();
  await using server = await startServer(({ data }) => ({ data }), {
    tls: serverTls,
    clock,
    limits: { handshakeTimeout: 7_777 },
  });
  using signals = new SignalLog(server.monitor);
  const peers = await silentPeers(server, 100);
  await using client = makeClient(server.address, { tls: { caCerts } });
  assertEquals((await client.request({ path: "/", data: 1 })).data, 1);
  const states = server.monitor.connections().map(({ state }) => state.kind);
  assertEquals(states.filter((kind) => kind === "handshake").length, 100);
  await clock.advance(7_777);
  for (const peer of peers) await closed(peer);
  assertEquals(signals.of("timeout").length, 100);
  assertEquals(signals.of("limit")[0]?.limit, "handshakeTimeout");
  assertEquals((await client.request({ path: "/", data: 2 })).data, 2);
  await until("one", () => server.monitor.connections().length === 1);
});

Deno.test("peers in the TLS handshake make room for others, oldest first", async () => {
  await using server = await startServer(({ data }) => ({ data }), {
    tls: serverTls,
    limits: { unproven: 10 },
  });
  const peers = await silentPeers(server, 10);
  await using client = makeClient(server.address, { tls: { caCerts } });
  assertEquals((await client.request({ path: "/", data: 1 })).data, 1);
  await until("ten", () => server.monitor.connections().length === 10);
  for (const peer of peers) peer.close();
});

Deno.test("what strangers send of a TLS handshake is bounded, the proven go on", async () => {
  await using server = await startServer(({ data }) => ({ data }), {
    tls: serverTls,
    limits: { unprovenBytes: 1_000_000 },
  });
  using signals = new SignalLog(server.monitor);
  await using client = makeClient(server.address, { tls: { caCerts } });
  assertEquals((await client.request({ data: 1 })).data, 1);
  // The most of a record (RFC 8446, 5.1): half of a ClientHello of 32,768.
  const half = new Uint8Array(5 + 16_384);
  half.set([22, 3, 1, 64, 0, 1, 0, 128, 0, 3, 3]);
  const peers = await silentPeers(server, 100);
  for (const peer of peers) {
    for (let at = 0; at < half.length;) {
      at += await peer.write(half.subarray(at)).catch(() => half.length);
    }
  }
  const here = () =>
    server.monitor.connections()
      .filter(({ state }) => state.kind === "handshake").length;
  await until("few are left", () => here() < 1_000_000 / half.length);
  assertEquals(signals.of("limit")[0]?.limit, "unprovenBytes");
  assert(here() > 5, "more than had to were closed");
  assertEquals((await client.request({ data: 2 })).data, 2);
  for (const peer of peers) peer.close();
});

Deno.test("nothing is made for a TLS peer that says nothing", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using peer = await Deno.connect({ port: listener.addr.port });
  let made = 0;
  const keys = {
    key: serverTls.key,
    get cert() {
      made++;
      return serverTls.cert;
    },
  };
  const accepted = new TlsAccepted(await listener.accept(), keys);
  const held: number[] = [];
  const shaken = accepted.handshake((bytes) => held.push(bytes));
  assertEquals(made, 0);
  await peer.write(new Uint8Array(1));
  await shaken.catch(() => {});
  assertEquals([made, held[0]], [1, 1 + 1_024]);
  accepted.close();
});

Deno.test("a TLS server that is full takes no more", async () => {
  await using server = await startServer(({ data }) => ({ data }), {
    tls: serverTls,
    limits: { connections: 3 },
  });
  using signals = new SignalLog(server.monitor);
  const peers = await silentPeers(server, 3);
  await closed(await Deno.connect({ port: server.address.port }));
  assertEquals((await signals.wait("limit"))[0]!.limit, "connections");
  for (const peer of peers) peer.close();
});

Deno.test("a peer that leaves during the TLS handshake is no failure", async () => {
  await using server = await startServer(() => ({}), { tls: serverTls });
  using signals = new SignalLog(server.monitor);
  for (const bytes of [[], [22, 3, 1, 0, 200, 1]]) {
    const [peer] = await silentPeers(server, 1);
    await peer!.write(new Uint8Array(bytes));
    peer!.close();
    await until("its end", () => server.monitor.connections().length === 0);
  }
  assertEquals(signals.all, []);
});

Deno.test("a stop does not wait for TLS handshakes", async () => {
  const server = await startServer(() => ({}), { tls: serverTls });
  const peers = await silentPeers(server, 5);
  await server.stop();
  for (const peer of peers) await closed(peer);
});

Deno.test("a TLS peer that does not read is found out", async () => {
  await using server = await startServer(
    () => ({ data: "x".repeat(2 ** 24) }),
    {
      tls: serverTls,
      timeout: 100,
      limits: { messageBytes: 2 ** 26 },
    },
  );
  using signals = new SignalLog(server.monitor);
  // It asks, and then leaves the answer where it is.
  const dialled: Deno.TlsConn[] = [];
  await using client = makeClient(server.address, {
    dial: async ({ hostname, port }) => {
      const tls = await Deno.connectTls({ hostname, port, caCerts });
      dialled.push(tls);
      const never = Promise.withResolvers<null>();
      return {
        read: () => never.promise,
        write: (bytes) => tls.write(bytes),
        closeWrite: () => tls.closeWrite(),
        close: () => never.resolve(null),
      };
    },
  });
  client.request({ path: "/" }).catch(() => {});
  const [offline] = await signals.wait("offline");
  assertEquals(offline!.reason, "slow-reader");
  for (const tls of dialled) tls.close();
});

Deno.test("a TLS peer that sends more than is read has to wait", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dialling = Deno.connectTls({
    hostname: "127.0.0.1",
    port: listener.addr.port,
    caCerts,
  });
  const socket = await listener.accept();
  let reading = 0;
  let bytes = 0;
  const read = socket.read.bind(socket);
  socket.read = async (into) => {
    reading++;
    const count = await read(into);
    reading--;
    bytes += count ?? 0;
    return count;
  };
  const accepted = new TlsAccepted(socket, serverTls);
  using tls = await dialling;
  await Promise.all([tls.handshake(), accepted.handshake()]);
  const SIZE = 2 ** 24;
  const sending = (async () => {
    const all = new Uint8Array(SIZE);
    for (let at = 0; at < SIZE;) at += await tls.write(all.subarray(at));
  })();
  await until("nothing more is read", () => bytes > 65_536 && reading === 0);
  assert(bytes < SIZE / 8, `${bytes} were read`);
  const into = new Uint8Array(65_536);
  for (let got = 0; got < SIZE;) got += (await accepted.read(into))!;
  await sending;
  accepted.close();
});

Deno.test("a TLS server switches Nagle's algorithm off", async () => {
  using listener = Deno.listen({ port: 0 });
  using some = await Deno.connect({ port: listener.addr.port });
  (await listener.accept()).close();
  const prototype: Deno.TcpConn = Object.getPrototypeOf(some);
  const set: unknown[] = [];
  const { setNoDelay } = prototype;
  prototype.setNoDelay = function (noDelay) {
    set.push(noDelay);
    setNoDelay.call(this, noDelay);
  };
  try {
    const { server } = await start(made.ca);
    await using _ = server;
    // With a certificate, as then the client cannot.
    await using client = makeClient(server.address, {
      tls: { caCerts, ...made.client },
    });
    await client.request({ path: "/" });
  } finally {
    prototype.setNoDelay = setNoDelay;
  }
  assertEquals(set, [true]);
});
