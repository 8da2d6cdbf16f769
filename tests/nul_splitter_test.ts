import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { NulSplitter } from "../protocol/nul_splitter.ts";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Pushes chunks and copies out what comes, overwriting each chunk after. */
function feed(splitter: NulSplitter, chunks: Uint8Array[]): string[] {
  return chunks.flatMap((chunk) => {
    const copy = chunk.slice();
    const messages = splitter.push(copy).map(text);
    copy.fill(0x21);
    return messages;
  });
}

function cut(stream: Uint8Array, cuts: number[]): Uint8Array[] {
  const at = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
  return at.slice(1).map((end, i) => stream.subarray(at[i], end));
}

const STREAM = bytes("one\0two two\0\0three\0a longer message, the last\0");
const MESSAGES = ["one", "two two", "", "three", "a longer message, the last"];

Deno.test("a stream comes apart at its NULs", () => {
  assertEquals(feed(new NulSplitter(100), [STREAM]), MESSAGES);
});

Deno.test("every split point", () => {
  for (let at = 0; at <= STREAM.length; at++) {
    const splitter = new NulSplitter(100);
    assertEquals(feed(splitter, cut(STREAM, [at])), MESSAGES, `at ${at}`);
    assertEquals([splitter.pending, splitter.overflowed], [0, false]);
  }
});

Deno.test("every two split points", () => {
  for (let a = 0; a <= STREAM.length; a++) {
    for (let b = a; b <= STREAM.length; b++) {
      const splitter = new NulSplitter(100);
      const out = feed(splitter, cut(STREAM, [a, b]));
      assertEquals(out, MESSAGES, `at ${a} and ${b}`);
    }
  }
});

Deno.test("chunks of every size", () => {
  for (let size = 1; size <= STREAM.length; size++) {
    const splitter = new NulSplitter(26);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < STREAM.length; at += size) {
      chunks.push(STREAM.subarray(at, at + size));
    }
    assertEquals(feed(splitter, chunks), MESSAGES, `chunks of ${size}`);
  }
});

Deno.test("each message comes with the chunk that completes it", () => {
  const splitter = new NulSplitter(100);
  const out = cut(STREAM, [2, 4, 9]).map((chunk) => feed(splitter, [chunk]));
  assertEquals(out, [[], ["one"], [], MESSAGES.slice(1)]);
});

Deno.test("1 to 64 messages in one chunk", () => {
  for (let count = 1; count <= 64; count++) {
    const messages = Array.from({ length: count }, (_, i) => `m${i}`);
    const chunk = bytes(messages.join("\0") + "\0rest");
    const splitter = new NulSplitter(100);
    assertEquals(feed(splitter, [chunk]), messages);
    assertEquals(splitter.pending, 4);
    assertEquals(feed(splitter, [bytes("\0")]), ["rest"]);
  }
});

Deno.test("empty messages and empty chunks", () => {
  const splitter = new NulSplitter(1);
  assertEquals(feed(splitter, [bytes("")]), []);
  assertEquals(feed(splitter, [bytes("\0")]), [""]);
  assertEquals(feed(splitter, [bytes("\0\0\0")]), ["", "", ""]);
  assertEquals(feed(splitter, [bytes("a"), bytes(""), bytes("\0")]), ["a"]);
  assertEquals([splitter.pending, splitter.overflowed], [0, false]);
});

/** What must come out, by the shortest program that says so. */
function reference(stream: Uint8Array, limit: number) {
  const parts = text(stream).split("\0");
  const bad = parts.findIndex((part) => part.length > limit);
  return bad === -1
    ? {
      messages: parts.slice(0, -1),
      pending: parts.at(-1)!.length,
      overflowed: false,
    }
    : { messages: parts.slice(0, bad), pending: 0, overflowed: true };
}

Deno.test("any stream, any chunking, any limit: as the reference", () => {
  const byte = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 0x7f }));
  fc.assert(
    fc.property(
      fc.array(byte, { maxLength: 200 }),
      fc.array(fc.nat(200), { maxLength: 20 }),
      fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant(1_000)),
      (stream, cuts, limit) => {
        const whole = Uint8Array.from(stream);
        const inside = cuts.filter((at) => at <= whole.length);
        const splitter = new NulSplitter(limit);
        const messages = feed(splitter, cut(whole, inside));
        const { pending, overflowed } = splitter;
        assertEquals(
          { messages, pending, overflowed },
          reference(whole, limit),
        );
      },
    ),
    { numRuns: 3_000 },
  );
});

Deno.test("bytes of every value but NUL pass through", () => {
  const all = Uint8Array.from({ length: 255 }, (_, i) => i + 1);
  const splitter = new NulSplitter(255);
  splitter.push(all.subarray(0, 100));
  splitter.push(all.subarray(100));
  const [message] = splitter.push(new Uint8Array(1));
  assertEquals(message?.toHex(), all.toHex());
});

Deno.test("messages of one push do not overwrite each other", () => {
  const splitter = new NulSplitter(100);
  splitter.push(bytes("aa"));
  const first = splitter.push(bytes("a\0bbb\0ccc\0dd"));
  const second = splitter.push(bytes("d\0ee"));
  assertEquals(first.map(text), ["aaa", "bbb", "ccc"]);
  assertEquals(second.map(text), ["ddd"]);
});

Deno.test("a message of exactly the limit is fine", () => {
  for (const limit of [1, 2, 7, 64, 1_000]) {
    const message = "x".repeat(limit);
    const stream = bytes(`${message}\0${message}\0`);
    for (let at = 0; at <= stream.length; at++) {
      const splitter = new NulSplitter(limit);
      assertEquals(feed(splitter, cut(stream, [at])), [message, message]);
      assertEquals(splitter.overflowed, false);
    }
  }
});

Deno.test("one byte over the limit is too much, wherever the chunks end", () => {
  for (const limit of [1, 2, 7, 64]) {
    const stream = bytes(
      `ok\0`.repeat(limit > 1 ? 1 : 0) + "x".repeat(limit + 1),
    );
    const before = limit > 1 ? ["ok"] : [];
    for (const tail of ["", "\0", "\0after\0", "yyy\0after\0"]) {
      const whole = bytes(text(stream) + tail);
      for (let at = 0; at <= whole.length; at++) {
        const splitter = new NulSplitter(limit);
        assertEquals(feed(splitter, cut(whole, [at])), before);
        assertEquals([splitter.pending, splitter.overflowed], [0, true]);
      }
    }
  }
});

Deno.test("over the limit is told before the NUL comes", () => {
  const splitter = new NulSplitter(4);
  feed(splitter, [bytes("1234")]);
  assertEquals([splitter.pending, splitter.overflowed], [4, false]);
  feed(splitter, [bytes("5")]);
  assertEquals([splitter.pending, splitter.overflowed], [0, true]);
});

Deno.test("after an overflow nothing comes out and nothing is kept", () => {
  const splitter = new NulSplitter(4);
  assertEquals(feed(splitter, [bytes("ok\0toolong")]), ["ok"]);
  for (let i = 0; i < 100; i++) {
    const made = allocated(() => {
      assertEquals(feed(splitter, [bytes("a\0b\0\0c")]), []);
      assertEquals(splitter.push(bytes("more")), []);
    });
    assertEquals(made.filter((size) => size > 16), []);
    assertEquals([splitter.pending, splitter.overflowed], [0, true]);
  }
});

/**
 * The sizes of the byte arrays that are made while `work` runs: arrays that
 * own their bytes, not views of others.
 */
function allocated(work: () => void): number[] {
  const sizes: number[] = [];
  const original = globalThis.Uint8Array;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, args, newTarget) {
      const array = Reflect.construct(target, args, newTarget);
      if (typeof args[0] === "number") sizes.push(args[0]);
      return array;
    },
  });
  try {
    work();
  } finally {
    globalThis.Uint8Array = original;
  }
  return sizes;
}

Deno.test("a message that comes byte by byte takes at most twice its size", () => {
  // No power of two, so that doubling would go past it.
  const limit = 1_000 * 1_024;
  const splitter = new NulSplitter(limit);
  const byte = Uint8Array.of(0x61);
  let fed = 0;
  let held = 0;
  let total = 0;
  while (fed < limit) {
    const made = allocated(() => {
      for (let i = 0; i < 1_024; i++) {
        splitter.push(byte);
        fed++;
      }
    });
    for (const size of made) {
      total += size;
      // Never past the limit, and never far past what has come.
      assert(size <= limit, `${size} bytes at once`);
      assert(size <= Math.max(2 * fed, 4_096), `${size} bytes after ${fed}`);
      // While one buffer moves into the next there are two of them.
      assert(held + size <= 2 * limit, `${held} and ${size} bytes`);
      held = size;
    }
    assertEquals(splitter.pending, fed);
  }
  // Growing by a constant step would copy the square of the size.
  assert(total <= 4 * limit, `${total} bytes in all`);
  assert(held >= limit, "the measurement saw no buffer");
  const [message] = splitter.push(Uint8Array.of(0));
  assertEquals(message?.length, limit);
  assert(message!.every((one) => one === 0x61));
});

Deno.test("a message over the limit is let go of, all of it", () => {
  const limit = 2 ** 20;
  const splitter = new NulSplitter(limit);
  const chunk = new Uint8Array(65_536).fill(0x61);
  for (let i = 0; i < 16; i++) splitter.push(chunk);
  assertEquals([splitter.pending, splitter.overflowed], [limit, false]);
  const made = allocated(() => {
    for (let i = 0; i < 1_000; i++) assertEquals(splitter.push(chunk), []);
  });
  assertEquals(made.filter((size) => size > 1_024), []);
  assertEquals([splitter.pending, splitter.overflowed], [0, true]);
});

Deno.test("a chunk far over the limit is not copied", () => {
  const splitter = new NulSplitter(1_024);
  const chunk = new Uint8Array(2 ** 20).fill(0x61);
  const made = allocated(() => void splitter.push(chunk));
  assertEquals(made.filter((size) => size > 1_024), []);
  assertEquals(splitter.overflowed, true);
});
