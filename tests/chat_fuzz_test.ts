import { assert, assertEquals } from "@std/assert";
import { parseCommand, writeCommand } from "../protocol/chat/command.ts";
import { failure } from "../protocol/chat/failures.ts";
import { LineSplitter } from "../protocol/chat/line_splitter.ts";
import {
  generateOwnKeys,
  makeSessionKey,
  openSessionKey,
  readPublicKey,
} from "../protocol/chat/key_pair.ts";
import { openMessage, sealMessage } from "../protocol/chat/private_message.ts";
import {
  parseServerLine,
  writeServerLine,
} from "../protocol/chat/server_line.ts";
import { CypherError } from "../protocol/errors.ts";
import { ChatServer } from "../server/chat/chat_server.ts";
import { Person } from "./support/chat_person.ts";

const LONG = Deno.env.get("CYPHER_LONG") === "1";
const INPUTS = LONG ? 200_000 : 20_000;

/** Numbers that are the same in every run (mulberry32). */
function generator(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const SEEDS = [
  "IDENT alice\nBCST hello all\nUSERS\nPM bob how are you?\nQUIT\n",
  "IDENT bob\r\nPM_PUBKEY TUlJQkl=\r\nPM_SESSIONKEY alice d3JhcHBlZA==\r\n",
  "PONG\nPRIVATE_MESSAGE alice é€😀\n\nIDENT\nBCST\nPM\nPM bob\n",
  "INIT hi\nOK IDENT bob\nJOINED eve\nNPM eve AAAA\nPING\nLEFT eve\n",
  "DSCN Pong timeout\nFAIL05 Ping without pong\nOK USERS a_1:b_2:c_3\n",
].map((text) => new TextEncoder().encode(text));

const QUIT = new TextEncoder().encode("\nQUIT\n");

/** One of the seeds with some bytes changed, cut out, doubled or put in. */
function mutate(random: (below: number) => number): Uint8Array {
  let bytes: Uint8Array = SEEDS[random(SEEDS.length)]!.slice();
  for (let i = random(8); i >= 0; i--) {
    const at = random(bytes.length + 1);
    const end = Math.min(bytes.length, at + random(20));
    switch (random(5)) {
      case 0:
        if (at < bytes.length) bytes[at] = random(256);
        break;
      case 1:
        bytes = join(bytes.subarray(0, at), bytes.subarray(end));
        break;
      case 2:
        bytes = join(bytes.subarray(0, end), bytes.subarray(at));
        break;
      case 3: {
        const filler = new Uint8Array(random(400)).fill(random(256));
        bytes = join(bytes.subarray(0, at), filler, bytes.subarray(at));
        break;
      }
      case 4: {
        const other = SEEDS[random(SEEDS.length)]!;
        bytes = join(
          bytes.subarray(0, at),
          other.subarray(random(other.length)),
        );
      }
    }
  }
  return bytes;
}

function join(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

Deno.test(`the codec takes ${INPUTS} mutated inputs`, () => {
  const random = generator(1);
  const limit = 200;
  const splitter = new LineSplitter(limit);
  let lines = 0;
  let commands = 0;
  for (let i = 0; i < INPUTS; i++) {
    const input = mutate(random);
    for (let at = 0; at < input.length;) {
      const end = at + 1 + random(60);
      for (const line of splitter.push(input.subarray(at, end))) {
        lines++;
        if (line.kind !== "text") continue;
        assert(line.bytes <= limit);
        assert(!line.text.includes("\n"));
        const command = parseCommand(line.text);
        if (command) {
          commands++;
          // What was understood is understood the same when written again.
          assertEquals(parseCommand(writeCommand(command)), command);
          const { message = "", key = "" } = command as {
            message?: string;
            key?: string;
          };
          assert(!/\p{Cc}/u.test(message + key));
        }
        const said = parseServerLine(line.text);
        if (said) assertEquals(parseServerLine(writeServerLine(said)), said);
      }
      assert(splitter.pending <= limit + 1);
      at = end;
    }
  }
  assert(lines > INPUTS && commands > INPUTS / 10, "hardly any made sense");
});

Deno.test("a server takes mutated scripts, and is well after them", async () => {
  const scripts = INPUTS / 20;
  const random = generator(2);
  await using server = new ChatServer({
    port: 0,
    limits: { lineBytes: 200, linesPerSecond: 1_000_000, burst: 1_000_000 },
  });
  await server.start();
  let internal = 0;
  server.monitor.listen((signal) => {
    if (signal.kind === "failure" && signal.code === "INTERNAL") internal++;
  });
  await using witness = await Person.login(server.address, "witness");
  const codes = new Set<string>();
  const buffer = new Uint8Array(65_536);
  const decoder = new TextDecoder();
  let before = 0;
  for (let i = 0; i < scripts; i++) {
    // The first half brings everything to its working size.
    if (i === scripts / 2) before = Deno.memoryUsage().rss;
    using conn = await Deno.connect({ port: server.address.port });
    const script = join(mutate(random), QUIT);
    // It may hang up on us in the middle, for a QUIT.
    await conn.write(script).catch(() => {});
    let said = "";
    for (let count; (count = await conn.read(buffer)) !== null;) {
      said += decoder.decode(buffer.subarray(0, count));
    }
    for (const line of said.split("\n")) codes.add(line.split(" ", 1)[0]!);
  }
  await witness.types("USERS");
  await witness.until(/^FAIL06 /);
  assertEquals(internal, 0);
  assertEquals(server.users, ["witness"]);
  for (const code of ["INIT", "OK", "FAIL00", "FAIL02", "FAIL03", "FAIL07"]) {
    assert(codes.has(code), `${code} never came`);
  }
  const grown = (Deno.memoryUsage().rss - before) / 2 ** 20;
  assert(grown < 100, `grew by ${grown} MiB`);
});

/** The same base64 with one character changed or left out. */
function alter(text: string, random: (below: number) => number): string {
  const at = random(text.length);
  const letter = String.fromCharCode(33 + random(94));
  const altered = text.slice(0, at) + letter + text.slice(at + 1 + random(2));
  try {
    // Base64 can say the same in several ways.
    const same = Uint8Array.fromBase64(altered).toBase64() === text;
    return same ? alter(text, random) : altered;
  } catch {
    return altered;
  }
}

Deno.test("altered keys and messages do not open, and nothing breaks", async () => {
  const random = generator(3);
  const { privateKey, announced } = await generateOwnKeys();
  const recipient = (await readPublicKey(announced)).key;
  const { key, wrapped } = await makeSessionKey(recipient);
  const opener = await openSessionKey(privateKey, wrapped);
  const route = { from: "alice", to: "bob" };
  const sealed = await sealMessage(key, route, "attack at dawn");
  for (let i = 0; i < INPUTS / 10; i++) {
    const outcomes = [
      await openMessage(opener, route, alter(sealed, random)).catch(codeOf),
    ];
    // A hundred times as much work.
    if (i % 20 === 0) {
      outcomes.push(
        await openSessionKey(privateKey, alter(wrapped, random)).then(
          () => "opened",
          codeOf,
        ),
      );
    }
    for (const outcome of outcomes) assertEquals(outcome, "BAD_TOKEN");
    // An altered public key may be another one: it is that, or none.
    const code = await readPublicKey(alter(announced, random)).then(
      ({ fingerprint }) => fingerprint.length === 19,
      (error) => codeOf(error) === "BAD_MESSAGE",
    );
    assert(code);
  }
});

function codeOf(error: unknown): string {
  assert(error instanceof CypherError);
  assert(!error.message.includes("dawn"));
  return error.code;
}

Deno.test("each failure is one line in upper case", () => {
  for (let i = 0; i <= 8; i++) {
    const code = `FAIL0${i}` as "FAIL00";
    const line = writeServerLine(failure(code));
    assert(/^FAIL0\d [A-Z ]+$/.test(line), line);
    assertEquals(parseServerLine(line), failure(code));
  }
});
