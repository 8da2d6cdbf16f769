import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  type ChatCommand,
  parseCommand,
  writeCommand,
} from "../protocol/chat/command.ts";
import { type Line, LineSplitter } from "../protocol/chat/line_splitter.ts";
import { Outbox } from "../protocol/chat/outbox.ts";
import {
  parseServerLine,
  type ServerLine,
  writeServerLine,
} from "../protocol/chat/server_line.ts";
import { failure } from "../protocol/chat/failures.ts";
import {
  isMessage,
  isUsername,
  withoutControls,
} from "../protocol/chat/text.ts";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Pushes chunks, overwriting each one after. */
function feed(splitter: LineSplitter, chunks: Uint8Array[]): Line[] {
  return chunks.flatMap((chunk) => {
    const copy = chunk.slice();
    const lines = splitter.push(copy);
    copy.fill(0x21);
    return lines;
  });
}

function text(text: string): Line {
  return { kind: "text", text, bytes: bytes(text).length };
}

const LIMIT = 14;
const STREAM = new Uint8Array([
  ...bytes("IDENT bob\r\nBCST é€😀\n\nexactly 14 byt\r\nfifteen bytes !\n"),
  ...bytes("far more than the fourteen that a line may have here\r\n"),
  ...[0xff, 0xfe, 10],
  ...bytes("a\rb\n\r\nlast\nrest"),
]);
const LINES = [
  "IDENT bob",
  "BCST é€😀",
  "",
  "exactly 14 byt",
  "too-long",
  "too-long",
  "not-utf8",
  "a\rb",
  "",
  "last",
];

function shown(lines: Line[]): string[] {
  return lines.map((line) => line.kind === "text" ? line.text : line.kind);
}

Deno.test("a stream comes apart at LF and CRLF", () => {
  const splitter = new LineSplitter(LIMIT);
  assertEquals(feed(splitter, [bytes("one\r\ntwo\n\nrest")]), [
    text("one"),
    text("two"),
    text(""),
  ]);
  assertEquals(splitter.pending, 4);
});

Deno.test("every one and every two split points", () => {
  for (let a = 0; a <= STREAM.length; a++) {
    for (let b = a; b <= STREAM.length; b++) {
      const splitter = new LineSplitter(LIMIT);
      const chunks = [
        STREAM.subarray(0, a),
        STREAM.subarray(a, b),
        STREAM.subarray(b),
      ];
      assertEquals(shown(feed(splitter, chunks)), LINES, `at ${a} and ${b}`);
      assertEquals(splitter.pending, 4);
    }
  }
});

Deno.test("single bytes", () => {
  const splitter = new LineSplitter(4);
  const stream = bytes("abcd\r\nabcde\nabcde\r\nabcd\nab\n");
  const lines = feed(splitter, Array.from(stream, (b) => new Uint8Array([b])));
  assertEquals(lines.map(({ kind }) => kind), [
    "text",
    "too-long",
    "too-long",
    "text",
    "text",
  ]);
});

Deno.test("a line without end is told once, and takes no memory", () => {
  const splitter = new LineSplitter(4_096);
  let told = 0;
  for (let i = 0; i < 1_000; i++) {
    told += splitter.push(new Uint8Array(10_000).fill(65)).length;
    assert(splitter.pending <= 4_097);
  }
  assertEquals(told, 1);
  assertEquals(splitter.push(bytes("\nnext\n")), [text("next")]);
});

Deno.test("every command is read as it was written", () => {
  const word = fc.stringMatching(/^[A-Za-z0-9_]{3,14}$/);
  const said = fc.string({ unit: "grapheme", minLength: 1 }).filter(isMessage);
  const command = fc.oneof<fc.Arbitrary<ChatCommand>[]>(
    fc.record({ word: fc.constant("IDENT" as const), name: word }),
    fc.record({ word: fc.constant("BCST" as const), message: said }),
    fc.record({
      word: fc.constantFrom("PM" as const, "PRIVATE_MESSAGE" as const),
      to: word,
      message: said,
    }),
    fc.record({ word: fc.constant("PM_PUBKEY" as const), key: said }),
    fc.record({
      word: fc.constant("PM_SESSIONKEY" as const),
      to: word,
      key: said,
    }),
    fc.record({
      word: fc.constantFrom(
        "USERS" as const,
        "QUIT" as const,
        "PONG" as const,
      ),
    }),
  );
  fc.assert(fc.property(command, (one) => {
    assertEquals({ ...parseCommand(writeCommand(one)) }, { ...one });
  }));
});

Deno.test("every server line is read as it was written", () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_]{3,14}$/);
  const said = fc.string({ unit: "grapheme", minLength: 1 }).filter(isMessage);
  const line = fc.oneof<fc.Arbitrary<ServerLine>[]>(
    fc.record({
      word: fc.constantFrom("INIT" as const, "DSCN" as const),
      text: said,
    }),
    fc.record({
      word: fc.constant("OK" as const),
      of: fc.constantFrom("BCST", "GOODBYE", "USERS"),
      text: fc.oneof(said, fc.constant("")),
    }),
    fc.constantFrom(failure("FAIL00"), failure("FAIL08", "SOMETHING ELSE")),
    fc.record({
      word: fc.constantFrom("JOINED" as const, "LEFT" as const),
      name,
    }),
    fc.record({
      word: fc.constantFrom(
        "BCST" as const,
        "NPM" as const,
        "PM_PUBKEY" as const,
        "PM_SESSIONKEY" as const,
      ),
      from: name,
      text: said,
    }),
    fc.constant({ word: "PING" as const }),
  );
  fc.assert(fc.property(line, (one) => {
    assertEquals({ ...parseServerLine(writeServerLine(one)) }, { ...one });
  }));
});

Deno.test("what is no command, and what lacks something", () => {
  const wrong = ["", " ", "ident bob", "HELLO", "BCST", "BCST ", "BCST \x1b"];
  wrong.push("PM", "PM bob", "PM bob ", "PM_PUBKEY", "PM_SESSIONKEY bob");
  wrong.push("USERS all", "QUIT now", "PONG 1", " USERS", "PRIVATE_MESSAGE a");
  for (const line of wrong) assertEquals(parseCommand(line), undefined, line);
  // Whether a name is good is not the codec's business.
  assertEquals(parseCommand("IDENT"), { word: "IDENT", name: "" });
  assertEquals(parseCommand("USERS "), { word: "USERS" });
  const none = ["", "HELLO", "FAIL09 X", "FAIL X", "JOINED", "LEFT a b"];
  none.push("BCST \x1b[2J hi", "NPM this_name_is_too_long hi", "toString");
  for (const line of none) assertEquals(parseServerLine(line), undefined, line);
});

Deno.test("usernames", () => {
  for (const name of ["abc", "A_9", "a2345678901234"]) assert(isUsername(name));
  for (
    const name of ["", "ab", "a23456789012345", "a b", "a-b", "abé", "abc\n"]
  ) assert(!isUsername(name), name);
});

Deno.test("control characters are not passed on", () => {
  const controls = Array.from({ length: 160 }, (_, i) => i)
    .filter((code) => code < 32 || code > 126)
    .map((code) => String.fromCharCode(code)).join("");
  const said = `a\tb${controls}c\u2028d\u2029e`;
  const passed = withoutControls(said).replaceAll(" ", "");
  assertEquals(passed, "abcde");
  assertEquals(withoutControls("é€😀 ok"), "é€😀 ok");
  const command = parseCommand(`BCST \x1b[31mred\x07`);
  assertEquals(command, { word: "BCST", message: "[31mred" });
});

Deno.test("an outbox writes in order, one at a time, and is bounded", async () => {
  const writes: string[] = [];
  const gates: (() => void)[] = [];
  const outbox = new Outbox({
    limit: 10,
    write: (batch) => {
      writes.push(new TextDecoder().decode(batch));
      return new Promise((resolve) => gates.push(resolve));
    },
  });
  assert(outbox.push(bytes("abc")));
  assert(outbox.push(bytes("de")));
  assert(outbox.push(bytes("fghij")));
  assert(!outbox.push(bytes("k")), "full");
  assertEquals([writes, outbox.pending], [["abc"], 10]);
  gates.shift()!();
  while (gates.length === 0) await Promise.resolve();
  assertEquals([writes, outbox.pending], [["abc", "defghij"], 7]);
  assert(outbox.push(bytes("k")));
  gates.shift()!();
  while (gates.length === 0) await Promise.resolve();
  gates.shift()!();
  await outbox.flushed;
  assertEquals([writes.join(""), outbox.pending], ["abcdefghijk", 0]);
});
