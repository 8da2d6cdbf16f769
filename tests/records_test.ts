import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CypherError } from "../protocol/errors.ts";
import { CipherState, NOISE_TAG } from "../protocol/noise.ts";
import {
  RECORD_PLAIN,
  RecordOpener,
  RecordSealer,
} from "../protocol/records.ts";
import { LengthSplitter } from "../protocol/length_splitter.ts";

const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);

const sealer = (nonce = 0) => new RecordSealer(new CipherState(KEY, nonce));
const opener = (nonce = 0) => new RecordOpener(new CipherState(KEY, nonce));
/** Sealed, and the caller's to keep. */
const sealed = (from: RecordSealer, plain: Uint8Array) =>
  from.seal(plain).slice();
const bytes = (text: string) => new TextEncoder().encode(text);

function filled(size: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: size }, (_, i) => i * 7 + (i >> 8));
}

function concat(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** What came out, and the code of the error that ended it. */
function open(opener: RecordOpener, chunks: Iterable<Uint8Array>) {
  const plains: Uint8Array[] = [];
  try {
    for (const chunk of chunks) {
      for (const plain of opener.push(chunk)) plains.push(plain);
    }
  } catch (error) {
    assert(error instanceof CypherError, `${error}`);
    return { plains, code: error.code };
  }
  return { plains, code: "" };
}

/** Cuts bytes into pieces whose sizes go round through `sizes`. */
function* cut(bytes: Uint8Array, sizes: number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const end = at + sizes[i % sizes.length]!;
    yield bytes.subarray(at, end);
    at = end;
  }
}

Deno.test("a record is its length, big-endian, and a Noise message", () => {
  const record = sealer().seal(bytes("cypher"));
  // The known answer of noise_test.ts, behind its length.
  assertEquals(
    record.toHex(),
    "0016" + "7bc13259c8944171505cbc7f7053d9049fccbb23bed3",
  );
});

Deno.test("nothing to seal makes no record", () => {
  assertEquals(sealer().seal(new Uint8Array(0)).length, 0);
});

Deno.test("an empty record opens to nothing", () => {
  const sealed = new CipherState(KEY).encrypt(new Uint8Array(0));
  const record = new Uint8Array([0, NOISE_TAG, ...sealed]);
  assertEquals(open(opener(), [record]), {
    plains: [new Uint8Array(0)],
    code: "",
  });
});

Deno.test("large plaintext is cut into full records", () => {
  for (
    const [size, records] of [
      [1, 1],
      [RECORD_PLAIN - 1, 1],
      [RECORD_PLAIN, 1],
      [RECORD_PLAIN + 1, 2],
      [3 * RECORD_PLAIN, 3],
      [1_048_576, 17],
    ] as const
  ) {
    const plain = filled(size);
    const sealed = sealer().seal(plain);
    assertEquals(sealed.length, size + records * (2 + NOISE_TAG));
    const { plains, code } = open(opener(), [sealed]);
    assertEquals(code, "");
    assertEquals(plains.length, records);
    assertEquals(plains[0]!.length, Math.min(size, RECORD_PLAIN));
    assert(equal(concat(plains), plain));
  }
});

Deno.test("small records are made in the same memory, until it is freed", () => {
  const from = sealer();
  const { buffer } = from.seal(filled(1_000));
  assert(from.seal(filled(100)).buffer === buffer);
  const large = from.seal(filled(RECORD_PLAIN));
  assert(from.seal(filled(2_000)).buffer !== large.buffer);
  const again = from.seal(filled(2_000));
  from.rest();
  assert(from.seal(filled(2_000)).buffer !== again.buffer);
});

Deno.test("records open at every split point", () => {
  const plains = [bytes("first"), bytes("2"), filled(100)];
  const from = sealer();
  const stream = concat(plains.map((plain) => sealed(from, plain)));
  for (let first = 0; first <= stream.length; first++) {
    for (const second of [first, first + 1, first + 17, stream.length]) {
      const chunks = [
        stream.subarray(0, first),
        stream.subarray(first, second),
        stream.subarray(Math.max(first, second)),
      ];
      assertEquals(open(opener(), chunks), { plains, code: "" });
    }
  }
  for (let size = 1; size < 40; size++) {
    assertEquals(open(opener(), cut(stream, [size])), { plains, code: "" });
  }
});

Deno.test("records of any sizes open in chunks of any sizes", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 5_000 }), {
    minLength: 1,
    maxLength: 20,
  });
  fc.assert(fc.property(sizes, sizes, (plainSizes, chunkSizes) => {
    const plains = plainSizes.map(filled);
    const from = sealer();
    const stream = concat(plains.map((plain) => sealed(from, plain)));
    const opened = open(opener(), cut(stream, chunkSizes));
    assertEquals(opened, { plains, code: "" });
  }));
});

Deno.test("what was opened and what was sealed stay when buffers are reused", () => {
  const plain = filled(50);
  const sealed = sealer().seal(plain);
  plain.fill(0);
  const to = opener();
  const [opened] = [...to.push(sealed)];
  sealed.fill(0);
  assertEquals(opened, filled(50));

  const again = sealer().seal(filled(50));
  const chunk = new Uint8Array(30);
  chunk.set(again.subarray(0, 30));
  const split = opener();
  assertEquals([...split.push(chunk)], []);
  chunk.fill(0);
  assertEquals([...split.push(again.subarray(30))], [filled(50)]);
});

Deno.test("no more memory is held than has arrived, four times", () => {
  const stream = sealer().seal(filled(RECORD_PLAIN));
  const to = opener();
  assertEquals(to.held, 0);
  // A record's length is a promise that costs the peer two bytes.
  for (const size of [1, 2, 3, 100, 1_000, 30_000, 65_000]) {
    const slow = opener();
    assertEquals([...slow.push(stream.subarray(0, size))], []);
    assert(slow.held <= 4 * size, `${slow.held} bytes held of ${size}`);
  }
  for (let i = 0; i < stream.length - 1; i++) {
    assertEquals([...to.push(stream.subarray(i, i + 1))], []);
    assert(to.held <= 4 * (i + 1) && to.held <= stream.length);
  }
  assertEquals([...to.push(stream.subarray(-1))].length, 1);
  assertEquals(to.held, 0);
});

Deno.test("each byte is copied less than three times", () => {
  for (const chunkSize of [1, 7, 1_000, 16_384, 65_536, 999_999]) {
    const splitter = new LengthSplitter(4, () => {});
    const stream = new Uint8Array(1_000_000);
    new DataView(stream.buffer).setUint32(0, stream.length - 4);
    // Once from the chunk, and again at each growth, which shows in `held`.
    let copied = stream.length;
    let held = 0;
    let units = 0;
    for (const chunk of cut(stream, [chunkSize])) {
      for (const unit of splitter.push(chunk)) {
        assertEquals(unit.length, stream.length - 4);
        units++;
      }
      if (splitter.held > held) copied += held;
      held = splitter.held;
    }
    assertEquals(units, 1);
    assertEquals(held, 0);
    assert(copied < 3 * stream.length, `${copied} bytes copied`);
  }
});

Deno.test("each direction rekeys after every 65,536 records", () => {
  const from = sealer();
  const to = opener();
  const plain = bytes("cypher");
  // The answers of Python in noise_test.ts, for nonces 65,535, 65,536, 131,072.
  const known = new Map([
    [65_535, "7c0b6c7d830c1ac300cba4f3b168eba3c5c4977c54d0"],
    [65_536, "018a5c3506296fe53973dd9965b8470299ba2c6ce113"],
    [131_072, "3e07212560112de4dd4e4580a8f30296d12bb5e1a424"],
  ]);
  for (let nonce = 0; nonce <= 131_072; nonce++) {
    const record = from.seal(plain);
    const answer = known.get(nonce);
    if (answer) assertEquals(record.subarray(2).toHex(), answer);
    for (const opened of to.push(record)) {
      if (answer) assertEquals(opened, plain);
    }
  }
});

Deno.test("records cut from one plaintext rekey in its midst", () => {
  const plain = filled(2 * RECORD_PLAIN + 1);
  const sealed = sealer(65_535).seal(plain);
  const { plains, code } = open(opener(65_535), [sealed]);
  assertEquals(code, "");
  assert(equal(concat(plains), plain));
  // With the key of before, the second one does not open.
  const second = sealed.subarray(2 + 65_535 + 2, 2 * (2 + 65_535));
  const old = new CipherState(KEY, 65_536);
  let opened = false;
  try {
    old.decrypt(second);
    opened = true;
  } catch {
    // As it should be.
  }
  assert(!opened);
});

Deno.test("a flipped bit delivers nothing from its record on", () => {
  const plains = [bytes("first"), bytes("second"), bytes("third")];
  const from = sealer();
  const records = plains.map((plain) => sealed(from, plain));
  const start = records[0]!.length;
  const stream = concat(records);
  for (let bit = 0; bit < 8 * records[1]!.length; bit++) {
    const flipped = stream.slice();
    flipped[start + (bit >> 3)]! ^= 1 << (bit & 7);
    for (const sizes of [[stream.length], [1], [start + 1]]) {
      const to = opener();
      const { plains: opened, code } = open(to, cut(flipped, sizes));
      assertEquals(opened, [plains[0]!]);
      // A length that became larger waits for bytes that never come.
      if (code === "") assert(bit < 16 && to.held > 0);
      else {
        assertEquals(code, "BAD_TOKEN");
        assertEquals(open(to, [records[1]!]), {
          plains: [],
          code: "BAD_MESSAGE",
        });
      }
    }
  }
});

Deno.test("a record that repeats, is missing or comes early ends the stream", () => {
  const from = sealer();
  const [a, b, c] = ["a", "b", "c"].map((text) => sealed(from, bytes(text)));
  for (
    const [order, count] of [
      [[a!, a!, b!], 1],
      [[a!, c!], 1],
      [[b!, a!], 0],
      [[a!, b!, b!], 2],
    ] as const
  ) {
    const { plains, code } = open(opener(), order);
    assertEquals(plains.length, count);
    assertEquals(code, "BAD_TOKEN");
  }
});

Deno.test("a record too short for its tag is refused at its length", () => {
  for (let length = 0; length < NOISE_TAG; length++) {
    const to = opener();
    assertEquals(open(to, [Uint8Array.of(0, length)]).code, "BAD_TOKEN");
    assertEquals(to.held, 0);
  }
});

Deno.test("a loop that is left early ends the stream", () => {
  const from = sealer();
  const stream = concat(["a", "b"].map((text) => sealed(from, bytes(text))));
  const to = opener();
  for (const _ of to.push(stream)) break;
  assertEquals(open(to, [from.seal(bytes("c"))]).code, "BAD_MESSAGE");
});

/** `assertEquals` takes seconds for a megabyte. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
