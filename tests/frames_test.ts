import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { AnsweredSet } from "../protocol/answered.ts";
import { readAnswered, writeAnswered } from "../protocol/answered_frame.ts";
import { CypherError } from "../protocol/errors.ts";
import {
  FRAME,
  type Frame,
  FRAME_HEADER,
  FrameBatch,
  FrameParser,
  type FrameType,
} from "../protocol/frames.ts";
import {
  clientIdOf,
  readClientHello,
  readServerHello,
  writeClientHello,
  writeServerHello,
} from "../protocol/hello.ts";
import { FIRST_MESSAGE, NoiseHandshake, PREFACE } from "../protocol/noise.ts";
import {
  MESSAGE_LENGTH,
  readClose,
  readError,
  writeClose,
  writeError,
} from "../protocol/notices.ts";
import {
  type ClientOffer,
  readClientOffer,
  readRefusal,
  readServerOffer,
  REFUSAL,
  type Refusal,
  type ServerOffer,
  writeClientOffer,
  writeRefusal,
  writeServerOffer,
} from "../protocol/offers.ts";

const LIMIT = 1_000;
const TYPES: FrameType[] = Object.values(FRAME);
const bytes = (text: string) => new TextEncoder().encode(text);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert(error instanceof CypherError, `${error}`);
    return error.code;
  }
  return "nothing was thrown";
}

/** What came out, and the code of the error that ended it. */
function parse(parser: FrameParser, ...plains: Uint8Array[]) {
  const frames: Frame[] = [];
  try {
    for (const plain of plains) {
      for (const frame of parser.push(plain)) frames.push(frame);
    }
  } catch (error) {
    assert(error instanceof CypherError, `${error}`);
    return { frames, code: error.code };
  }
  return { frames, code: "" };
}

/** A frame by hand: `length` and `type` may be anything. */
function raw(
  type: number,
  payload: Uint8Array | number[] = [],
  { length = payload.length + 9, high = 0, low = 1 } = {},
): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, length);
  view.setUint8(4, type);
  view.setUint32(5, high);
  view.setUint32(9, low);
  frame.set(payload, FRAME_HEADER);
  return frame;
}

function batchOf(frames: readonly Frame[]): Uint8Array {
  const batch = new FrameBatch();
  for (const { type, id, payload } of frames) batch.add(type, id, payload);
  return batch.take().slice();
}

const frame: fc.Arbitrary<Frame> = fc.record({
  type: fc.constantFrom(...TYPES),
  id: fc.maxSafeNat(),
  payload: fc.uint8Array({ maxLength: 60 }),
}).map(({ type, id, payload }) => ({
  type,
  id,
  payload: type === FRAME.ping || type === FRAME.pong
    ? new Uint8Array(8).fill(id)
    : payload,
}));

Deno.test("a frame is its length, its type, its id and its payload", () => {
  const batch = new FrameBatch();
  batch.add(FRAME.request, 2 ** 40 + 5, "{}");
  assertEquals(
    batch.take().toHex(),
    "0000000b" + "01" + "0000010000000005" + "7b7d",
  );
});

Deno.test("the types are those of the specification", () => {
  assertEquals(FRAME, {
    request: 0x01,
    response: 0x02,
    error: 0x03,
    ping: 0x04,
    pong: 0x06,
    close: 0x05,
    cancel: 0x07,
    answered: 0x0b,
    hello: 0x0c,
  });
});

Deno.test("frames come out as they went in, in chunks of any sizes", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 });
  fc.assert(fc.property(fc.array(frame), sizes, (frames, sizes) => {
    const plain = batchOf(frames);
    const chunks: Uint8Array[] = [];
    for (let at = 0, i = 0; at < plain.length; i++) {
      const end = at + sizes[i % sizes.length]!;
      chunks.push(plain.subarray(at, end));
      at = end;
    }
    assertEquals(parse(new FrameParser(LIMIT), ...chunks), {
      frames,
      code: "",
    });
  }));
});

Deno.test("frames parse at every split point", () => {
  const frames: Frame[] = [
    { type: FRAME.hello, id: 0, payload: bytes("{}") },
    { type: FRAME.cancel, id: Number.MAX_SAFE_INTEGER, payload: bytes("") },
    { type: FRAME.ping, id: 0, payload: bytes("12345678") },
    { type: FRAME.request, id: 1, payload: bytes('{"PATH":"/"}') },
  ];
  const plain = batchOf(frames);
  for (let first = 0; first <= plain.length; first++) {
    for (let second = first; second <= plain.length; second++) {
      const parsed = parse(
        new FrameParser(LIMIT),
        plain.subarray(0, first),
        plain.subarray(first, second),
        plain.subarray(second),
      );
      assertEquals(parsed, { frames, code: "" });
    }
  }
});

Deno.test("payloads are views where they were whole", () => {
  const plain = batchOf([
    { type: FRAME.response, id: 1, payload: bytes("whole") },
    { type: FRAME.response, id: 2, payload: bytes("split") },
  ]);
  const parser = new FrameParser(LIMIT);
  const [whole] = [...parser.push(plain.slice(0, -1))];
  const [split] = [...parser.push(plain.subarray(-1))];
  assertEquals(whole!.payload, bytes("whole"));
  assertEquals(split!.payload, bytes("split"));
  assertEquals(
    [...new FrameParser(LIMIT).push(plain)].map((f) => f.payload.buffer),
    [plain.buffer, plain.buffer],
  );
});

Deno.test("a payload over the limit is refused at its length", () => {
  const most = raw(FRAME.request, new Uint8Array(LIMIT));
  assertEquals(parse(new FrameParser(LIMIT), most).frames.length, 1);

  for (const length of [LIMIT + 10, 2 ** 31, 2 ** 32 - 1]) {
    const head = raw(FRAME.request, [], { length }).subarray(0, 4);
    const parser = new FrameParser(LIMIT);
    assertEquals(parse(parser, head), { frames: [], code: "TOO_LARGE" });
    assertEquals(parser.held, 0);
    // In pieces: the last byte of the length decides.
    const slow = new FrameParser(LIMIT);
    assertEquals(parse(slow, head.subarray(0, 3)).code, "");
    assertEquals(parse(slow, head.subarray(3)).code, "TOO_LARGE");
    assert(slow.held <= 4);
  }
});

Deno.test("a parser holds no more than has arrived, four times", () => {
  const plain = raw(FRAME.request, new Uint8Array(LIMIT));
  const parser = new FrameParser(LIMIT);
  for (let i = 0; i < plain.length - 1; i++) {
    assertEquals([...parser.push(plain.subarray(i, i + 1))], []);
    assert(parser.held <= Math.min(plain.length, 4 * (i + 1)));
  }
  assertEquals([...parser.push(plain.subarray(-1))].length, 1);
  assertEquals(parser.held, 0);
});

Deno.test("unknown and reserved types end the stream, from 0x80 on are skipped", () => {
  const known = new Set<number>(TYPES);
  const good = raw(FRAME.cancel);
  for (let type = 0; type < 256; type++) {
    const parser = new FrameParser(LIMIT);
    const middle = raw(type, bytes("12345678"));
    const { frames, code } = parse(parser, batch(good, middle, good));
    const types = frames.map((frame) => frame.type as number);
    if (known.has(type)) {
      assertEquals({ types, code }, { types: [7, type, 7], code: "" });
    } else if (type >= 0x80) {
      assertEquals({ types, code }, { types: [7, 7], code: "" });
    } else {
      assertEquals({ types, code }, { types: [7], code: "BAD_MESSAGE" });
      assertEquals(parse(parser, good), { frames: [], code: "BAD_MESSAGE" });
    }
  }
});

Deno.test("a skipped frame is held to the limit", () => {
  const plain = raw(0xff, [], { length: LIMIT + 10 });
  assertEquals(parse(new FrameParser(LIMIT), plain).code, "TOO_LARGE");
});

Deno.test("a frame too short for its type and id ends the stream", () => {
  for (let length = 0; length < 9; length++) {
    const plain = raw(FRAME.request, [], { length });
    assertEquals(parse(new FrameParser(LIMIT), plain).code, "BAD_MESSAGE");
  }
});

Deno.test("an id is below 2^53, in what is read and in what is written", () => {
  const high = 2 ** 21 - 1;
  const low = 2 ** 32 - 1;
  const { frames } = parse(
    new FrameParser(LIMIT),
    raw(FRAME.cancel, [], { high, low }),
  );
  assertEquals(frames[0]!.id, Number.MAX_SAFE_INTEGER);
  for (const tooHigh of [2 ** 21, 2 ** 31, 2 ** 32 - 1]) {
    const plain = raw(FRAME.cancel, [], { high: tooHigh, low: 0 });
    assertEquals(parse(new FrameParser(LIMIT), plain).code, "BAD_MESSAGE");
  }
  const batch = new FrameBatch();
  for (const id of [-1, 0.5, 2 ** 53, NaN, Infinity]) {
    assertEquals(codeOf(() => batch.add(FRAME.cancel, id)), "UNSENDABLE");
  }
  assertEquals(batch.size, 0);
});

Deno.test("a ping carries 8 bytes, and so does a pong", () => {
  for (const type of [FRAME.ping, FRAME.pong]) {
    for (const size of [0, 7, 9]) {
      const plain = raw(type, new Uint8Array(size));
      assertEquals(parse(new FrameParser(LIMIT), plain).code, "BAD_MESSAGE");
    }
  }
});

Deno.test("a batch takes bytes and texts of any size and script", () => {
  const texts = [
    "",
    "a",
    "ä",
    "日本語".repeat(400),
    "𝄞".repeat(5_000),
    "\ud800",
  ];
  for (const size of [1_010, 1_011, 1_012, 16_384, 100_000]) {
    texts.push("x".repeat(size), "x".repeat(size) + "é");
  }
  const batch = new FrameBatch();
  for (const text of texts) batch.add(FRAME.response, 1, text);
  for (const text of texts) batch.add(FRAME.response, 2, bytes(text));
  const { frames, code } = parse(new FrameParser(2 ** 20), batch.take());
  assertEquals(code, "");
  const expected = [...texts, ...texts];
  assertEquals(frames.length, expected.length);
  frames.forEach(({ payload }, i) => {
    // As UTF-8 has it: half a surrogate pair is U+FFFD.
    assertEquals(
      new TextDecoder().decode(payload),
      expected[i]!.toWellFormed(),
    );
  });
});

Deno.test("a batch starts anew after take, and keeps little memory", () => {
  const batch = new FrameBatch();
  assertEquals(batch.take().length, 0);
  batch.add(FRAME.request, 1, "first");
  assertEquals(batch.size, FRAME_HEADER + 5);
  const first = batch.take();
  assertEquals(batch.size, 0);
  batch.add(FRAME.request, 2, "2");
  const second = batch.take();
  assertEquals(second.buffer, first.buffer);
  assertEquals(parse(new FrameParser(LIMIT), second).frames[0]!.id, 2);

  batch.add(FRAME.request, 3, "x".repeat(100_000));
  const large = batch.take();
  batch.add(FRAME.request, 4);
  assert(batch.take().buffer.byteLength <= 16_384);
  // What was too large to keep is not written over.
  assertEquals(parse(new FrameParser(2 ** 20), large).frames[0]!.id, 3);
});

function batch(...frames: Uint8Array[]): Uint8Array {
  return new Uint8Array(frames.flatMap((frame) => [...frame]));
}

// What the frames of the session itself, and the handshake, carry.

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i);
const CLIENT: ClientOffer = {
  client: clientIdOf(SECRET),
  name: "Küche",
  software: "@cypher/protocol 0.1.0",
  messageBytes: 16_777_216,
};
const SERVER: ServerOffer = {
  server: "0c9f-A_z",
  connection: "17",
  known: true,
  window: 256,
  messageBytes: 16_777_216,
  heartbeat: 15_000,
};

Deno.test("a client id is half the SHA-256 of the secret", () => {
  // hashlib.sha256(bytes(range(32))).digest()[:16].hex()
  assertEquals(clientIdOf(SECRET), "630dcd2966c4336691125448bbb25b4f");
  for (const size of [0, 31, 33]) {
    assertEquals(codeOf(() => clientIdOf(new Uint8Array(size))), "BAD_OPTION");
  }
});

Deno.test("what each payload's writer writes its reader reads", () => {
  assertEquals(readClientOffer(writeClientOffer(CLIENT)), CLIENT);
  const { name: _, ...nameless } = CLIENT;
  assertEquals(readClientOffer(writeClientOffer(nameless)), nameless);
  assertEquals(
    readClientOffer(writeClientOffer({ ...nameless, name: undefined })),
    nameless,
  );
  assertEquals(readServerOffer(writeServerOffer(SERVER)), SERVER);

  const answered = new AnsweredSet(10);
  for (const id of [1, 2, 5, 9]) answered.add(id);
  const hello = readClientHello(
    bytes(writeClientHello({ secret: SECRET, answered })),
    10,
  );
  assertEquals(hello.secret, SECRET);
  assertEquals(hello.answered.toJSON(), answered.toJSON());
  assertEquals(hello.met, false);
  const met = writeClientHello({ secret: SECRET, answered, met: true });
  assertEquals(readClientHello(bytes(met), 10).met, true);
  assertEquals(
    readAnswered(bytes(writeAnswered(answered)), 10).toJSON(),
    { floor: 2, ranges: [[5, 5], [9, 9]] },
  );
  for (const known of [true, false]) {
    assertEquals(readServerHello(bytes(writeServerHello({ known }))), {
      known,
    });
  }
  const close = { reason: "draining", after: 2_000, last: 2 ** 53 - 1 };
  assertEquals(readClose(bytes(writeClose(close))), close);
  const error = { code: "ANSWER_LOST", message: "Es wäre zu groß" };
  assertEquals(readError(bytes(writeError(error))), error);
});

Deno.test("the longest first message is within its limit", () => {
  for (const letter of ["\\", "é", "日", '"']) {
    const payload = writeClientOffer({
      ...CLIENT,
      name: letter.repeat(128),
      software: letter.repeat(128),
      messageBytes: 2 ** 32 - 10,
    });
    const message = new NoiseHandshake({
      role: "initiator",
      prologue: PREFACE,
      psk: SECRET,
    }).writeMessage(payload);
    assert(message.length <= FIRST_MESSAGE, `${message.length} bytes`);
  }
});

/** Each object is `valid` with something that is not allowed. */
function* spoiled(
  valid: object,
  values: Record<string, unknown[]>,
): Generator<object> {
  for (const [key, wrong] of Object.entries(values)) {
    for (const value of wrong) yield { ...valid, [key]: value };
  }
}

const NO_TEXT = ["", "x".repeat(129), "a\nb", "\u0085", "\ud800", 1, null, {}];
const NO_COUNT = [0, -1, 1.5, "1", null, true, [], 2 ** 53];

Deno.test("a payload with a field not in its form is neither read nor written", () => {
  const clients = spoiled(CLIENT, {
    client: ["", "0".repeat(31), "0".repeat(33), "F".repeat(32), 1, null],
    name: NO_TEXT,
    software: [...NO_TEXT, undefined],
    messageBytes: [...NO_COUNT, undefined, 2 ** 32 - 9],
  });
  for (const offer of clients) {
    const payload = bytes(JSON.stringify(offer));
    // A lone surrogate is well-formed JSON: `JSON.stringify` escapes it.
    assertEquals(codeOf(() => readClientOffer(payload)), "BAD_MESSAGE");
    assertEquals(
      codeOf(() => writeClientOffer(offer as ClientOffer)),
      "UNSENDABLE",
    );
  }
  const servers = spoiled(SERVER, {
    server: ["", "x".repeat(65), "a b", "é", 1, undefined],
    connection: ["", "x".repeat(65), "a\n", 1, undefined],
    known: [0, 1, "true", null, undefined],
    window: [...NO_COUNT, undefined, 65_537],
    messageBytes: [...NO_COUNT, undefined, 2 ** 32 - 9],
    heartbeat: [...NO_COUNT, undefined, 2 ** 31],
  });
  for (const offer of servers) {
    const payload = bytes(JSON.stringify(offer));
    assertEquals(codeOf(() => readServerOffer(payload)), "BAD_MESSAGE");
    assertEquals(
      codeOf(() => writeServerOffer(offer as ServerOffer)),
      "UNSENDABLE",
    );
  }
  const set = { floor: 0, ranges: [] };
  const readers: [(payload: Uint8Array) => unknown, Iterable<object>][] = [
    [
      (payload) => readClientHello(payload, 10),
      spoiled({ secret: SECRET.toHex(), answered: set }, {
        secret: ["", "0".repeat(63), "0".repeat(65), "F".repeat(64), 1],
        answered: [undefined, null, [], {}, 1],
        met: [null, 0, "true"],
      }),
    ],
    [readServerHello, spoiled({}, { known: [undefined, 0, null] })],
    [
      readClose,
      spoiled({ reason: "draining", after: 0, last: 0 }, {
        reason: NO_TEXT,
        after: [-1, 0.5, 2 ** 31, null, "0"],
        last: [-1, 0.5, 2 ** 53, null, "0"],
      }),
    ],
    [
      readError,
      spoiled({ code: "A", message: "" }, {
        code: ["", "a", "A B", "A".repeat(65), 1],
        message: ["x".repeat(MESSAGE_LENGTH + 1), "\0", 1, null],
      }),
    ],
  ];
  for (const [read, payloads] of readers) {
    for (const payload of payloads) {
      const text = JSON.stringify(payload);
      assertEquals(codeOf(() => read(bytes(text))), "BAD_MESSAGE", text);
    }
  }
});

Deno.test("what is no JSON object, and what nests too deep, is refused", () => {
  const reads = [
    readClientOffer,
    readServerOffer,
    (payload: Uint8Array) => readClientHello(payload, 10),
    readServerHello,
    readClose,
    readError,
    (payload: Uint8Array) => readAnswered(payload, 10),
  ];
  const deep = '{"a":'.repeat(9) + "1" + "}".repeat(9);
  for (const text of ["", "{", "null", "[]", "1", '"a"', '{"a":1}x', deep]) {
    for (const read of reads) {
      assertEquals(codeOf(() => read(bytes(text))), "BAD_MESSAGE", text);
    }
  }
  const notUtf8 = Uint8Array.of(0x22, 0xff, 0x22);
  for (const read of reads) {
    assertEquals(codeOf(() => read(notUtf8)), "BAD_MESSAGE");
  }
});

Deno.test("a reader ignores keys that it does not know", () => {
  const payload = bytes(
    JSON.stringify({ ...CLIENT, later: { a: [1] } })
      .replace('"later"', '"__proto__":{"name":1},"later"'),
  );
  assertEquals(readClientOffer(payload), CLIENT);
});

Deno.test("fields are not inherited", () => {
  const payload = bytes('{"__proto__":{"known":true}}');
  assertEquals(codeOf(() => readServerHello(payload)), "BAD_MESSAGE");
});

Deno.test("no error about a hello holds its secret", () => {
  const secret = "00112233".repeat(9);
  const payload = bytes(JSON.stringify({ secret, answered: {} }));
  try {
    readClientHello(payload, 10);
  } catch (error) {
    assert(!`${error}${(error as Error).stack}`.includes("00112233"));
    return;
  }
  assert(false);
});

Deno.test("an error frame's message is cut and mended, and always readable", () => {
  fc.assert(fc.property(
    fc.string({ unit: "binary", maxLength: 400 }),
    fc.integer({ min: 0, max: 400 }),
    (text, at) => {
      const message = text.slice(0, at) + "\ud834" + text.slice(at);
      const payload = bytes(writeError({ code: "X", message }));
      // Every control payload but a hello fits the smallest `messageBytes`.
      assert(payload.length <= 1_024);
      assert(readError(payload).message.length <= MESSAGE_LENGTH);
    },
  ));
});

Deno.test("a refusal is a length of 0 and a byte", () => {
  assertEquals(REFUSAL, { key: 1, busy: 2, draining: 3, version: 4 });
  for (const refusal of Object.keys(REFUSAL) as Refusal[]) {
    const wire = writeRefusal(refusal);
    assertEquals(wire, Uint8Array.of(0, 0, REFUSAL[refusal]));
    assertEquals(readRefusal(wire[2]!), refusal);
  }
  for (const byte of [0, 5, 255]) assertEquals(readRefusal(byte), undefined);
});
