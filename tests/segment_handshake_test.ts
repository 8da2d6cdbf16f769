import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { ClientHandshake } from "../protocol/segment/client_handshake.ts";
import { initialSequence } from "../protocol/segment/handshake.ts";
import { ServerHandshake } from "../protocol/segment/server_handshake.ts";
import {
  block,
  type Fields,
  header,
  NO,
  syn,
  YES,
} from "./support/segment_raw.ts";

const SERVER_ISN = 2_001;
const SERVER = {
  isn: SERVER_ISN,
  bufferSize: 4_096,
  bufferLimit: 65_536,
  resends: 3,
};
const CLIENT = { isn: 1_001, bufferSize: 512, resends: 3 };

/** A server's handshake, after these blocks. */
function server(...blocks: Uint8Array[]): ServerHandshake {
  const handshake = new ServerHandshake(SERVER);
  for (const one of blocks) handshake.receive(one);
  return handshake;
}

function client(...blocks: Uint8Array[]): ClientHandshake {
  const handshake = new ClientHandshake({ version: 1, ...CLIENT });
  for (const one of blocks) handshake.receive(one);
  return handshake;
}

/** At which step a handshake failed, and why. */
function failure(
  { end }: ServerHandshake | ClientHandshake,
): [step: string, problem: string] {
  assert(end?.kind === "failed");
  return [end.step, end.problem];
}

function ack(fields: Fields = {}): Uint8Array<ArrayBuffer> {
  const right = { ack: 2_002, seq: 1_002, bufferSize: 512 };
  return block(...header({ ...right, ...fields }));
}

function synAck(fields: Fields = {}): Uint8Array<ArrayBuffer> {
  const right = { syn: 1, ack: 1_002, seq: 2_001, bufferSize: 512 };
  return block(...header({ ...right, ...fields }));
}

function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((one) => [...one]));
}

Deno.test("the server's side, byte by byte", () => {
  const handshake = server();
  assertEquals(handshake.receive(syn()), {
    reply: concat(YES, synAck()),
    done: "SYN",
  });
  assertEquals(handshake.receive(YES), { done: "SYN-ACK" });
  assertStrictEquals(handshake.end, undefined);
  assertEquals(handshake.receive(ack()), { reply: YES, done: "ACK" });
  const agreed = { version: 1 as const, bufferSize: 512 };
  assertEquals(handshake.end, { kind: "open", agreed });
});

Deno.test("the client's side, byte by byte", () => {
  const handshake = client();
  assertEquals(handshake.start(), syn());
  assertEquals(handshake.receive(YES), { done: "SYN" });
  assertEquals(handshake.receive(synAck()), {
    reply: concat(YES, ack()),
    done: "SYN-ACK",
  });
  assertStrictEquals(handshake.end, undefined);
  assertEquals(handshake.receive(YES), { done: "ACK" });
  const agreed = { version: 1 as const, bufferSize: 512 };
  assertEquals(handshake.end, { kind: "open", agreed });
});

for (const version of [1, 2] as const) {
  Deno.test(`both sides, version ${version}, at every number's edge`, () => {
    for (const isn of [0, 1, 0x7fff, 0xfffe, 0xffff]) {
      for (const bufferSize of [17, 4_096, 65_535]) {
        const one = new ClientHandshake({
          version,
          isn,
          bufferSize,
          resends: 0,
        });
        const other = new ServerHandshake({ ...SERVER, isn, resends: 0 });
        let toServer: Uint8Array | undefined = one.start();
        while (toServer?.length) {
          const reply = feed(other, toServer);
          toServer = feed(one, reply);
        }
        const size = Math.min(bufferSize, SERVER.bufferSize);
        const agreed = { version, bufferSize: size };
        assertEquals(one.end, { kind: "open", agreed });
        assertEquals(other.end, { kind: "open", agreed });
      }
    }
  });
}

/** Feeds a side what the other has written, block by block. */
function feed(
  side: ClientHandshake | ServerHandshake,
  bytes: Uint8Array,
): Uint8Array {
  const replies: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 256) {
    const { reply, problem } = side.receive(bytes.subarray(at, at + 256));
    assertStrictEquals(problem, undefined);
    if (reply) replies.push(reply);
  }
  return concat(...replies);
}

const WRONG_SYNS: Record<string, [Uint8Array, string]> = {
  "zeros": [block(), "header"],
  "a status": [YES, "header"],
  "version 3": [syn({ version: 3 }), "header"],
  "a reserved byte": [block(2, 1, ...header({ syn: 1 }).slice(1)), "header"],
  "no syn": [syn({ syn: 0 }), "syn"],
  "syn 2": [syn({ syn: 2 }), "syn"],
  "an ack": [syn({ ack: 1 }), "ack"],
  "no buffer": [syn({ bufferSize: 0 }), "buffer size is 0 bytes"],
  "a header's buffer": [syn({ bufferSize: 13 }), "must be 14 to 65536"],
  "a version 2 header's": [syn({ version: 2, bufferSize: 16 }), "must be 17"],
  "an absurd buffer": [
    syn({ version: 2, bufferSize: 0xffff_ffff }),
    "buffer size is 4294967295 bytes",
  ],
};

for (const [what, [wrong, problem]] of Object.entries(WRONG_SYNS)) {
  Deno.test(`the server asks again for a SYN with ${what}`, () => {
    const handshake = server();
    const reaction = handshake.receive(wrong);
    assertEquals(reaction.reply, NO);
    assertStringIncludes(reaction.problem!, problem);
    assertStrictEquals(handshake.receive(syn()).done, "SYN");
  });

  Deno.test(`the server refuses four SYNs with ${what}`, () => {
    const handshake = server(wrong, wrong, wrong);
    assertStrictEquals(handshake.end, undefined);
    const last = handshake.receive(wrong);
    assertEquals(last.reply, NO);
    const [step, why] = failure(handshake);
    assertStrictEquals(step, "SYN");
    assertStringIncludes(why, problem);
  });
}

const WRONG_ACKS: Record<string, Uint8Array> = {
  "no header": block(),
  "another version": ack({ version: 2 }),
  "a syn": ack({ syn: 1 }),
  "the server's ISN": ack({ ack: 2_001 }),
  "a wrong ack": ack({ ack: 2_003 }),
  "a wrong seq": ack({ seq: 1_001 }),
};

for (const [what, wrong] of Object.entries(WRONG_ACKS)) {
  Deno.test(`the server asks again for an ACK with ${what}, at most thrice`, () => {
    const handshake = server(syn(), YES);
    assertEquals(handshake.receive(wrong).reply, NO);
    assertStrictEquals(handshake.receive(ack()).done, "ACK");
    const refused = server(syn(), YES, wrong, wrong, wrong, wrong);
    assertStrictEquals(failure(refused)[0], "ACK");
  });
}

const WRONG_SYN_ACKS: Record<string, Uint8Array> = {
  "no header": block(),
  "another version": synAck({ version: 2 }),
  "no syn": synAck({ syn: 0 }),
  "a wrong ack": synAck({ ack: 1_001 }),
  "no buffer": synAck({ bufferSize: 0 }),
  "more than was offered": synAck({ bufferSize: 513 }),
};

for (const [what, wrong] of Object.entries(WRONG_SYN_ACKS)) {
  Deno.test(`the client asks again for a SYN-ACK with ${what}, at most thrice`, () => {
    const handshake = client(YES);
    assertEquals(handshake.receive(wrong).reply, NO);
    assertStrictEquals(handshake.receive(synAck()).done, "SYN-ACK");
    const refused = client(YES, wrong, wrong, wrong, wrong);
    assertStrictEquals(failure(refused)[0], "SYN-ACK");
  });
}

Deno.test("what should be a status and is none fails at its step", () => {
  const failures = [
    [server(syn(), block(0x32)), "SYN-ACK"],
    [client(block(0x32)), "SYN"],
    [client(YES, synAck(), syn()), "ACK"],
  ] as const;
  for (const [handshake, step] of failures) {
    assertStrictEquals(failure(handshake)[0], step);
  }
});

Deno.test("re-sends are the same bytes, pause from the second on, and end", () => {
  const cases = [
    [server(syn()), synAck(), "SYN-ACK"],
    [client(), syn(), "SYN"],
    [client(YES, synAck()), ack(), "ACK"],
  ] as const;
  for (const [handshake, reply, step] of cases) {
    assertEquals(handshake.receive(NO), { reply, pause: false });
    assertEquals(handshake.receive(NO), { reply, pause: true });
    assertEquals(handshake.receive(NO), { reply, pause: true });
    assertStrictEquals(handshake.receive(NO).reply, undefined);
    assertStrictEquals(failure(handshake)[0], step);
  }
});

Deno.test("each step has its own bound", () => {
  const handshake = server(block(), block(), block(), syn());
  assertEquals(handshake.receive(NO).reply, synAck());
  assertEquals(handshake.receive(NO).reply, synAck());
  assertEquals(handshake.receive(NO).reply, synAck());
  assertStrictEquals(handshake.receive(YES).done, "SYN-ACK");
  assertEquals(handshake.receive(block()).reply, NO);
  assertStrictEquals(handshake.receive(ack()).done, "ACK");
});

Deno.test("a header's padding is not judged: the C client sends what it has", () => {
  const dirty = syn();
  dirty.fill(0xaa, 13);
  assertStrictEquals(server(dirty).step, "SYN-ACK");
});

Deno.test("initial sequence numbers have 16 bits", () => {
  assertStrictEquals(initialSequence(() => 0), 0);
  assertStrictEquals(initialSequence(() => 0.999999999), 0xffff);
});
