import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SegmentServer } from "../segment.ts";
import { availablePort, Program } from "./support/program.ts";
import { compiler, CProgram } from "./support/segment_peer.ts";
import { Typist } from "./support/segment_typist.ts";
import { bytes } from "./support/segment_watch.ts";

const NET = ["run", "--allow-net", "--allow-env=CYPHER_*"];
const SERVER = [...NET, pathOf("../server/segment/main.ts")];
const CLIENT = [...NET, pathOf("../client/segment/main.ts")];

function pathOf(relative: string): string {
  return new URL(relative, import.meta.url).pathname;
}

const CLIENT_GREETING = `\
+-------------------------------------------------------+
|                        CLIENT                         |
+-------------------------------------------------------+

# THREE-WAY HANDSHAKE

1) SYN sent.
2) SYN-ACK received.
3) ACK sent.

# DATA EXCHANGE

`;

function serverGreeting(port: number): string {
  return `\
+-------------------------------------------------------+
|                        SERVER                         |
+-------------------------------------------------------+

*** server is listening on port: ${port} ***
*** waiting for connections ***

`;
}

Deno.test("both commands print what the C programs print", async () => {
  const port = availablePort();
  await using server = new Program([...SERVER, "--port", String(port)]);
  await server.prints("waiting for connections");
  await using client = new Typist([...CLIENT, "--port", String(port)]);
  await client.prints("Enter message: ");
  await client.type("Hello!\n");
  await client.prints("Received: Hello!");
  await client.type("twö words\n\nlast");
  await client.endOfInput();
  assertEquals(await client.ended, 0);
  const received = (text: string) =>
    "Enter message: 1) Client received payload.\n" +
    `2) Client received integral payload.\nReceived: ${text}\n`;
  assertEquals(
    client.output,
    `${CLIENT_GREETING}${received("Hello!")}${received("twö words")}` +
      `Enter message: ${received("last")}Enter message: \n`,
  );
  await server.prints("disconnected.");
  server.kill("SIGINT");
  assertEquals(await server.ended, 0);
  const peer = /client on port (\d+) \(IP 127\.0\.0\.1\) connected/
    .exec(server.output)![1];
  const settled = `client on port ${peer} received payload.\n` +
    `client on port ${peer} received integral payload.\n`;
  assertEquals(
    server.output,
    serverGreeting(port) +
      "1) SYN received.\n2) SYN-ACK sent.\n3) ACK received.\n" +
      `client on port ${peer} (IP 127.0.0.1) connected.\n\n` +
      settled.repeat(3) +
      `client on port ${peer} (IP 127.0.0.1) disconnected.\n\n`,
  );
  assertEquals(server.errors + client.errors, "");
});

Deno.test("the server names the step of a wrong handshake", async () => {
  await using server = new Program([...SERVER, "--port", "0"]);
  await server.prints("waiting for connections");
  const port = Number(/port: (\d+)/.exec(server.output)![1]);
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await conn.write(bytes("GET / HTTP/1.1\r\n".repeat(64)));
  await server.prints("Error: ");
  assertMatch(
    server.output,
    /Error: client on port \d+: SYN: it has no header of version 1 or 2\.\n/,
  );
});

Deno.test("the client speaks version 2, and goes on after a long line", async () => {
  await using server = new SegmentServer({ port: 0 });
  await server.start();
  const port = String(server.address.port);
  const flags = ["--port", port, "--header-version", "2"];
  await using client = new Typist([...CLIENT, ...flags]);
  await client.type(`${"x".repeat(4_081)}\nok\n`);
  await client.prints("Received: ok");
  assertStringIncludes(client.errors, "it may have 4080");
});

Deno.test("what comes over the wire cannot steer the terminal", async () => {
  await using server = new SegmentServer({
    port: 0,
    handler: () => bytes("\x1b[2Jcleared\u202e\x07\nnew line"),
  });
  await server.start();
  const port = String(server.address.port);
  await using client = new Typist([...CLIENT, "--port", port]);
  await client.type("hello\n");
  await client.prints(
    "Received: \u{fffd}[2Jcleared\u{fffd}\u{fffd}\u{fffd}new",
  );
});

Deno.test("a client whose server leaves says so and ends", async () => {
  const server = new SegmentServer({ port: 0 });
  await server.start();
  const port = String(server.address.port);
  await using client = new Typist([...CLIENT, "--port", port]);
  await client.prints("Enter message: ");
  await server.stop({ grace: 0 });
  assertEquals(await client.ended, 1);
  assertStringIncludes(client.errors, "The connection is gone: peer-");
});

/** What is wrong, and what the one line that says so must contain. */
const WRONG: [string[], string[]][] = [
  [[...SERVER, "--prot", "1"], ["--prot", "segment:server --help"]],
  [[...SERVER, "--port", "70000"], ["--port", "70000", "65,535"]],
  [[...SERVER, "--buffer-size", "16"], ["--buffer-size", "of bytes from 17"]],
  [[...SERVER, "extra"], ["no arguments", '"extra"']],
  [[...SERVER, "--hostname", "203.0.113.1"], ["not one of this machine"]],
  [[...CLIENT, "--header-version", "3"], ["--header-version", "from 1 to 2"]],
  [[...CLIENT, "--buffer-size", "70000"], ["65,535 bytes in version 1"]],
  [[...CLIENT, "--port", "1"], ["Cannot connect to 127.0.0.1:1: ", "refused"]],
];

for (const [args, says] of WRONG) {
  const [path, ...flags] = args.slice(NET.length);
  const name = path!.split("/").at(-3);
  Deno.test(`one line for ${name} ${flags.join(" ")}`, async () => {
    await using program = new Program(args);
    assertEquals(await program.ended, 1);
    assertEquals(program.errors.trim().split("\n").length, 1);
    for (const text of says) assertStringIncludes(program.errors, text);
  });
}

Deno.test("both commands explain themselves", async () => {
  for (const [args, usage] of [[SERVER, "server"], [CLIENT, "client"]]) {
    await using program = new Program([...args as string[], "--help"]);
    assertEquals(await program.ended, 0);
    assertStringIncludes(program.output, `deno task segment:${usage}`);
    assertStringIncludes(program.output, "default 8888");
  }
});

Deno.test({
  name: "the client command speaks to the peer in C",
  ignore: compiler === undefined,
  fn: async () => {
    await using program = await CProgram.compile();
    // With the off-by-one of the server in the wild.
    await using peer = program.server("off-by-one=1", "damaged=1");
    const port = await peer.line("port");
    await using client = new Typist([...CLIENT, "--port", port]);
    await client.type("Hello!\n");
    await client.prints("Received: Hello!");
    assertStringIncludes(client.output, CLIENT_GREETING);
  },
});
