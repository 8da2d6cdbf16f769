import { assert, assertEquals, assertThrows } from "@std/assert";
import { CypherError } from "../protocol/errors.ts";
import { ChatServer } from "../server/chat/chat_server.ts";
import type { ChatServerOptions } from "../server/chat/options.ts";
import { Monitor } from "../server/monitor.ts";
import type { Signal } from "../server/signals.ts";
import { Person } from "./support/chat_person.ts";
import { FaultProxy } from "./support/fault_proxy.ts";

async function serve(options: ChatServerOptions = {}): Promise<ChatServer> {
  const server = new ChatServer({ port: 0, ...options });
  await server.start();
  return server;
}

/** Limits under which nobody is slowed. */
const FAST = { linesPerSecond: 1_000_000, burst: 1_000_000 };

Deno.test("every command, as a person types it", async () => {
  await using server = await serve({ greeting: "Hello there" });
  await using alice = await Person.connect(server.address);
  await alice.sees("INIT Hello there");
  await alice.says("IDENT alice", "OK IDENT alice");
  await using bob = await Person.connect(server.address);
  await bob.sees("INIT Hello there");
  await bob.says("IDENT bob", "OK IDENT bob");
  await alice.sees("JOINED bob");

  await alice.says("BCST hello  all ", "OK BCST hello  all ");
  await bob.sees("BCST alice hello  all ");

  await bob.says("USERS", "OK USERS alice:bob");

  await bob.says("PM alice how are you?", "OK PM alice how are you?");
  await alice.sees("NPM bob how are you?");
  await alice.says(
    "PRIVATE_MESSAGE bob fine",
    "OK PRIVATE_MESSAGE bob fine",
  );
  await bob.sees("NPM alice fine");

  await alice.says("PM_PUBKEY a-public-key", "OK PM_PUBKEY");
  await bob.sees("PM_PUBKEY alice a-public-key");
  await using carol = await Person.login(server.address, "carol");
  await carol.sees("PM_PUBKEY alice a-public-key");
  await alice.sees("JOINED carol");
  await bob.sees("JOINED carol");

  await bob.says("PM_SESSIONKEY alice wrapped+key=", "OK PM_SESSIONKEY");
  await alice.sees("PM_SESSIONKEY bob wrapped+key=");

  await bob.says("QUIT", "OK GOODBYE", null);
  await alice.sees("LEFT bob");
  await carol.sees("LEFT bob");
  assertEquals(server.users, ["alice", "carol"]);
});

Deno.test("every failure code", async () => {
  await using server = await serve();
  await using alice = await Person.connect(server.address);
  await alice.sees(/^INIT /);
  const every = [
    "BCST hi",
    "USERS",
    "PM bob hi",
    "PRIVATE_MESSAGE bob hi",
    "PM_PUBKEY k",
    "PM_SESSIONKEY bob k",
  ];
  for (const line of every) {
    await alice.says(line, "FAIL03 USER MUST LOGIN FIRST");
  }
  for (
    const name of ["", " ", "al", "a23456789012345", "a b", "al-ice", "álice"]
  ) {
    await alice.says(
      `IDENT ${name}`,
      "FAIL02 USERNAME HAS AN INVALID FORMAT OR LENGTH",
    );
  }
  await alice.says("IDENT", /^FAIL02 [A-Z ]+$/);
  for (const line of ["", "HELLO", "bcst hi", "BCST", "PM bob", "USERS x"]) {
    await alice.says(line, "FAIL00 UNKNOWN COMMAND");
  }
  await alice.says("PONG", "FAIL05 PONG WITHOUT PING");
  await alice.says("IDENT alice", "OK IDENT alice");
  await alice.says("IDENT alice", "FAIL04 USER IS ALREADY LOGGED IN");
  await alice.says("IDENT other", "FAIL04 USER IS ALREADY LOGGED IN");
  await alice.says("USERS", "FAIL06 YOU ARE THE ONLY CONNECTED USER");
  await alice.says("PM nobody hi", "FAIL07 USER DOES NOT EXIST");
  await alice.says("PM_SESSIONKEY nobody k", "FAIL07 USER DOES NOT EXIST");
  const self = "FAIL08 CANNOT SEND A PRIVATE MESSAGE TO YOURSELF";
  await alice.says("PM alice hi", self);
  await alice.says("PM_SESSIONKEY alice k", self);
  await using bob = await Person.connect(server.address);
  await bob.sees(/^INIT /);
  await bob.says("IDENT alice", "FAIL01 USERNAME IS IN USE");
  // Case tells names apart, and a second try is open to everybody.
  await bob.says("IDENT Alice", "OK IDENT Alice");
  await bob.says("QUIT", "OK GOODBYE", null);
  await alice.sees("JOINED Alice", "LEFT Alice");
});

Deno.test("QUIT needs no login, and tells nobody", async () => {
  await using server = await serve();
  await using alice = await Person.login(server.address, "alice");
  await using guest = await Person.connect(server.address);
  await guest.sees(/^INIT /);
  await guest.says("QUIT", "OK GOODBYE", null);
  await alice.says("USERS", /^FAIL06/);
});

Deno.test("lines: the limit, CRLF, UTF-8, and cut in pieces", async () => {
  await using server = await serve({ limits: FAST });
  await using proxy = FaultProxy.start(server.address, () => ({
    up: { slice: 7 },
    down: { slice: 3 },
  }));
  await using alice = await Person.login(proxy.address, "alice");
  const longest = `BCST ${"x".repeat(4_096 - 5)}`;
  await alice.says(longest, `OK ${longest}`);
  await alice.says(`${longest}\r`, `OK ${longest}`);
  await alice.says(`${longest}y`, "FAIL00 LINE TOO LONG");
  await alice.says("BCST é€😀", "OK BCST é€😀");
  await alice.sends(new Uint8Array([66, 67, 83, 84, 32, 0xff, 10]));
  await alice.sees("FAIL00 LINE IS NOT UTF-8");
  await alice.says("BCST and on we go", "OK BCST and on we go");
});

Deno.test("a line without end is answered once and skipped", async () => {
  await using server = await serve({ limits: { lineBytes: 100 } });
  await using alice = await Person.login(server.address, "alice");
  await alice.sends(new Uint8Array(1_000_000).fill(65));
  await alice.sees("FAIL00 LINE TOO LONG");
  await alice.says("\nUSERS", /^FAIL06/);
});

Deno.test("control characters in messages are not relayed", async () => {
  await using server = await serve();
  await using alice = await Person.login(server.address, "alice");
  await using bob = await Person.login(server.address, "bob");
  await alice.sees("JOINED bob");
  const red = "\x1b[31mred\x07\x00\x9b1m\u2028";
  await alice.says(`BCST ${red}`, "OK BCST [31mred1m");
  await bob.sees("BCST alice [31mred1m");
  await alice.says(`PM bob ${red}`, "OK PM bob [31mred1m");
  await bob.sees("NPM alice [31mred1m");
  await alice.says(`PM_PUBKEY ${red}`, "OK PM_PUBKEY");
  await bob.sees("PM_PUBKEY alice [31mred1m");
  await alice.says(`PM_SESSIONKEY bob ${red}`, "OK PM_SESSIONKEY");
  await bob.sees("PM_SESSIONKEY alice [31mred1m");
  await alice.says("BCST \x1b\x07", /^FAIL00/);
});

Deno.test("200 users", async () => {
  const count = 200;
  await using server = await serve();
  await using stack = new AsyncDisposableStack();
  const people: Person[] = [];
  for (let i = 0; i < count; i++) {
    people.push(stack.use(await Person.login(server.address, `user${i}`)));
  }
  await people[0]!.types("BCST hello");
  const seen = await Promise.all(
    people.map((person, i) =>
      i === 0 ? person.until(/^OK BCST/) : person.until(/^BCST user0 hello$/)
    ),
  );
  for (const [i, lines] of seen.entries()) {
    // Everybody saw exactly those join who came later, and then the message.
    const joined = Array.from(
      { length: count - 1 - i },
      (_, j) => `JOINED user${i + 1 + j}`,
    );
    assertEquals(lines.slice(0, -1), joined, `user${i}`);
  }
  await people[7]!.types("USERS");
  const [users] = await people[7]!.until(/^OK USERS/);
  assertEquals(users!.split(/[ :]/).length, 2 + count);
  await people[199]!.says("QUIT", "OK GOODBYE", null);
  for (const person of people.slice(0, 199)) await person.sees("LEFT user199");
  assertEquals(server.users.length, 199);
  const open = server.monitor.connections()
    .filter(({ state, wire }) => state.kind === "open" && wire === "chat");
  assertEquals(open.length, 199);
});

Deno.test("a script typed at once, whose end is at once", async () => {
  await using server = await serve();
  const conn = await Deno.connect({ ...server.address, transport: "tcp" });
  const script = "IDENT bob\nBCST one\nBCST two\nUSERS\n";
  await conn.write(new TextEncoder().encode(script));
  await conn.closeWrite();
  const said = await new Response(conn.readable).text();
  assertEquals(said.split("\n").slice(1), [
    "OK IDENT bob",
    "OK BCST one",
    "OK BCST two",
    "FAIL06 YOU ARE THE ONLY CONNECTED USER",
    "",
  ]);
});

Deno.test("the monitor sees names, states, requests, and no payload", async () => {
  const monitor = new Monitor();
  const signals: Signal[] = [];
  monitor.listen((signal) => signals.push(signal));
  await using server = await serve({ monitor });
  assertEquals(monitor.listeners(), [{
    hostname: "127.0.0.1",
    port: server.address.port,
    wires: ["chat"],
    state: "listening",
  }]);
  await using alice = await Person.connect(server.address);
  await alice.sees(/^INIT /);
  assertEquals(monitor.connections()[0]!.state.kind, "handshake");
  await alice.says("IDENT alice", /^OK/);
  const { id, address } = monitor.connections()[0]!;
  assertEquals(address, `127.0.0.1:${alice.port}`);
  await alice.says("BCST s3cret", /^OK/);
  await alice.says("PM bob s3cret", /^FAIL07/);
  await alice.says("s3cret", /^FAIL00/);
  await alice.says("IDENT s3cret", /^FAIL04/);
  const info = monitor.connections()[0]!;
  assertEquals(
    [info.name, info.wire, info.state.kind, info.requests, info.failures],
    ["alice", "chat", "open", 5, 3],
  );
  assert(monitor.disconnect(id));
  await alice.sees(null);
  const seen = signals.map((signal) => {
    assertEquals(signal.connection, id);
    switch (signal.kind) {
      case "online":
        return `online ${signal.name} ${signal.wire}`;
      case "request":
        return `${signal.operation} ${signal.status}`;
      case "failure":
        return `failure ${signal.code} on ${signal.operation}`;
      case "offline":
        return `offline ${signal.reason} ${signal.requests}`;
      default:
        return signal.kind;
    }
  });
  assertEquals(seen, [
    "online alice chat",
    "IDENT OK",
    "BCST OK",
    "failure FAIL07 on PM",
    "PM FAIL07",
    "failure FAIL00 on UNKNOWN",
    "UNKNOWN FAIL00",
    "failure FAIL04 on IDENT",
    "IDENT FAIL04",
    "offline disconnected 5",
  ]);
  assert(!JSON.stringify(signals).includes("s3cret"));
});

Deno.test("options are checked", () => {
  const wrong: [ChatServerOptions, string][] = [
    [{ port: 70_000 }, "port"],
    [{ heartbeat: 0 }, "heartbeat"],
    [{ pongTimeout: 1.5 }, "pongTimeout"],
    [{ loginTimeout: Infinity }, "loginTimeout"],
    [{ limits: { lineBytes: 1 } }, "limits.lineBytes"],
    [{ limits: { queueBytes: 4_100 } }, "limits.queueBytes"],
    [{ limits: { burst: 0 } }, "limits.burst"],
    [{ greeting: "two\nlines" }, "greeting"],
    [{ hostname: "" }, "hostname"],
    [{ monitor: {} as Monitor }, "monitor"],
    [{ hearbeat: 1 } as ChatServerOptions, "hearbeat"],
  ];
  for (const [options, name] of wrong) {
    const error = assertThrows(() => new ChatServer(options), CypherError);
    assertEquals(error.code, "BAD_OPTION");
    assert(error.message.includes(`"${name}"`), error.message);
  }
});
