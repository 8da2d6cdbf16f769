import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  headerBlock,
  readStatus,
  statusBlock,
} from "../protocol/segment/block.ts";
import { checksum } from "../protocol/segment/checksum.ts";
import { dataBlock, readData } from "../protocol/segment/data.ts";
import { Delivery } from "../protocol/segment/delivery.ts";
import {
  type Header,
  HEADER_SIZE,
  payloadLimit,
  readHeader,
  successor,
  writeHeader,
} from "../protocol/segment/header.ts";
import { Intake } from "../protocol/segment/intake.ts";
import { Receipt } from "../protocol/segment/receipt.ts";
import { bytes, pattern, seeded, text } from "./support/segment_watch.ts";

const HEADER = {
  ack: 0x0102,
  syn: 1,
  seq: 0xfffe,
  bufferSize: 4_096,
  checksum: 0xabcd,
  length: 5,
};

/** The two formats, byte by byte, from the specification's table. */
const GOLDEN = {
  1: "01 0201 0100 feff 0010 cdab 0500",
  2: "02 00 0201 0100 feff 00100000 cdab 0500",
} as const;

function hex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(" ", ""));
}

function withByte(source: Uint8Array, at: number, value: number): Uint8Array {
  const changed = source.slice();
  changed[at] = value;
  return changed;
}

for (const version of [1, 2] as const) {
  Deno.test(`a version ${version} header, byte by byte`, () => {
    const written = new Uint8Array(HEADER_SIZE[version]);
    writeHeader({ version, ...HEADER }, written);
    assertEquals(written, hex(GOLDEN[version]));
    assertEquals(readHeader(written), { version, ...HEADER });
    const block = headerBlock({ version, ...HEADER });
    assertStrictEquals(block.length, 256);
    assertEquals(block.slice(0, written.length), written);
    assertEquals(
      block.slice(written.length),
      new Uint8Array(256 - written.length),
    );
  });

  Deno.test(`version ${version} headers of any values come back`, () => {
    const random = seeded(version);
    const below = (limit: number) => Math.floor(random() * limit);
    for (let i = 0; i < 2_000; i++) {
      const header: Header = {
        version,
        ack: below(0x1_0000),
        syn: below(0x1_0000),
        seq: below(0x1_0000),
        bufferSize: below(version === 1 ? 0x1_0000 : 0x1_0000_0000),
        checksum: below(0x1_0000),
        length: below(0x1_0000),
      };
      // Somewhere inside a larger buffer, as a view.
      const into = new Uint8Array(40).subarray(i % 7);
      writeHeader(header, into);
      assertEquals(readHeader(into), header);
    }
  });

  Deno.test(`a version ${version} data block, byte by byte`, () => {
    const agreed = { version, bufferSize: 32 };
    const block = dataBlock(agreed, bytes("hello"));
    // he + ll + o = 0x6568 + 0x6c6c + 0x6f = 0xd243, its complement 0x2dbc.
    const golden = version === 1
      ? "01 0000 0000 0000 2000 bc2d 0500"
      : "02 00 0000 0000 0000 20000000 bc2d 0500";
    const expected = new Uint8Array(32);
    expected.set(hex(golden));
    expected.set(bytes("hello"), HEADER_SIZE[version]);
    assertEquals(block, expected);
    const payload = bytes("hello").slice();
    assertEquals(readData(agreed, block), { kind: "intact", payload });
  });

  Deno.test(`version ${version}: a full block, and none over it`, () => {
    const agreed = { version, bufferSize: 100 };
    const limit = payloadLimit(version, 100);
    assertStrictEquals(limit, 100 - HEADER_SIZE[version]);
    const full = dataBlock(agreed, pattern(limit));
    assertEquals(readData(agreed, full).kind, "intact");
    const over = withByte(full, HEADER_SIZE[version] - 2, limit + 1);
    assertEquals(readData(agreed, over), { kind: "missing" });
  });

  Deno.test(`version ${version}: every byte of a block is looked at`, () => {
    const agreed = { version, bufferSize: 64 };
    const block = dataBlock(agreed, bytes("payload"));
    const size = HEADER_SIZE[version];
    // The buffer size was agreed on before: it is not judged again.
    const ignored = version === 1 ? [7, 8] : [8, 9, 10, 11];
    for (let at = 0; at < size + 7; at++) {
      const damaged = readData(agreed, withByte(block, at, block[at]! ^ 0x55));
      assertEquals(damaged.kind === "intact", ignored.includes(at), `${at}`);
    }
  });
}

Deno.test("what is no header is none", () => {
  assertStrictEquals(readHeader(new Uint8Array(0)), undefined);
  assertStrictEquals(readHeader(new Uint8Array(256)), undefined);
  assertStrictEquals(readHeader(hex(GOLDEN[1]).subarray(0, 12)), undefined);
  assertStrictEquals(readHeader(hex(GOLDEN[2]).subarray(0, 15)), undefined);
  assertStrictEquals(readHeader(withByte(hex(GOLDEN[1]), 0, 3)), undefined);
  assertStrictEquals(readHeader(withByte(hex(GOLDEN[2]), 1, 1)), undefined);
});

Deno.test("a payload's length has 16 bits in either version", () => {
  assertStrictEquals(payloadLimit(2, 1_048_576), 65_535);
  assertStrictEquals(payloadLimit(1, 65_535), 65_522);
});

Deno.test("sequence numbers are modulo 65,536", () => {
  assertStrictEquals(successor(1_001), 1_002);
  assertStrictEquals(successor(0xffff), 0);
});

Deno.test("the Internet checksum", () => {
  // RFC 1071, section 3: words 0001 f203 f4f5 f6f7 sum to ddf2; with the bytes
  // of each word swapped, as here, the sum is swapped as well (section 2 (B)).
  assertStrictEquals(checksum(hex("0001 f203 f4f5 f6f7")), ~0xf2dd & 0xffff);
  assertStrictEquals(checksum(new Uint8Array(0)), 0xffff);
  assertStrictEquals(checksum(hex("ff")), 0xff00);
  assertStrictEquals(checksum(hex("0100 02")), ~0x0003 & 0xffff);
  assertStrictEquals(checksum(new Uint8Array(65_535).fill(0xff)), 0xff00);
});

Deno.test("the checksum of any bytes, against one word at a time", () => {
  for (let size = 0; size < 300; size++) {
    const random = pattern(size);
    let sum = 0;
    for (let at = 0; at < size; at += 2) {
      sum += random[at]! + 256 * (random[at + 1] ?? 0);
      if (sum > 0xffff) sum -= 0xffff;
    }
    assertStrictEquals(checksum(random), 0xffff - sum, `${size}`);
  }
});

Deno.test("statuses, and what is none", () => {
  const yes = new Uint8Array(256);
  yes[0] = 0x31;
  assertEquals(statusBlock(true), yes);
  assertEquals(statusBlock(false), withByte(yes, 0, 0x30));
  assertStrictEquals(readStatus(yes), true);
  assertStrictEquals(readStatus(withByte(yes, 0, 0x30)), false);
  assertStrictEquals(readStatus(withByte(yes, 0, 0x32)), undefined);
  assertStrictEquals(readStatus(withByte(yes, 255, 1)), undefined);
  assertStrictEquals(
    readStatus(headerBlock({ version: 1, ...HEADER })),
    undefined,
  );
});

Deno.test("blocks come out whole at every split", () => {
  const stream = pattern(3 * 256 + 10);
  for (let split = 0; split <= stream.length; split++) {
    const intake = new Intake(1_000);
    const blocks: Uint8Array[] = [];
    for (const part of [stream.subarray(0, split), stream.subarray(split)]) {
      intake.push(part);
      for (let one; (one = intake.take(256));) blocks.push(one);
    }
    assertEquals(blocks.length, 3);
    blocks.push(intake.takeAll());
    assertStrictEquals(intake.size, 0);
    assertEquals(Uint8Array.from(blocks.flatMap((one) => [...one])), stream);
  }
});

Deno.test("blocks come out whole byte by byte", () => {
  const stream = pattern(2 * 256);
  const intake = new Intake(256);
  const blocks: Uint8Array[] = [];
  for (const byte of stream) {
    assertStrictEquals(intake.push(Uint8Array.of(byte)), true);
    const block = intake.take(256);
    if (block) blocks.push(block);
  }
  assertEquals(blocks, [stream.slice(0, 256), stream.slice(256)]);
});

Deno.test("what is over the limit is not held", () => {
  const intake = new Intake(10);
  assertStrictEquals(intake.push(pattern(10)), true);
  assertStrictEquals(intake.push(pattern(1)), false);
  assertStrictEquals(intake.size, 10);
  assertEquals(intake.takeAll(), pattern(10));
});

Deno.test("a block is sent again at most so often, over both questions", () => {
  const judge = (...statuses: boolean[]) => {
    const delivery = new Delivery(3);
    return statuses.map((one) => delivery.receive(one));
  };
  assertEquals(judge(true, true), ["arrived", "settled"]);
  assertEquals(judge(false, true, true), ["again", "arrived", "settled"]);
  // After "intact" is answered 0 only that question is answered again.
  assertEquals(judge(true, false, true), ["arrived", "again", "settled"]);
  assertEquals(judge(false, false, true, false, false), [
    "again",
    "again",
    "arrived",
    "again",
    "exhausted",
  ]);
});

Deno.test("a client answers each question once it can", () => {
  const agreed = { version: 1, bufferSize: 64 } as const;
  const right = dataBlock(agreed, bytes("right"));
  const missing = withByte(right, 0, 9);
  const damaged = withByte(right, 14, 0x20);
  const digits = (reply: Uint8Array) =>
    text(reply.filter((_, at) => at % 256 === 0));
  const judge = (...blocks: Uint8Array[]) => {
    const receipt = new Receipt(agreed, 3);
    return blocks.map((one) => {
      const { reply, payload, exhausted } = receipt.receive(one);
      return digits(reply) + (payload ? text(payload) : exhausted ?? "");
    });
  };
  assertEquals(judge(right), ["11right"]);
  assertEquals(judge(missing, right), ["0", "11right"]);
  assertEquals(judge(damaged, right), ["10", "1right"]);
  assertEquals(judge(missing, damaged, missing, right), [
    "0",
    "10",
    "0",
    "1right",
  ]);
  assertEquals(judge(missing, missing, missing, missing), [
    "0",
    "0",
    "0",
    "0arrived",
  ]);
  assertEquals(judge(damaged, damaged, damaged, damaged), [
    "10",
    "0",
    "0",
    "0intact",
  ]);
});
