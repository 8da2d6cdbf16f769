import { assert, assertEquals, assertRejects } from "@std/assert";
import { CypherError } from "../protocol/errors.ts";
import { ChatServer } from "../server/chat/chat_server.ts";
import type { ChatServerOptions } from "../server/chat/options.ts";
import { Monitor } from "../server/monitor.ts";
import type { Signal } from "../server/signals.ts";
import { Person } from "./support/chat_person.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { FaultProxy } from "./support/fault_proxy.ts";

async function serve(options: ChatServerOptions = {}): Promise<ChatServer> {
  const server = new ChatServer({ port: 0, ...options });
  await server.start();
  return server;
}

/** Limits under which nobody is slowed. */
const FAST = { linesPerSecond: 1_000_000, burst: 1_000_000 };

Deno.test("who vanishes without QUIT is noticed", async () => {
  await using server = await serve();
  await using proxy = FaultProxy.start(server.address);
  await using alice = await Person.login(server.address, "alice");
  {
    await using _bob = await Person.login(server.address, "bob");
    await alice.sees("JOINED bob");
  }
  await alice.sees("LEFT bob");
  await using _carol = await Person.login(proxy.address, "carol");
  await alice.sees("JOINED carol");
  proxy.cutAll();
  await alice.sees("LEFT carol");
  await using again = await Person.login(server.address, "carol");
  await alice.sees("JOINED carol");
  await again.says("USERS", "OK USERS alice:carol");
});

Deno.test("PING, PONG, and what becomes of who does not answer", async () => {
  const clock = new FakeClock();
  const monitor = new Monitor();
  const signals: Signal[] = [];
  monitor.listen((signal) => signals.push(signal));
  await using server = await serve({
    clock,
    monitor,
    heartbeat: 1_000,
    pongTimeout: 300,
  });
  // Bob's cable is cut behind a switch: nothing comes back, nothing breaks.
  let cut = Infinity;
  await using proxy = FaultProxy.start(server.address, () => ({
    up: {
      get swallowFrom() {
        return cut;
      },
    },
  }));
  await using alice = await Person.login(server.address, "alice");
  await using bob = await Person.login(proxy.address, "bob");
  await alice.sees("JOINED bob");
  await clock.advance(999);
  await alice.says("USERS", /^OK USERS/);
  await clock.advance(1);
  await alice.sees("PING");
  await bob.sees("PING");
  await clock.advance(20);
  await alice.types("PONG");
  await bob.types("PONG");
  await alice.says("PONG", "FAIL05 PONG WITHOUT PING");
  assertEquals(monitor.connections()[0]!.roundTrip, 20);
  await bob.says("USERS", /^OK USERS/);
  cut = 0;
  await clock.advance(980);
  await alice.sees("PING");
  await bob.sees("PING");
  await alice.types("PONG");
  await bob.types("PONG");
  await alice.says("USERS", /^OK USERS/);
  await clock.advance(299);
  assertEquals(server.users, ["alice", "bob"]);
  await clock.advance(1);
  await alice.sees("LEFT bob");
  await bob.sees("DSCN Pong timeout", "FAIL05 Ping without pong", null);
  await alice.says("USERS", /^FAIL06/);
  const kinds = signals.flatMap((signal) =>
    signal.name !== "bob"
      ? []
      : signal.kind === "timeout"
      ? [`timeout ${signal.after} ${signal.wire}`]
      : signal.kind === "offline"
      ? [`offline ${signal.reason}`]
      : []
  );
  assertEquals(kinds, ["timeout 300 chat", "offline unresponsive"]);
  // The half-open connection is let go of, too.
  await clock.advance(10_000);
});

Deno.test("who does not log in is sent away", async () => {
  const clock = new FakeClock();
  await using server = await serve({ clock, loginTimeout: 5_000 });
  await using guest = await Person.connect(server.address);
  await using alice = await Person.login(server.address, "alice");
  await guest.sees(/^INIT /);
  await clock.advance(4_000);
  await guest.says("USERS", /^FAIL03/);
  await clock.advance(1_000);
  await guest.sees("DSCN Login timeout", "FAIL03 USER MUST LOGIN FIRST", null);
  await alice.says("USERS", /^FAIL06/);
});

Deno.test("a slow reader is dropped, and nobody else notices", async () => {
  await using server = await serve({
    limits: { ...FAST, queueBytes: 65_536 },
    heartbeat: 86_400_000,
  });
  const reasons: string[] = [];
  server.monitor.listen((signal) => {
    if (signal.kind === "offline") {
      reasons.push(`${signal.name} ${signal.reason}`);
    }
  });
  await using slow = await Person.login(server.address, "slow");
  await using alice = await Person.login(server.address, "alice");
  await using bob = await Person.login(server.address, "bob");
  await alice.sees("JOINED bob");
  const long = "x".repeat(4_000);
  let sent = 0;
  while (reasons.length === 0) {
    await alice.says(`BCST ${sent} ${long}`, `OK BCST ${sent} ${long}`);
    await bob.sees(`BCST alice ${sent++} ${long}`);
    // What the kernel takes has an end.
    assert(sent < 10_000, "never dropped");
  }
  await alice.sees("LEFT slow");
  await bob.sees("LEFT slow");
  assertEquals(reasons, ["slow slow-reader"]);
  assertEquals(server.users, ["alice", "bob"]);
  assertEquals(slow.port > 0, true);
});

Deno.test("a flood is slowed, and only the one who floods", async () => {
  const clock = new FakeClock();
  await using server = await serve({
    clock,
    limits: { burst: 5, linesPerSecond: 10 },
  });
  await using alice = await Person.login(server.address, "alice");
  await using bob = await Person.login(server.address, "bob");
  await alice.sees("JOINED bob");
  const lines = Array.from({ length: 10 }, (_, i) => `BCST ${i}`);
  await alice.types(...lines);
  // One of the five was her login.
  for (let i = 0; i < 4; i++) await bob.sees(`BCST alice ${i}`);
  await bob.says("BCST hi", "OK BCST hi");
  for (let i = 4; i < 10; i++) {
    const [connection] = server.monitor.connections();
    assertEquals(connection!.requests, 1 + i);
    await clock.advance(99);
    assertEquals(server.monitor.connections()[0]!.requests, 1 + i);
    await clock.advance(1);
    await bob.sees(`BCST alice ${i}`);
  }
});

Deno.test("who is slowed is not blamed for a late PONG", async () => {
  const clock = new FakeClock();
  await using server = await serve({
    clock,
    heartbeat: 1_000,
    pongTimeout: 500,
    limits: { burst: 1, linesPerSecond: 1 },
  });
  await using alice = await Person.login(server.address, "alice");
  await alice.types("BCST 1", "BCST 2", "BCST 3", "PONG", "BCST 4");
  for (const line of ["OK BCST 1", "OK BCST 2", "OK BCST 3"]) {
    await clock.advance(500);
    await clock.advance(500);
    assertEquals((await alice.until(/^OK/)).at(-1), line);
  }
  await clock.advance(1_000);
  await clock.advance(1_000);
  assertEquals((await alice.until(/^OK/)).at(-1), "OK BCST 4");
});

Deno.test("a newcomer gets all keys, however many may wait", async () => {
  await using server = await serve({ limits: { queueBytes: 5_000 } });
  await using stack = new AsyncDisposableStack();
  const key = "k".repeat(1_000);
  for (let i = 0; i < 20; i++) {
    const person = await Person.login(server.address, `user${i}`);
    stack.use(person);
    await person.types(`PM_PUBKEY ${key}`);
    await person.until(/^OK PM_PUBKEY/);
  }
  await using late = await Person.login(server.address, "late");
  for (let i = 0; i < 20; i++) await late.sees(`PM_PUBKEY user${i} ${key}`);
  await late.says("BCST here", "OK BCST here");
});

Deno.test("stop says so, lets it arrive, and closes", async () => {
  const monitor = new Monitor();
  const server = await serve({ monitor });
  await using alice = await Person.login(server.address, "alice");
  await using bob = await Person.login(server.address, "bob");
  await alice.sees("JOINED bob");
  const reasons: string[] = [];
  monitor.listen((signal) => {
    if (signal.kind === "offline") reasons.push(signal.reason);
  });
  const stopped = server.stop({ grace: 5_000 });
  await alice.sees("DSCN Server stopped", null);
  await bob.sees("DSCN Server stopped", null);
  await stopped;
  assertEquals(reasons, ["stopped", "stopped"]);
  assertEquals(monitor.connections(), []);
  assertEquals(monitor.listeners(), []);
  await assertRejects(() => server.start(), CypherError, "before");
});

Deno.test("stop does not wait longer than its grace for who reads nothing", async () => {
  const server = await serve({ limits: FAST });
  await using slow = await Person.login(server.address, "slow");
  await using alice = await Person.login(server.address, "alice");
  const long = "x".repeat(4_000);
  const waiting = () =>
    server.monitor.connections().find(({ name }) => name === "slow")!.bytesOut;
  // Until what is sent to the slow one gets stuck: then it counts no more.
  for (let last = -1, same = 0; same < 50;) {
    await alice.says(`BCST ${long}`, /^OK/);
    same = last === waiting() ? same + 1 : 0;
    last = waiting();
  }
  await server.stop({ grace: 1 });
  assertEquals(server.monitor.connections(), []);
  assert(slow.port > 0);
});

Deno.test("one connection more than allowed is closed at once", async () => {
  await using server = await serve({ limits: { connections: 1 } });
  await using alice = await Person.login(server.address, "alice");
  await using bob = await Person.connect(server.address);
  await bob.sees(null);
  await alice.says("USERS", /^FAIL06/);
});
