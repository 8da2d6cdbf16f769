import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { describe, harmless } from "../client/chat/display.ts";
import { readTyped } from "../client/chat/typed.ts";
import { ChatServer } from "../server/chat/chat_server.ts";
import { Listener } from "./support/chat_client.ts";
import { Person } from "./support/chat_person.ts";
import { NO_TERMINAL, TerminalProgram } from "./support/chat_terminal.ts";
import { NO_NAME } from "./support/no_name.ts";
import { availablePort, Program } from "./support/program.ts";

const SERVER = ["run", "-A", pathOf("../server/chat/main.ts")];
const BARE = ["run", "--no-prompt"];
const CLIENT = ["run", "-A", pathOf("../client/chat/main.ts")];

function pathOf(relative: string): string {
  return new URL(relative, import.meta.url).pathname;
}

async function serve(): Promise<ChatServer> {
  const server = new ChatServer({ port: 0 });
  await server.start();
  return server;
}

// deno-lint-ignore no-console
if (NO_TERMINAL) console.log(`Skipped: the terminal client, as ${NO_TERMINAL}`);

function inTerminal(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, ignore: NO_TERMINAL !== undefined });
}

inTerminal("the terminal client, in a terminal", async () => {
  await using server = await serve();
  await using bob = await Listener.login(server.address, "bob");
  const at = `127.0.0.1:${server.address.port}`;
  await using ann = new TerminalProgram(
    [...CLIENT, "--server", at, "--name", "ann"],
  );
  await ann.shows("* Welcome");
  await ann.shows(`* bob's key: ${await bob.client.fingerprint()}`);
  await ann.shows("* you are ann, key ");
  const shown = await bob.hears("key");
  assertStringIncludes(ann.screen, shown.fingerprint);
  await ann.shows("> ");

  // Plain text is for everybody.
  await ann.types("hello everybody\r");
  const { name, text } = await bob.hears("broadcast");
  assertEquals([name, text], ["ann", "hello everybody"]);
  await bob.client.broadcast("hello ann");
  await ann.shows("bob: hello ann");

  await ann.types("/users\r");
  await ann.shows("* here: bob, ann");

  // The terminal's own keys: what is rubbed out is not sent.
  await ann.types("/pm bob for you  onlyy\x7f\r");
  assertEquals((await bob.hears("private")).text, "for you  only");
  await bob.client.pm("ann", "and for you");
  await ann.shows("[private] bob: and for you");

  // Who is half-way through a line keeps it when a message comes.
  await ann.types("half a");
  await ann.shows("half a");
  await bob.client.broadcast("an interruption");
  await ann.shows("bob: an interruption");
  await ann.shows("half a");
  await ann.types(" line\r");
  assertEquals((await bob.hears("broadcast")).text, "half a line");

  for (
    const [typed, answer] of [
      ["/pm nobody hi", "* FAIL07: USER DOES NOT EXIST"],
      ["/pm ann hi", "* FAIL08"],
      ["/pm bob", "* Write /pm NAME text"],
      ["/nonsense", "* There is no /nonsense"],
      ["/help", "write to one user"],
    ]
  ) {
    await ann.types(`${typed}\r`);
    await ann.shows(answer!);
  }
  await using _eve = await Person.login(server.address, "eve");
  await ann.shows("* eve joined");
  await ann.types("/pm eve hi\r");
  await ann.shows("no public key is known");

  await ann.types("/quit\r");
  assertEquals(await ann.ended, 0);
  assertEquals((await bob.hears("left")).name, "ann");
});

for (const [key, code] of [["Ctrl-C", "\x03"], ["Ctrl-D", "\x04"]]) {
  inTerminal(`${key} leaves, and says goodbye`, async () => {
    await using server = await serve();
    await using bob = await Person.login(server.address, "bob");
    const at = `127.0.0.1:${server.address.port}`;
    await using ann = new TerminalProgram(
      [...CLIENT, "--server", at, "--name", "ann"],
    );
    await ann.shows("* you are ann");
    await ann.shows("> ");
    await bob.until(/^PM_PUBKEY ann /);
    await ann.types(code!);
    assertEquals(await ann.ended, 0);
    await bob.sees("LEFT ann");
  });
}

inTerminal("a name is asked for until there is a good one", async () => {
  await using server = await serve();
  await using _bob = await Person.login(server.address, "bob");
  await using ann = new TerminalProgram(
    [...CLIENT, "--server", `127.0.0.1:${server.address.port}`],
  );
  await ann.shows("name: ");
  await ann.types("a b\r");
  await ann.shows("3 to 14 of A-Z");
  await ann.shows("name: ");
  await ann.types("bob\r");
  await ann.shows("FAIL01: USERNAME IS IN USE");
  await ann.shows("name: ");
  await ann.types("ann\r");
  await ann.shows("* you are ann");
  await ann.types("/quit\r");
  assertEquals(await ann.ended, 0);
});

inTerminal("a lost server is looked for until it is back", async () => {
  const port = availablePort();
  const first = new ChatServer({ port });
  await first.start();
  await using ann = new TerminalProgram(
    [...CLIENT, "--server", `127.0.0.1:${port}`, "--name", "ann"],
  );
  await ann.shows("* you are ann");
  await first.stop();
  await ann.shows("* Server stopped");
  await ann.shows("* offline: peer-closed; trying again");
  await using second = new ChatServer({ port });
  await second.start();
  await ann.shows("* online again");
  assertEquals(second.users, ["ann"]);
  await ann.types("/quit\r");
  assertEquals(await ann.ended, 0);
});

Deno.test("both commands, without a terminal", async () => {
  await using server = new Program(
    [...SERVER, "--port", "0", "--log", "pretty"],
  );
  await server.prints("Chat listens on 127.0.0.1:");
  const port = Number(/:(\d+)\n/.exec(server.output)![1]);
  await using bob = await Listener.login({ port }, "bob");
  const ann = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--config", pathOf("../deno.json")],
      ...[CLIENT[2]!, "--server", `127.0.0.1:${port}`, "--name", "ann"],
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const keys = ann.stdin.getWriter();
  await keys.write(
    new TextEncoder().encode("hello\n/pm bob secret\n/users\n"),
  );
  await keys.close();
  const { code, stdout, stderr } = await ann.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  assertStringIncludes(new TextDecoder().decode(stdout), "* here: bob, ann");
  assertEquals((await bob.hears("broadcast")).text, "hello");
  assertEquals((await bob.hears("private")).text, "secret");
  await bob.hears("left");
  await server.prints("offline  127.0.0.1:");
  assertStringIncludes(server.output, '"ann" on the chat wire\n');
  assert(!server.output.includes("secret") && !server.output.includes("hello"));
  server.kill("SIGINT");
  await bob.hears("goodbye");
  assertEquals(await server.ended, 0);
});

for (const hostname of ["127.0.0.1", "0.0.0.0", "::1"]) {
  Deno.test(`what chat:server suggests works as it stands: ${hostname}`, async () => {
    const flags = ["--port", "0", "--hostname", hostname, "--log", "pretty"];
    await using server = new Program([...SERVER, ...flags]);
    await server.prints("IDENT <username>");
    const [, words, host, port] =
      /Try: deno task chat:client (.*?) \(or nc (\S+) (\d+) and/
        .exec(server.output)!;
    // As a shell reads the one pair of quotes that there may be.
    const args = words!.replaceAll('"', "").split(" ");
    await using client = new Program([...CLIENT, ...args, "--name", "ann"]);
    assertEquals(await client.ended, 0, client.errors);
    assertStringIncludes(client.output, "* you are ann");
    (await Deno.connect({ hostname: host!, port: Number(port) })).close();
  });
}

const WRONG: { args: string[]; says: string[] }[] = [
  { args: [...SERVER, "--port", "70000"], says: ["--port", "65,535"] },
  { args: [...SERVER, "--prot", "1"], says: ["--prot", "--help"] },
  { args: [...SERVER, "--heartbeat", "0"], says: ["--heartbeat", "of ms"] },
  { args: [...SERVER, "extra"], says: ["no arguments", '"extra"'] },
  { args: [...CLIENT, "--name", "a b"], says: ["--name", "3 to 14", '"a b"'] },
  { args: [...CLIENT, "--server", "a:b"], says: ["--server", '"a:b"'] },
  { args: [...CLIENT, "--server", "host:70000"], says: ["--server", "70000"] },
  { args: [...CLIENT, "extra"], says: ["no arguments", '"extra"'] },
  {
    args: [...CLIENT, "--name", "ann", "--server", "127.0.0.1:1"],
    says: ["Cannot connect to 127.0.0.1:1: no chat server answers there"],
  },
  {
    args: [...CLIENT, "--name", "ann", "--server", NO_NAME],
    says: [`Cannot connect to ${NO_NAME}:1337: the hostname does not resolve`],
  },
  {
    args: [...BARE, "--allow-env", CLIENT[2]!, "--name", "ann"],
    says: ["Cannot connect to 127.0.0.1:1337 (run with --allow-net)"],
  },
  { args: [...BARE, CLIENT[2]!], says: ["--allow-env"] },
];

for (const { args, says } of WRONG) {
  const shown = args.slice(2).join(" ").replace(/\S*\/(\w+\/chat\/)/, "$1");
  Deno.test(`wrong: ${shown}`, async () => {
    await using program = new Program(args);
    assertEquals(await program.ended, 1);
    for (const text of says) assertStringIncludes(program.errors, text);
    assertEquals(program.errors.trim().split("\n").length, 1);
    assertEquals(program.output, "");
  });
}

Deno.test("--help shows the flags with their defaults", async () => {
  for (
    const [args, flag] of [[SERVER, "default 1337"], [
      CLIENT,
      "default 127.0.0.1:1337",
    ]] as const
  ) {
    await using program = new Program([...args, "--help"]);
    assertEquals(await program.ended, 0);
    assertStringIncludes(program.output, flag);
  }
});

Deno.test("what a person types", () => {
  assertEquals(readTyped("  "), { kind: "nothing" });
  assertEquals(readTyped(" hi all "), { kind: "broadcast", text: "hi all" });
  assertEquals(readTyped("/users"), { kind: "users" });
  assertEquals(readTyped("/quit "), { kind: "quit" });
  assertEquals(readTyped("/pm  bob  two  spaces"), {
    kind: "pm",
    name: "bob",
    text: "two  spaces",
  });
  for (const line of ["/", "/pm", "/pm bob", "/quit now", "/users x", "/x"]) {
    assertEquals(readTyped(line).kind, "wrong", line);
  }
});

Deno.test("what others wrote cannot take over the terminal", () => {
  const evil = "\x1b]0;title\x07\x1b[2J\u202egnihsihp\u2066\r\n\x9b31m";
  assertEquals(harmless(evil), "]0;title[2Jgnihsihp31m");
  const event = { at: 0, kind: "broadcast", name: "eve", text: evil } as const;
  const shown = describe(event)!;
  assert(!/[\p{Cc}\u202e\u2066]/u.test(shown), shown);
  const unopened = { at: 0, kind: "unopened", name: "eve" } as const;
  assertStringIncludes(
    describe({ ...unopened, why: "not-opened" })!,
    "does not open",
  );
  assertStringIncludes(
    describe({ ...unopened, why: "no-key" })!,
    "does not open",
  );
});
