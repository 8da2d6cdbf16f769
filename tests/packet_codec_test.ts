import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  isPacketErrorCode,
  PacketError,
  type PacketErrorCode,
} from "../protocol/packet/errors.ts";
import {
  fragmentHeader,
  readFragment,
  Reassembler,
} from "../protocol/packet/fragments.ts";
import {
  agree,
  type Agreement,
  type Offer,
  readAck,
  readSyn,
  readSynAck,
  writeAck,
  writeRefusal,
  writeSyn,
  writeSynAck,
} from "../protocol/packet/handshake.ts";
import {
  isAcknowledgement,
  type Packet,
  readError,
  writeAcknowledgement,
  writeError,
  writePacket,
} from "../protocol/packet/packet.ts";
import {
  establishedLimits,
  HANDSHAKE_LIMITS,
  PacketParser,
} from "../protocol/packet/parser.ts";
import { raw } from "./support/packet_raw.ts";

const utf8 = new TextEncoder();
const LIMIT = 1_000;

const OFFER: Offer = {
  mode: "burst",
  maxPacketSize: 1_024,
  windowSize: 32,
  maxMessageSize: 65_536,
  clientId: "me",
  sequenced: true,
  fragments: true,
};
const AGREED: Agreement = {
  session: "s-1",
  mode: "burst",
  maxPacketSize: 512,
  windowSize: 8,
  sequenced: true,
  fragments: true,
  maxMessageSize: 4_096,
};
const BARE: Agreement = {
  ...AGREED,
  mode: "step-by-step",
  sequenced: false,
  fragments: false,
  maxMessageSize: 512,
};
const refusal = new PacketError("BAD_HANDSHAKE", "No");

/** Headers that Python's struct and hashlib made, and the payloads. */
const GOLDEN: [string, Uint8Array, string, Uint8Array | string][] = [
  [
    "SYN",
    writeSyn(OFFER),
    "0000009e010000e159829e",
    '{"operation_mode":"burst","max_packet_size":1024,"max_size":1024,' +
    '"client_id":"me","window_size":32,"sequenced":true,"fragments":true,' +
    '"max_message_size":65536}',
  ],
  [
    "SYN, the least",
    writeSyn({
      mode: "step-by-step",
      maxPacketSize: 16,
      sequenced: false,
      fragments: false,
    }),
    "000000440100000a4f1f61",
    '{"operation_mode":"step-by-step","max_packet_size":16,"max_size":16}',
  ],
  [
    "SYN-ACK",
    writeSynAck(AGREED),
    "000000aa020000360e6a6e",
    '{"status":"ok","session_id":"s-1","operation_mode":"burst",' +
    '"max_packet_size":512,"max_size":512,"window_size":8,' +
    '"sequenced":true,"fragments":true,"max_message_size":4096}',
  ],
  [
    "SYN-ACK to a peer that does not count",
    writeSynAck(BARE),
    "00000077020000e94fe0e3",
    '{"status":"ok","session_id":"s-1","operation_mode":"step-by-step",' +
    '"max_packet_size":512,"max_size":512,"window_size":8}',
  ],
  [
    "SYN-ACK that refuses",
    writeRefusal(refusal),
    "0000003802000047e28f45",
    '{"status":"error","code":"BAD_HANDSHAKE","message":"No"}',
  ],
  [
    "ACK",
    writeAck("s-1"),
    "0000002603000054c817e3",
    '{"session_id":"s-1","message":"ready"}',
  ],
  [
    "data",
    writePacket(1, 0x1234, utf8.encode("hello")),
    "000000050112345d41402a",
    "hello",
  ],
  [
    "a last fragment",
    writePacket(1, 0x1234, fragmentHeader(0x1234, true), utf8.encode("hello")),
    "00000008011234bf87b3ba",
    Uint8Array.of(1, 0x12, 0x34, ...utf8.encode("hello")),
  ],
  [
    "a fragment",
    writePacket(1, 0x1235, fragmentHeader(0x1235, false), utf8.encode("hel")),
    "0000000601123559a8de4a",
    Uint8Array.of(0, 0x12, 0x35, ...utf8.encode("hel")),
  ],
  [
    "acknowledgement",
    writeAcknowledgement(0xffff),
    "0000000302ffff0fc437bc",
    "ACK",
  ],
  [
    "error CHECKSUM",
    writeError("CHECKSUM", 7),
    "0000001303000726ec2775",
    '{"code":"CHECKSUM"}',
  ],
  [
    "error TOO_LARGE",
    writeError("TOO_LARGE"),
    "000000140300003d1c0574",
    '{"code":"TOO_LARGE"}',
  ],
  [
    "error BAD_TYPE",
    writeError("BAD_TYPE"),
    "00000013030000c93f4414",
    '{"code":"BAD_TYPE"}',
  ],
  [
    "error BAD_HANDSHAKE",
    writeError("BAD_HANDSHAKE"),
    "00000018030000369d4f0d",
    '{"code":"BAD_HANDSHAKE"}',
  ],
  [
    "error UNKNOWN_SESSION",
    writeError("UNKNOWN_SESSION"),
    "0000001a030000c8ea6748",
    '{"code":"UNKNOWN_SESSION"}',
  ],
  [
    "error RETRANSMISSIONS_EXCEEDED",
    writeError("RETRANSMISSIONS_EXCEEDED"),
    "0000002303000042633734",
    '{"code":"RETRANSMISSIONS_EXCEEDED"}',
  ],
  ["keep-alive", writePacket(4, 0), "00000000040000d41d8cd9", ""],
  ["disconnect", writePacket(5, 3), "00000000050003d41d8cd9", ""],
];

for (const [name, written, header, payload] of GOLDEN) {
  Deno.test(`golden bytes: ${name}`, () => {
    const rest = typeof payload === "string" ? utf8.encode(payload) : payload;
    assertEquals(written.toHex(), header + rest.toHex());
  });
}

/** Pushes chunks, overwriting each after it; copies what comes. */
function parse(parser: PacketParser, chunks: Uint8Array[]): Packet[] {
  return chunks.flatMap((chunk) => {
    const copy = chunk.slice();
    const packets = [...parser.push(copy)];
    copy.fill(0xee);
    return packets;
  });
}

function reasonOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert(error instanceof PacketError, `${error}`);
    return error.reason;
  }
  return "nothing was thrown";
}

const STREAM = [
  writePacket(1, 1, utf8.encode("one")),
  writePacket(4, 0),
  writePacket(1, 65_535, utf8.encode("two two")),
  writeError("CHECKSUM", 9),
];
const PACKETS: Packet[] = [
  { type: 1, sequence: 1, payload: utf8.encode("one"), intact: true },
  { type: 4, sequence: 0, payload: new Uint8Array(0), intact: true },
  { type: 1, sequence: 65_535, payload: utf8.encode("two two"), intact: true },
  {
    type: 3,
    sequence: 9,
    payload: utf8.encode('{"code":"CHECKSUM"}'),
    intact: true,
  },
];

function join(parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

const parserOf = () => new PacketParser(establishedLimits(LIMIT));

Deno.test("every two split points", () => {
  const stream = join(STREAM);
  for (let a = 0; a <= stream.length; a++) {
    for (let b = a; b <= stream.length; b++) {
      const chunks = [
        stream.subarray(0, a),
        stream.subarray(a, b),
        stream.subarray(b),
      ];
      assertEquals(parse(parserOf(), chunks), PACKETS, `at ${a} and ${b}`);
    }
  }
});

Deno.test("chunks of every size", () => {
  const stream = join(STREAM);
  for (let size = 1; size <= stream.length; size++) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < stream.length; at += size) {
      chunks.push(stream.subarray(at, at + size));
    }
    assertEquals(parse(parserOf(), chunks), PACKETS, `chunks of ${size}`);
  }
});

Deno.test("property: what is written is read, however it is cut", () => {
  const packet = fc.record({
    type: fc.integer({ min: 1, max: 5 }),
    sequence: fc.nat(65_535),
    payload: fc.uint8Array({ maxLength: LIMIT }),
  });
  fc.assert(
    fc.property(fc.array(packet), fc.nat(3_000), (packets, size) => {
      const stream = join(
        packets.map(({ type, sequence, payload }) =>
          writePacket(type, sequence, payload)
        ),
      );
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < stream.length; at += size + 1) {
        chunks.push(stream.subarray(at, at + size + 1));
      }
      assertEquals(
        parse(parserOf(), chunks),
        packets.map((one) => ({ ...one, intact: true })),
      );
    }),
  );
});

Deno.test("property: a byte of payload or checksum that changed is noticed", () => {
  fc.assert(fc.property(
    fc.uint8Array({ minLength: 1, maxLength: LIMIT }),
    fc.nat(),
    fc.integer({ min: 1, max: 255 }),
    (payload, where, flip) => {
      const packet = writePacket(1, 5, payload);
      packet[7 + where % (packet.length - 7)]! ^= flip;
      const [read] = parse(parserOf(), [packet]);
      assertEquals(read?.intact, false);
    },
  ));
});

Deno.test("the limits stand before anything is kept", () => {
  const refused = (packet: Uint8Array, header = 11) =>
    reasonOf(() => parse(parserOf(), [packet.subarray(0, header)]));
  assertEquals(refused(raw(1, "", { length: LIMIT })), "nothing was thrown");
  assertEquals(refused(raw(1, "", { length: LIMIT + 1 })), "TOO_LARGE");
  assertEquals(refused(raw(1, "", { length: 2 ** 32 - 1 })), "TOO_LARGE");
  assertEquals(refused(raw(2, "", { length: 1_025 })), "TOO_LARGE");
  assertEquals(refused(raw(0)), "BAD_TYPE");
  assertEquals(refused(raw(6)), "BAD_TYPE");
  assertEquals(refused(raw(255)), "BAD_TYPE");
});

Deno.test("a handshake has three types, and 4,096 bytes", () => {
  const refused = (packet: Uint8Array) =>
    reasonOf(() => parse(new PacketParser(HANDSHAKE_LIMITS), [packet]));
  assertEquals(refused(raw(4)), "BAD_TYPE");
  assertEquals(refused(raw(1, "", { length: 4_097 })), "TOO_LARGE");
  assertEquals(refused(raw(1, "", { length: 4_096 })), "nothing was thrown");
});

Deno.test("packets before a bad header come out; after it, nothing does", () => {
  const parser = parserOf();
  const seen: number[] = [];
  const take = (chunk: Uint8Array) => {
    for (const { sequence } of parser.push(chunk)) seen.push(sequence);
  };
  const stream = join([raw(1, "a", { sequence: 1 }), raw(9), raw(1)]);
  assertEquals(reasonOf(() => take(stream)), "BAD_TYPE");
  assertEquals(reasonOf(() => take(raw(1))), "BAD_TYPE");
  assertEquals(seen, [1]);
});

Deno.test("limits that a packet changes hold from the next one on", () => {
  const parser = new PacketParser(HANDSHAKE_LIMITS);
  const types: number[] = [];
  for (const { type } of parser.push(join([raw(3, "{}"), raw(5)]))) {
    types.push(type);
    parser.limits = establishedLimits(LIMIT);
  }
  assertEquals(types, [3, 5]);
});

Deno.test("a large packet is kept as it comes, not as it is announced", () => {
  const parser = new PacketParser(establishedLimits(1_048_576));
  parse(parser, [raw(1, "", { length: 1_048_576 })]);
  parse(parser, [new Uint8Array(100)]);
  assert(parser.held <= 1_024, `${parser.held}`);
  parse(parser, [new Uint8Array(100_000)]);
  assert(parser.held <= 200_200, `${parser.held}`);
});

Deno.test("property: handshakes read what handshakes write", () => {
  const size = fc.integer({ min: 16, max: 1_048_576 });
  const offers: fc.Arbitrary<Offer> = fc.record({
    mode: fc.constantFrom("burst", "step-by-step"),
    maxPacketSize: size,
    windowSize: fc.option(fc.integer({ min: 1, max: 1_024 }), {
      nil: undefined,
    }),
    maxMessageSize: fc.integer({ min: 16 }),
    clientId: fc.option(fc.string({ minLength: 1, maxLength: 256 }), {
      nil: undefined,
    }),
    sequenced: fc.boolean(),
    fragments: fc.boolean(),
  });
  const terms = fc.record({
    maxPacketSize: size,
    windowSize: fc.integer({ min: 1, max: 1_024 }),
    maxMessageSize: fc.integer({ min: 16 }),
  });
  fc.assert(fc.property(offers, terms, (given, own) => {
    // Fragments need numbers, and only they need a message size.
    const fragments = given.fragments && given.sequenced;
    const offer = { ...given, fragments };
    const read = readSyn(writeSyn(offer).subarray(11));
    assertEquals(read, {
      ...offer,
      maxMessageSize: fragments ? offer.maxMessageSize : undefined,
    });
    const agreement = agree(read, own, "s");
    assert(agreement.maxPacketSize <= offer.maxPacketSize);
    assert(agreement.maxPacketSize <= own.maxPacketSize);
    assert(agreement.windowSize <= own.windowSize);
    assert(agreement.windowSize <= (offer.windowSize ?? Infinity));
    const seen = readSynAck(writeSynAck(agreement).subarray(11), {
      ...offer,
      windowSize: offer.windowSize ?? 1_024,
      maxMessageSize: offer.maxMessageSize ?? Infinity,
    });
    assertEquals(seen, agreement);
    assertEquals(readAck(writeAck("s").subarray(11)), "s");
  }));
});

/** What existing peers say, and what is made of it. */
Deno.test("a SYN in the other spelling, with Python's None", () => {
  const syn = '{"operation_mode": "burst", "max_size": 700, "client_id": null}';
  assertEquals(readSyn(utf8.encode(syn)), {
    mode: "burst",
    maxPacketSize: 700,
    windowSize: undefined,
    maxMessageSize: undefined,
    clientId: undefined,
    sequenced: false,
    fragments: false,
  });
});

Deno.test("the smaller of two sizes; a number for a name", () => {
  const syn = '{"operation_mode":"burst","max_size":700,' +
    '"max_packet_size":600,"client_id":7}';
  const { maxPacketSize, clientId } = readSyn(utf8.encode(syn));
  assertEquals([maxPacketSize, clientId], [600, "7"]);
  assertEquals(readAck(utf8.encode('{"session_id": 12}')), 12);
});

const BAD_SYN: [string, string][] = [
  ["", "not JSON"],
  ["nonsense", "not JSON"],
  ["[]", "not a JSON object"],
  ["null", "not a JSON object"],
  ["7", "not a JSON object"],
  ["{}", "operation_mode"],
  ['{"operation_mode":"fast","max_size":100}', "operation_mode"],
  ['{"operation_mode":"burst"}', "max_packet_size"],
  ['{"operation_mode":"burst","max_size":15}', "from 16 up"],
  ['{"operation_mode":"burst","max_size":1.5}', "from 16 up"],
  ['{"operation_mode":"burst","max_size":1e300}', "from 16 up"],
  ['{"operation_mode":"burst","max_size":"100"}', "from 16 up"],
  [
    '{"operation_mode":"burst","max_size":100,"window_size":0}',
    "window_size",
  ],
  [
    '{"operation_mode":"burst","max_size":100,"client_id":""}',
    "client_id",
  ],
  [
    `{"operation_mode":"burst","max_size":100,"client_id":"${
      "x".repeat(257)
    }"}`,
    "client_id",
  ],
  [
    '{"operation_mode":"burst","max_size":100,"client_id":{}}',
    "client_id",
  ],
];

for (const [text, says] of BAD_SYN) {
  Deno.test(`a bad SYN: ${text.slice(0, 60)}`, () => {
    const error = assertThrows(
      () => readSyn(utf8.encode(text)),
      PacketError,
      says,
    );
    assertEquals(error.reason, "BAD_HANDSHAKE");
  });
}

Deno.test("a SYN that is not UTF-8", () => {
  const syn = Uint8Array.of(0x7b, 0xff, 0x7d);
  assertThrows(() => readSyn(syn), PacketError, "not JSON");
});

const BAD_SYN_ACK: [object, string][] = [
  [{}, "status"],
  [{ status: "fine" }, "status"],
  [{ status: "error", message: "Full\u001b[2J" }, '"Full\\u001b[2J"'],
  [{ status: "error" }, "without a message"],
  [{ status: "ok" }, "session_id"],
  [{ status: "ok", session_id: "s" }, "operation_mode"],
  [
    { status: "ok", session_id: "s", operation_mode: "step-by-step" },
    'must be "burst"',
  ],
  [
    { status: "ok", session_id: "s", operation_mode: "burst" },
    "max_packet_size",
  ],
];

for (const [fields, says] of BAD_SYN_ACK) {
  Deno.test(`a bad SYN-ACK: ${JSON.stringify(fields)}`, () => {
    const payload = utf8.encode(JSON.stringify(fields));
    const offer = { ...OFFER, windowSize: 32, maxMessageSize: 65_536 };
    assertThrows(() => readSynAck(payload, offer), PacketError, says);
  });
}

Deno.test("a SYN-ACK cannot give more than was asked for", () => {
  const greedy = {
    status: "ok",
    session_id: "s",
    operation_mode: "burst",
    max_size: 9_999_999,
    window_size: 9_999,
    sequenced: true,
    fragments: true,
    max_message_size: 1e12,
  };
  const payload = utf8.encode(JSON.stringify(greedy));
  const offer = { ...OFFER, windowSize: 32, maxMessageSize: 65_536 };
  const { session: _, ...agreed } = readSynAck(payload, offer);
  assertEquals(agreed, {
    mode: "burst",
    maxPacketSize: 1_024,
    windowSize: 32,
    sequenced: true,
    fragments: true,
    maxMessageSize: 65_536,
  });
  const plain = readSynAck(payload, {
    ...offer,
    sequenced: false,
    fragments: false,
  });
  assertEquals([plain.sequenced, plain.fragments], [false, false]);
});

Deno.test("property: a message comes out of its fragments", () => {
  fc.assert(fc.property(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { minLength: 1 }),
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { minLength: 1 }),
    (...messages) => {
      const reassembler = new Reassembler(10_000);
      for (const pieces of messages) {
        pieces.forEach((piece, i) => {
          const last = i === pieces.length - 1;
          const payload = join([fragmentHeader(i, last), piece]);
          const fragment = readFragment(payload);
          assertEquals(fragment.sequence, i);
          const whole = reassembler.add(fragment);
          assertEquals(whole, last ? join(pieces) : undefined);
        });
      }
    },
  ));
});

Deno.test("fragments that are not as agreed", () => {
  for (const bytes of [[], [1], [1, 0], [2, 0, 0, 9], [0, 0, 0]]) {
    const payload = Uint8Array.from(bytes);
    assertEquals(reasonOf(() => readFragment(payload)), "BAD_TYPE", `${bytes}`);
  }
});

Deno.test("a message may have its limit and no byte more", () => {
  const piece = (size: number, last: boolean) => ({
    body: new Uint8Array(size),
    last,
  });
  const exact = new Reassembler(10);
  exact.add(piece(6, false));
  assertEquals(exact.add(piece(4, true))?.length, 10);
  assertEquals(exact.add(piece(10, true))?.length, 10);
  assertEquals(reasonOf(() => exact.add(piece(11, true))), "TOO_LARGE");
  exact.add(piece(6, false));
  assertEquals(reasonOf(() => exact.add(piece(5, false))), "TOO_LARGE");
});

Deno.test("error codes, and what is none", () => {
  const codes: PacketErrorCode[] = [
    "CHECKSUM",
    "TOO_LARGE",
    "BAD_TYPE",
    "BAD_HANDSHAKE",
    "UNKNOWN_SESSION",
    "RETRANSMISSIONS_EXCEEDED",
  ];
  for (const code of codes) {
    assertEquals(readError(writeError(code).subarray(11)), code);
  }
  for (const text of ["", "ACK", "null", "{}", '{"code":7}', '{"code":"X"}']) {
    assertEquals(readError(utf8.encode(text)), undefined, text);
  }
  assert(!isPacketErrorCode("constructor"));
});

Deno.test("an acknowledgement says ACK and nothing else", () => {
  assert(isAcknowledgement(utf8.encode("ACK")));
  for (const text of ["", "AC", "ACK ", "ack", '{"code":"CHECKSUM"}']) {
    assert(!isAcknowledgement(utf8.encode(text)), text);
  }
});
