import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ChatClient } from "../client/chat/chat_client.ts";
import type { ChatClientOptions } from "../client/chat/options.ts";
import { CypherError, CypherStatus } from "../protocol/errors.ts";
import { ChatServer } from "../server/chat/chat_server.ts";
import type { ChatServerOptions } from "../server/chat/options.ts";
import { Listener } from "./support/chat_client.ts";
import { Person } from "./support/chat_person.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { FaultProxy } from "./support/fault_proxy.ts";
import { availablePort } from "./support/program.ts";

async function serve(options: ChatServerOptions = {}): Promise<ChatServer> {
  const server = new ChatServer({ port: 0, ...options });
  await server.start();
  return server;
}

/** Comes back at once. */
const EAGER = { backoff: { first: 1, max: 1 } };

/** A server that says what it is told to, and listens to nobody. */
class Puppet implements AsyncDisposable {
  readonly port: number;
  #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  #conns: Deno.TcpConn[] = [];
  #serving: Promise<void>;

  constructor(says: string | Uint8Array) {
    this.port = this.#listener.addr.port;
    this.#serving = this.#serve(
      typeof says === "string" ? new TextEncoder().encode(says) : says,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
    for (const conn of this.#conns) conn.close();
  }

  async #serve(says: Uint8Array): Promise<void> {
    for await (const conn of this.#listener) {
      this.#conns.push(conn);
      // Whoever has heard enough may be gone before the end.
      await conn.write(says).catch(() => {});
    }
  }
}

Deno.test("broadcasts, users, presence", async () => {
  await using server = await serve({ greeting: "Hello" });
  const told: string[] = [];
  await using alice = await Listener.login(server.address, "alice", {
    onEvent: ({ kind }) => told.push(kind),
    onOnline: () => told.push("onOnline"),
  });
  assertEquals(told, ["greeting", "online", "onOnline"]);
  assertEquals((await alice.hears("greeting")).text, "Hello");
  assertEquals(await alice.client.users(), ["alice"]);
  assertEquals(alice.client.state, "online");
  await using bob = await Listener.login(server.address, "bob");
  assertEquals((await alice.hears("joined")).name, "bob");
  assertEquals(await bob.client.users(), ["alice", "bob"]);
  await bob.client.broadcast("héllo  there ");
  const { name, text } = await alice.hears("broadcast");
  assertEquals([name, text], ["bob", "héllo  there "]);
  await bob.client.quit();
  assertEquals(bob.client.state, "closed");
  assertEquals((await alice.hears("left")).name, "bob");
});

Deno.test("a name in use", async () => {
  await using server = await serve();
  await using _alice = await Person.login(server.address, "alice");
  await using second = new ChatClient({
    name: "alice",
    port: server.address.port,
  });
  const error = await assertRejects(() => second.connect(), CypherStatus);
  assertEquals([error.status, error.code], ["FAIL01", "STATUS"]);
  assertEquals(second.state, "closed");
  const closed = await assertRejects(() => second.users(), CypherError);
  assertEquals(closed.code, "CLOSED");
});

Deno.test("a lost connection is made again, and keys are learned anew", async () => {
  await using server = await serve();
  await using proxy = FaultProxy.start(server.address);
  await using bob = await Listener.login(server.address, "bob");
  const reasons: string[] = [];
  await using alice = await Listener.login(proxy.address, "alice", {
    ...EAGER,
    onOffline: (reason) => reasons.push(reason),
  });
  await alice.client.pm("bob", "before");
  assertEquals((await bob.hears("private")).text, "before");
  for (let i = 0; i < 3; i++) {
    proxy.cutAll();
    await bob.hears("left");
    await bob.hears("key");
    await alice.client.pm("bob", `after ${i}`);
    assertEquals((await bob.hears("private")).text, `after ${i}`);
    await bob.client.pm("alice", `you too ${i}`);
    assertEquals((await alice.hears("private")).text, `you too ${i}`);
  }
  assertEquals(reasons.length, 3);
  assertEquals(server.users, ["bob", "alice"]);
});

Deno.test("a command whose answer is lost rejects, and is not sent again", async () => {
  await using server = await serve();
  let swallowFrom = Infinity;
  await using proxy = FaultProxy.start(server.address, (index) => ({
    down: {
      get swallowFrom() {
        return index === 0 ? swallowFrom : Infinity;
      },
    },
  }));
  await using bob = await Person.login(server.address, "bob");
  await using alice = await Listener.login(proxy.address, "alice", EAGER);
  await bob.until(/^PM_PUBKEY alice/);
  swallowFrom = 0;
  const sent = alice.client.broadcast("once");
  await bob.sees("BCST alice once");
  proxy.cutAll();
  const error = await assertRejects(() => sent, CypherError);
  assertEquals(error.code, "NO_ANSWER");
  await bob.sees("LEFT alice");
  await alice.client.broadcast("again");
  await bob.sees("JOINED alice", /^PM_PUBKEY alice/, "BCST alice again");
});

Deno.test("somebody took the name while we were away", async () => {
  await using server = await serve();
  await using proxy = FaultProxy.start(server.address);
  await using bob = await Person.login(server.address, "bob");
  await using alice = await Listener.login(proxy.address, "alice", EAGER);
  await bob.until(/^PM_PUBKEY alice/);
  proxy.plan = () => ({ refuse: true });
  proxy.cutAll();
  await bob.sees("LEFT alice");
  {
    await using _other = await Person.login(server.address, "alice");
    proxy.plan = () => ({});
    assertEquals((await alice.hears("refused")).status, "FAIL01");
    assert(alice.client.state !== "online");
  }
  await bob.sees("JOINED alice", "LEFT alice");
  await alice.client.broadcast("back again");
  await bob.sees("JOINED alice", /^PM_PUBKEY/, "BCST alice back again");
});

Deno.test("a server that does not answer, or falls silent, is given up", async () => {
  const clock = new FakeClock();
  await using puppet = new Puppet("INIT hello\n");
  await using client = new Listener({
    name: "alice",
    port: puppet.port,
    clock,
    timeout: 5_000,
  });
  const closed = assertRejects(() => client.client.connect(), CypherError);
  await client.hears("greeting");
  await clock.advance(5_000);
  assertEquals((await client.hears("offline")).reason, "timeout");
  await client.client.close();
  assertEquals((await closed).code, "CLOSED");

  await using server = await serve({ clock: new FakeClock() });
  await using alice = await Listener.login(server.address, "alice", {
    clock,
    silence: 60_000,
  });
  await clock.advance(59_999);
  assertEquals(alice.client.state, "online");
  await clock.advance(1);
  assertEquals((await alice.hears("offline")).reason, "unresponsive");
});

Deno.test("pings are answered", async () => {
  const clock = new FakeClock();
  await using server = await serve({
    clock,
    heartbeat: 1_000,
    pongTimeout: 500,
  });
  await using alice = await Listener.login(server.address, "alice");
  for (let i = 0; i < 5; i++) {
    await clock.advance(1_000);
    // The first answer comes after the PING, the second one after the PONG.
    await alice.client.users();
    assertEquals(await alice.client.users(), ["alice"]);
  }
  assertEquals(server.users, ["alice"]);
});

for (
  const [what, says, reason] of [
    ["nonsense", "HTTP/1.1 400 Bad Request\r\n", "protocol-error"],
    ["an answer to nothing", "INIT x\nOK BCST hi\n", "protocol-error"],
    ["the wrong answer", "INIT x\nOK USERS a:b\n", "protocol-error"],
    ["a name that is none", "INIT x\nJOINED \x1b[2J\n", "protocol-error"],
    ["bytes that are no text", new Uint8Array([0xff, 10]), "protocol-error"],
    ["a line without end", "INIT " + "x".repeat(70_000), "too-large"],
  ] as const
) {
  Deno.test(`a server that sends ${what}`, async () => {
    await using puppet = new Puppet(says);
    await using client = new Listener({ name: "alice", port: puppet.port });
    client.client.connect().catch(() => {});
    assertEquals((await client.hears("offline")).reason, reason);
  });
}

Deno.test("waiting can be aborted, and is bounded", async () => {
  await using puppet = new Puppet("INIT x\n");
  await using client = new ChatClient({
    name: "alice",
    port: puppet.port,
    limits: { queued: 2 },
  });
  const abort = new AbortController();
  const waiting = [
    client.connect({ signal: abort.signal }),
    client.broadcast("hi", { signal: abort.signal }),
  ];
  const full = await assertRejects(() => client.users(), CypherError);
  assertEquals(full.code, "QUEUE_FULL");
  abort.abort(new Error("enough"));
  for (const promise of waiting) {
    const error = await assertRejects(() => promise, CypherError);
    assertEquals([error.code, `${error.cause}`], ["ABORTED", "Error: enough"]);
  }
  const again = await assertRejects(
    () => client.users({ signal: AbortSignal.abort() }),
    CypherError,
  );
  assertEquals(again.code, "ABORTED");
});

Deno.test("attempts can be limited", async () => {
  await using client = new ChatClient({
    name: "alice",
    port: availablePort(),
    attempts: 2,
    ...EAGER,
  });
  const error = await assertRejects(() => client.connect(), CypherError);
  assertEquals(error.code, "CONNECT_FAILED");
});

Deno.test("only one line of text can be sent", async () => {
  await using server = await serve();
  await using alice = await Listener.login(server.address, "alice");
  await using bob = await Listener.login(server.address, "bob");
  const wrong = [
    "",
    "  ",
    "two\nlines",
    "\x1b[2J",
    "a\rb",
    "\ud800",
    "x\u2028",
  ];
  for (const text of wrong) {
    for (
      const send of [
        () => alice.client.broadcast(text),
        () => alice.client.pm("bob", text),
      ]
    ) {
      const error = await assertRejects(send, CypherError);
      assertEquals(error.code, "UNSENDABLE");
    }
  }
  for (
    const send of [
      () => alice.client.broadcast("x".repeat(4_092)),
      () => alice.client.pm("bob", "x".repeat(4_000)),
    ]
  ) {
    const error = await assertRejects(send, CypherError);
    assertEquals(error.code, "TOO_LARGE");
  }
  await alice.client.broadcast("x".repeat(4_091));
  assertEquals((await bob.hears("broadcast")).text.length, 4_091);
  for (const [name, code] of [["nobody", "FAIL07"], ["alice", "FAIL08"]]) {
    const error = await assertRejects(
      () => alice.client.pm(name!, "hi"),
      CypherStatus,
    );
    assertEquals(error.status, code);
  }
});

Deno.test("a server that stops", async () => {
  const server = await serve();
  await using alice = await Listener.login(server.address, "alice");
  await server.stop();
  assertEquals((await alice.hears("goodbye")).text, "Server stopped");
  assertEquals((await alice.hears("offline")).reason, "peer-closed");
});

Deno.test("options are checked", () => {
  const wrong: [Partial<ChatClientOptions>, string][] = [
    [{ name: "al" }, "name"],
    [{ name: "al ice" }, "name"],
    [{ port: 0 }, "port"],
    [{ timeout: 0 }, "timeout"],
    [{ silence: -1 }, "silence"],
    [{ limits: { lineBytes: 10 } }, "limits.lineBytes"],
    [{ backoff: { first: 0 } }, "backoff.first"],
    [{ onEvent: 1 as unknown as () => void }, "onEvent"],
    [{ nmae: "x" } as Partial<ChatClientOptions>, "nmae"],
  ];
  for (const [options, name] of wrong) {
    const error = assertThrows(
      () => new ChatClient({ name: "alice", ...options }),
      CypherError,
    );
    assertEquals(error.code, "BAD_OPTION");
    assert(error.message.includes(`"${name}"`), error.message);
  }
});
