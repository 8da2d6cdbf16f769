/*
 * Mutated input for everything that reads what a session's peer sent. Half of
 * it is mutated on the wire, where the cipher stops it, and half before it is
 * sealed inside a valid session, as by a peer with the keys and bad intentions.
 *
 * CYPHER_LONG=1 runs 1,000,000 inputs instead of 20,000; CYPHER_SEED=n runs
 * others. A failure prints what makes it happen again.
 */
import { assert, assertEquals } from "@std/assert";
import { AnsweredSet } from "../protocol/answered.ts";
import { readAnswered, writeAnswered } from "../protocol/answered_frame.ts";
import {
  FRAME,
  type Frame,
  FRAME_HEADER,
  FrameBatch,
  FrameParser,
} from "../protocol/frames.ts";
import {
  clientIdOf,
  readClientHello,
  readServerHello,
  writeClientHello,
  writeServerHello,
} from "../protocol/hello.ts";
import {
  CipherState,
  NOISE_MESSAGE,
  NoiseHandshake,
  PREFACE,
} from "../protocol/noise.ts";
import {
  readClose,
  readError,
  writeClose,
  writeError,
} from "../protocol/notices.ts";
import {
  readClientOffer,
  readServerOffer,
  writeClientOffer,
  writeServerOffer,
} from "../protocol/offers.ts";
import { RecordOpener, RecordSealer } from "../protocol/records.ts";
import {
  chunksOf,
  codeOf,
  concat,
  equal,
  fuzz,
  mutate,
  type Random,
} from "./support/fuzz.ts";

const INPUTS = Deno.env.get("CYPHER_LONG") === "1" ? 1_000_000 : 20_000;
const SEED = Number(Deno.env.get("CYPHER_SEED") ?? 1);

const PSK = Uint8Array.from({ length: 32 }, (_, i) => i);
const LIMIT = 1_000;
const WINDOW = 8;

const CLIENT = {
  client: clientIdOf(PSK),
  name: "fuzz",
  software: "@cypher/protocol",
  messageBytes: 1_024,
};
const SERVER = {
  server: "server",
  connection: "1",
  known: false,
  window: WINDOW,
  messageBytes: 1_024,
  heartbeat: 15_000,
};

function handshake(role: "initiator" | "responder"): NoiseHandshake {
  return new NoiseHandshake({ role, prologue: PREFACE, psk: PSK });
}

/** A handshake message that was changed on its way is refused. */
function handshakeOnTheWire(random: Random): string {
  const initiator = handshake("initiator");
  const responder = handshake("responder");
  const first = initiator.writeMessage(writeClientOffer(CLIENT));
  if (random.below(2) === 0) {
    const code = codeOf(() => responder.readMessage(mutate(first, random)));
    assertEquals(code, "BAD_TOKEN");
    assertEquals(codeOf(() => responder.split()), "BAD_TOKEN");
    return code;
  }
  responder.readMessage(first);
  const second = responder.writeMessage(writeServerOffer(SERVER));
  const code = codeOf(() => initiator.readMessage(mutate(second, random)));
  assertEquals(code, "BAD_TOKEN");
  assertEquals(codeOf(() => initiator.split()), "BAD_TOKEN");
  return code;
}

/** A payload that a holder of the key changed is of its form, or refused. */
function handshakePayload(random: Random): string {
  const initiator = handshake("initiator");
  const responder = handshake("responder");
  const side = random.below(2);
  const offer = writeClientOffer(CLIENT);
  const first = side === 0 ? mutate(offer, random) : offer;
  const received = responder.readMessage(initiator.writeMessage(first));
  assertEquals(received, first);
  if (side === 0) {
    return codeOf(() => void writeClientOffer(readClientOffer(received)));
  }
  const second = mutate(writeServerOffer(SERVER), random);
  const answer = initiator.readMessage(responder.writeMessage(second));
  assertEquals(answer, second);
  return codeOf(() => void writeServerOffer(readServerOffer(answer)));
}

/** Of records that were changed, only a start that was not is delivered. */
function recordsOnTheWire(random: Random): string {
  const nonce = random.pick([0, 65_534, 65_535, 2 ** 32 - 2]);
  const sealer = new RecordSealer(new CipherState(PSK, nonce));
  const opener = new RecordOpener(new CipherState(PSK, nonce));
  const records: Uint8Array[] = [];
  const sent: Uint8Array[] = [];
  for (let n = random.below(4); n >= 0; n--) {
    const size = random.below(500) === 0 ? 65_519 : 1 + random.below(200);
    const plain = new Uint8Array(size).fill(random.below(256));
    sent.push(plain);
    records.push(sealer.seal(plain).slice());
  }
  const whole = concat(...records);
  // Records as they were in another order are a change too.
  const swapped = concat(records.at(-1)!, ...records.slice(0, -1));
  const changed = random.below(5) === 0 && !equal(swapped, whole)
    ? swapped
    : mutate(whole, random);
  const received: Uint8Array[] = [];
  const code = codeOf(() => {
    for (const chunk of chunksOf(changed, random)) {
      for (const plain of opener.push(chunk)) received.push(plain);
      assert(opener.held <= NOISE_MESSAGE + 2);
    }
  });
  // What was only added at the end may leave all of it whole.
  assert(received.length <= sent.length);
  received.forEach((plain, i) => assert(equal(plain, sent[i]!)));
  return code;
}

/** A session as two ends have it that have shaken hands. */
class Session {
  #sealer: RecordSealer;
  #opener: RecordOpener;

  constructor() {
    const initiator = handshake("initiator");
    const responder = handshake("responder");
    responder.readMessage(initiator.writeMessage(writeClientOffer(CLIENT)));
    initiator.readMessage(responder.writeMessage(writeServerOffer(SERVER)));
    this.#sealer = new RecordSealer(initiator.split().send);
    this.#opener = new RecordOpener(responder.split().receive);
  }

  /** Frames that were changed before they were sealed. */
  framesInside(random: Random): string {
    const plain = mutate(someFrames(random), random);
    const sealed = this.#sealer.seal(plain).slice();
    const parser = new FrameParser(LIMIT);
    const frames: Frame[] = [];
    const plains: Uint8Array[] = [];
    for (const chunk of chunksOf(sealed, random)) {
      plains.push(...this.#opener.push(chunk));
    }
    const code = codeOf(() => {
      for (const opened of plains) {
        for (const frame of parser.push(opened)) frames.push(frame);
      }
    });
    assert(equal(concat(...plains), plain));
    assert(parser.held <= LIMIT + FRAME_HEADER);
    assert(frames.length * FRAME_HEADER <= plain.length);

    // The same bytes in pieces are the same frames, and the same end.
    const pieces = new FrameParser(LIMIT);
    let count = 0;
    const again = codeOf(() => {
      for (const chunk of chunksOf(plain, random)) {
        for (const { type, id, payload } of pieces.push(chunk)) {
          const frame = frames[count++]!;
          assert(type === frame.type && id === frame.id);
          assert(equal(payload, frame.payload));
        }
      }
    });
    assertEquals([again, count], [code, frames.length]);
    return frames.map(payloadOf).find((code) => code !== "") ?? code;
  }
}

/** One to five frames as a session has them. */
function someFrames(random: Random): Uint8Array {
  const batch = new FrameBatch();
  const answered = new AnsweredSet(WINDOW);
  for (let n = random.below(8); n >= 0; n--) answered.add(1 + random.below(12));
  for (let n = random.below(5); n >= 0; n--) {
    const type = random.pick(Object.values(FRAME));
    const id = random.pick([0, 1, 7, 2 ** 32, Number.MAX_SAFE_INTEGER]);
    batch.add(type, id, somePayload(type, answered, random));
  }
  return batch.take();
}

function somePayload(
  type: Frame["type"],
  answered: AnsweredSet,
  random: Random,
): Uint8Array | string {
  switch (type) {
    case FRAME.hello:
      return random.below(2) === 0
        ? writeClientHello({ secret: PSK, answered, met: true })
        : writeServerHello({ known: true });
    case FRAME.answered:
      return writeAnswered(answered);
    case FRAME.close:
      return writeClose({ reason: "draining", after: 1_000, last: 12 });
    case FRAME.error:
      return writeError({ code: "ANSWER_LOST", message: "Lost" });
    case FRAME.ping:
    case FRAME.pong:
      return random.bytes(8);
    case FRAME.cancel:
      return "";
    case FRAME.request:
    case FRAME.response:
      return '{"PATH":"/","DATA":"' + "x".repeat(random.below(300)) + '"}';
  }
}

/** Reads a frame's payload; what comes out is held to its bounds. */
function payloadOf({ type, id, payload }: Frame): string {
  assert(Number.isSafeInteger(id) && id >= 0);
  assert(payload.length <= LIMIT);
  switch (type) {
    case FRAME.hello: {
      const code = codeOf(() => {
        const { secret, answered } = readClientHello(payload, WINDOW);
        assertEquals(secret.length, 32);
        assert(answered.ranges.length <= WINDOW + 1);
      });
      return code && codeOf(() => void readServerHello(payload));
    }
    case FRAME.answered:
      return codeOf(() => {
        const answered = readAnswered(payload, WINDOW);
        const json = JSON.parse(writeAnswered(answered));
        assertEquals(
          AnsweredSet.fromJson(json, WINDOW).toJSON(),
          answered.toJSON(),
        );
      });
    case FRAME.close:
      return codeOf(() => void writeClose(readClose(payload)));
    case FRAME.error:
      return codeOf(() => void writeError(readError(payload)));
    default:
      return "";
  }
}

Deno.test("every bit of both handshake messages matters", () => {
  const first = handshake("initiator").writeMessage(writeClientOffer(CLIENT));
  for (let bit = 0; bit < 8 * first.length; bit++) {
    const responder = handshake("responder");
    const flipped = flip(first, bit);
    assertEquals(codeOf(() => responder.readMessage(flipped)), "BAD_TOKEN");
  }
  const size = 32 + writeServerOffer(SERVER).length + 16;
  for (let bit = 0; bit < 8 * size; bit++) {
    const initiator = handshake("initiator");
    const responder = handshake("responder");
    responder.readMessage(initiator.writeMessage(writeClientOffer(CLIENT)));
    const second = responder.writeMessage(writeServerOffer(SERVER));
    assertEquals(second.length, size);
    const flipped = flip(second, bit);
    assertEquals(codeOf(() => initiator.readMessage(flipped)), "BAD_TOKEN");
  }
});

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  return flipped;
}

Deno.test(`${INPUTS} mutated inputs`, async () => {
  const session = new Session();
  const framesInside = (random: Random) => session.framesInside(random);
  // Half on the wire, half inside.
  const kinds = [
    handshakeOnTheWire,
    recordsOnTheWire,
    recordsOnTheWire,
    recordsOnTheWire,
    handshakePayload,
    framesInside,
    framesInside,
    framesInside,
  ] as const;
  const outcomes = await fuzz(INPUTS, SEED, kinds);
  // Had the mutations no variety, they would show nothing.
  for (
    const outcome of [
      "handshakeOnTheWire: BAD_TOKEN",
      "recordsOnTheWire: BAD_TOKEN",
      "recordsOnTheWire: taken",
      "handshakePayload: BAD_MESSAGE",
      "handshakePayload: taken",
      "framesInside: BAD_MESSAGE",
      "framesInside: TOO_LARGE",
      "framesInside: taken",
    ]
  ) {
    assert((outcomes.get(outcome) ?? 0) >= INPUTS / 1_000, outcome);
  }
});
