import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { CypherError } from "../protocol/errors.ts";
import { Arrivals } from "../protocol/packet/arrivals.ts";
import { Channel, type ChannelEnd } from "../protocol/packet/channel.ts";
import { PacketError } from "../protocol/packet/errors.ts";
import { Flight } from "../protocol/packet/flight.ts";
import type { Agreement } from "../protocol/packet/handshake.ts";
import type { Packet } from "../protocol/packet/packet.ts";
import { establishedLimits, PacketParser } from "../protocol/packet/parser.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { raw } from "./support/packet_raw.ts";

const ACK_TIMEOUT = 100;
const KEEP_ALIVE = 10_000;

const AGREEMENT: Agreement = {
  session: "s",
  mode: "burst",
  maxPacketSize: 16,
  windowSize: 4,
  sequenced: true,
  fragments: true,
  maxMessageSize: 1_000,
};

/** A channel, what it writes and what it delivers. */
class End {
  readonly written: Packet[] = [];
  readonly delivered: Uint8Array[] = [];
  ended: ChannelEnd | undefined;
  damaged = 0;
  readonly channel: Channel;
  /** Takes what is written. */
  onWrite: (bytes: Uint8Array) => void = () => {};

  constructor(clock: FakeClock, agreement: Partial<Agreement> = {}) {
    const agreed = { ...AGREEMENT, ...agreement };
    const parser = new PacketParser(establishedLimits(agreed.maxPacketSize));
    this.channel = new Channel({
      agreement: agreed,
      clock,
      ackTimeout: ACK_TIMEOUT,
      maxRetransmissions: 3,
      keepAlive: KEEP_ALIVE,
      limits: { messageBytes: 1_000, queued: 100, queuedBytes: 10_000 },
      write: (bytes) => {
        this.written.push(...parser.push(bytes));
        this.onWrite(bytes);
      },
      deliver: (message) => this.delivered.push(message),
      damaged: () => this.damaged++,
      ended: (end) => this.ended = end,
    });
  }

  /** Takes a packet made by hand. */
  take(...packet: Parameters<typeof raw>): void {
    const parser = new PacketParser(establishedLimits(1_024));
    for (const one of parser.push(raw(...packet))) this.channel.receive(one);
  }

  /** What was written since the last call: `type sequence`, and the payload. */
  said(): string[] {
    return this.written.splice(0).map(({ type, sequence, payload }) =>
      `${type} ${sequence} ${new TextDecoder().decode(payload)}`.trim()
    );
  }

  /** Ends it, so that it leaves no timer. */
  [Symbol.dispose](): void {
    this.channel.close(new CypherError("CLOSED", "The test is over"));
  }
}

const plain = { sequenced: false, fragments: false, maxMessageSize: 16 };
const counted = { fragments: false, maxMessageSize: 16 };
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const utf8 = (text: string) => new TextEncoder().encode(text);

/** A promise's outcome, as soon as it has one. */
function outcomeOf(promise: Promise<unknown>): { now: string } {
  const outcome = { now: "pending" };
  promise.then(
    () => outcome.now = "acknowledged",
    (error) =>
      outcome.now = error instanceof PacketError ? error.reason : error.code,
  );
  return outcome;
}

Deno.test("step-by-step: the next packet follows the acknowledgement", async () => {
  const clock = new FakeClock();
  using end = new End(clock, { ...counted, mode: "step-by-step" });
  const first = outcomeOf(end.channel.send(utf8("one")));
  const second = outcomeOf(end.channel.send(utf8("two")));
  assertEquals(end.said(), ["1 0 one"]);
  await clock.advance(ACK_TIMEOUT - 1);
  assertEquals(end.said(), []);
  end.take(2, "ACK", { sequence: 0 });
  assertEquals(end.said(), ["1 1 two"]);
  await clock.advance(0);
  assertEquals([first.now, second.now], ["acknowledged", "pending"]);
  end.take(2, "ACK", { sequence: 1 });
  await clock.advance(0);
  assertEquals(second.now, "acknowledged");
});

Deno.test("burst: the window slides with the oldest acknowledgement", () => {
  using end = new End(new FakeClock(), counted);
  for (const name of "abcdefg") end.channel.send(utf8(name)).catch(() => {});
  assertEquals(end.said(), ["1 0 a", "1 1 b", "1 2 c", "1 3 d"]);
  end.take(3, { code: "CHECKSUM" }, { sequence: 0 });
  assertEquals(end.said(), ["1 0 a"]);
  for (const sequence of [1, 2, 3]) end.take(2, "ACK", { sequence });
  assertEquals(end.said(), []);
  end.take(2, "ACK", { sequence: 0 });
  assertEquals(end.said(), ["1 4 e", "1 5 f", "1 6 g"]);
});

Deno.test("an acknowledgement with another packet's number counts for neither", async () => {
  const clock = new FakeClock();
  using end = new End(clock, counted);
  const sent = ["a", "b"].map((one) => outcomeOf(end.channel.send(utf8(one))));
  end.said();
  end.take(2, "ACK", { sequence: 1 });
  end.take(2, "ACK", { sequence: 1 });
  await clock.advance(ACK_TIMEOUT);
  assertEquals(sent.map(({ now }) => now), ["pending", "pending"]);
  assertEquals(end.said(), ["1 0 a"]);
  end.take(2, "ACK", { sequence: 0 });
  await clock.advance(0);
  assertEquals(sent.map(({ now }) => now), ["acknowledged", "acknowledged"]);
});

Deno.test("numbers go on at 0 after 65,535", async () => {
  const clock = new FakeClock();
  using sender = new End(clock, counted);
  using receiver = new End(clock, counted);
  sender.onWrite = (bytes) => feed(receiver, bytes);
  receiver.onWrite = (bytes) => feed(sender, bytes);
  for (let i = 0; i < 65_540; i++) {
    await sender.channel.send(utf8(`${i}`));
    if (i < 65_530) sender.said();
  }
  assertEquals(
    sender.said().filter((one) => one.startsWith("1")).slice(-4),
    ["1 0 65536", "1 1 65537", "1 2 65538", "1 3 65539"],
  );
  assertEquals(receiver.delivered.length, 65_540);
  assertEquals(text(receiver.delivered.at(-1)!), "65539");
});

function feed(end: End, bytes: Uint8Array): void {
  const parser = new PacketParser(establishedLimits(1_024));
  for (const packet of parser.push(bytes)) end.channel.receive(packet);
}

Deno.test("what nobody acknowledges is sent 4 times, then rejects", async () => {
  const clock = new FakeClock();
  using end = new End(clock, counted);
  const first = outcomeOf(end.channel.send(utf8("a")));
  const second = outcomeOf(end.channel.send(utf8("b")));
  for (let i = 0; i < 3; i++) {
    await clock.advance(ACK_TIMEOUT - 1);
    assertEquals(end.said().slice(i === 0 ? 2 : 0), [], `too early: ${i}`);
    await clock.advance(1);
    assertEquals(end.said(), ["1 0 a"]);
  }
  await clock.advance(ACK_TIMEOUT);
  assertEquals(end.said(), ['3 0 {"code":"RETRANSMISSIONS_EXCEEDED"}']);
  const exceeded = "RETRANSMISSIONS_EXCEEDED";
  assertEquals([first.now, second.now], [exceeded, exceeded]);
  assert(end.ended?.kind === "failed");
  assertEquals(end.ended.error.code, "NO_ANSWER");
  assertEquals(clock.pending, 0);
});

Deno.test("a peer that finds every packet damaged is given up on as well", async () => {
  const clock = new FakeClock();
  using end = new End(clock, counted);
  const sent = outcomeOf(end.channel.send(utf8("a")));
  for (let i = 0; i < 4; i++) end.take(3, { code: "CHECKSUM" });
  await clock.advance(0);
  assertEquals(sent.now, "RETRANSMISSIONS_EXCEEDED");
  assertEquals(end.said().length, 5);
});

Deno.test("an acknowledgement starts the timer again", async () => {
  const clock = new FakeClock();
  using end = new End(clock, counted);
  for (const name of "ab") end.channel.send(utf8(name)).catch(() => {});
  end.said();
  await clock.advance(ACK_TIMEOUT - 1);
  end.take(2, "ACK", { sequence: 0 });
  await clock.advance(ACK_TIMEOUT - 1);
  assertEquals(end.said(), []);
  await clock.advance(1);
  assertEquals(end.said(), ["1 1 b"]);
});

Deno.test("a damaged packet is asked for again and delivered in its place", () => {
  using end = new End(new FakeClock(), counted);
  end.take(1, "a", { sequence: 0 });
  end.take(1, "b", { sequence: 1, damaged: true });
  end.take(1, "c", { sequence: 2 });
  assertEquals(end.delivered.map(text), ["a"]);
  end.take(1, "b", { sequence: 1 });
  assertEquals(end.delivered.map(text), ["a", "b", "c"]);
  assertEquals(end.said(), [
    "2 0 ACK",
    '3 1 {"code":"CHECKSUM"}',
    "2 2 ACK",
    "2 1 ACK",
  ]);
  assertEquals(end.damaged, 1);
});

Deno.test("a repeat is acknowledged again and not delivered", () => {
  using end = new End(new FakeClock(), counted);
  end.take(1, "a", { sequence: 0 });
  end.take(1, "a", { sequence: 0 });
  end.take(1, "c", { sequence: 2 });
  end.take(1, "c", { sequence: 2 });
  assertEquals(end.delivered.map(text), ["a"]);
  assertEquals(end.said(), ["2 0 ACK", "2 0 ACK", "2 2 ACK", "2 2 ACK"]);
});

Deno.test("what is beyond the window has a damaged number", () => {
  using end = new End(new FakeClock(), counted);
  end.take(1, "d", { sequence: 3 });
  end.take(1, "e", { sequence: 4 });
  end.take(1, "z", { sequence: 40_000 });
  assertEquals(end.said(), [
    "2 3 ACK",
    '3 4 {"code":"CHECKSUM"}',
    '3 40000 {"code":"CHECKSUM"}',
  ]);
  assertEquals(end.delivered, []);
});

Deno.test("without numbers everything is delivered and acknowledged as it comes", () => {
  using end = new End(new FakeClock(), plain);
  for (const one of ["a", "a", "b"]) end.take(1, one);
  assertEquals(end.delivered.map(text), ["a", "a", "b"]);
  assertEquals(end.said(), ["2 0 ACK", "2 0 ACK", "2 0 ACK"]);
});

Deno.test("without numbers the answers are matched by their order", async () => {
  const clock = new FakeClock();
  using end = new End(clock, plain);
  const sent = ["a", "b", "c", "d", "e"].map((one) =>
    outcomeOf(end.channel.send(utf8(one)))
  );
  assertEquals(end.said(), ["1 0 a", "1 0 b", "1 0 c", "1 0 d"]);
  end.take(2, "ACK");
  end.take(3, { code: "CHECKSUM" });
  end.take(2, "ACK");
  assertEquals(end.said(), ["1 0 e", "1 0 b"]);
  // In the order of the packets: d, e, and b once more.
  end.take(2, "ACK");
  end.take(2, "ACK");
  await clock.advance(0);
  const state = () => sent.map(({ now }) => now[0]).join("");
  assertEquals(state(), "apppp");
  end.take(2, "ACK");
  await clock.advance(0);
  assertEquals(state(), "aaaaa");
});

Deno.test("an error packet that became an acknowledgement on its way is none", async () => {
  const clock = new FakeClock();
  using end = new End(clock, counted);
  const sent = outcomeOf(end.channel.send(utf8("a")));
  end.said();
  end.take(2, { code: "CHECKSUM" });
  end.take(3, "ACK");
  await clock.advance(0);
  assertEquals([sent.now, end.ended], ["pending", undefined]);
  await clock.advance(ACK_TIMEOUT);
  assertEquals(end.said(), ["1 0 a"]);
});

Deno.test("damaged answers are as good as lost", () => {
  using end = new End(new FakeClock(), counted);
  end.channel.send(utf8("a")).catch(() => {});
  end.said();
  end.take(2, "ACK", { damaged: true });
  end.take(3, { code: "CHECKSUM" }, { damaged: true });
  end.take(4, "x", { damaged: true });
  assertEquals(end.said(), []);
});

Deno.test("a number that was damaged swaps no packets", () => {
  using end = new End(new FakeClock());
  const packet = (sequence: number, name: string) =>
    Uint8Array.of(1, 0, sequence, ...utf8(name));
  end.take(1, packet(0, "a"), { sequence: 1 });
  end.take(1, packet(1, "b"), { sequence: 1 });
  end.take(1, packet(0, "a"), { sequence: 0 });
  assertEquals(end.delivered.map(text), ["a", "b"]);
  assertEquals(end.said()[0], '3 0 {"code":"CHECKSUM"}');
});

Deno.test("the peer's error ends it, in that error", async () => {
  const clock = new FakeClock();
  using end = new End(clock);
  const sent = outcomeOf(end.channel.send(utf8("a")));
  end.take(3, { code: "UNKNOWN_SESSION" });
  await clock.advance(0);
  assertEquals(sent.now, "UNKNOWN_SESSION");
  assertEquals(end.ended?.kind, "refused");
});

Deno.test("a message is refused before anything is sent", async () => {
  using end = new End(new FakeClock(), plain);
  const refused = (size: number, signal?: AbortSignal) =>
    assertRejects(
      () => end.channel.send(new Uint8Array(size), signal),
      CypherError,
    );
  const error = await refused(17);
  assertEquals(error.code, "TOO_LARGE");
  assert(error.message.includes("16 bytes, as the peer does not take frag"));
  assertEquals((await refused(1, AbortSignal.abort())).code, "ABORTED");
  assertEquals(end.said(), []);
  const waiting = Array.from(
    { length: 100 },
    () => outcomeOf(end.channel.send(utf8("x"))),
  );
  assertEquals((await refused(1)).code, "QUEUE_FULL");
  assertEquals(waiting.length, 100);
});

Deno.test("the bytes that wait are bounded too; one message always may", async () => {
  using end = new End(new FakeClock(), { maxMessageSize: 20_000 });
  end.channel.send(new Uint8Array(11_000)).catch(() => {});
  const error = await assertRejects(
    () => end.channel.send(new Uint8Array(1)),
    CypherError,
  );
  assertEquals(error.code, "QUEUE_FULL");
});

Deno.test("what is aborted before it is sent is not sent; a message that has begun goes on", async () => {
  const clock = new FakeClock();
  using end = new End(clock, { mode: "step-by-step" });
  const begun = new AbortController();
  const waiting = new AbortController();
  const sent = [
    end.channel.send(new Uint8Array(30).fill(65), begun.signal),
    end.channel.send(utf8("never"), waiting.signal),
    end.channel.send(utf8("last")),
  ].map(outcomeOf);
  begun.abort();
  waiting.abort();
  for (let sequence = 0; sequence < 4; sequence++) {
    end.take(2, "ACK", { sequence });
    await clock.advance(0);
  }
  assertEquals(sent.map(({ now }) => now), [
    "ABORTED",
    "ABORTED",
    "acknowledged",
  ]);
  const bodies = end.written.map(({ payload }) => text(payload.subarray(3)));
  assertEquals(bodies, ["A".repeat(13), "A".repeat(13), "A".repeat(4), "last"]);
});

Deno.test("keep-alives come when nothing else does", async () => {
  const clock = new FakeClock();
  using end = new End(clock, counted);
  await clock.advance(KEEP_ALIVE - 1);
  end.take(1, "a");
  assertEquals(end.said(), ["2 0 ACK"]);
  await clock.advance(KEEP_ALIVE - 1);
  assertEquals(end.said(), []);
  await clock.advance(1);
  assertEquals(end.said(), ["4 0"]);
  end.take(4);
  assertEquals([end.said(), end.ended], [[], undefined]);
});

Deno.test("a goodbye waits for its acknowledgement, and rejects what waits", async () => {
  const clock = new FakeClock();
  using end = new End(clock, counted);
  const sent = outcomeOf(end.channel.send(utf8("a")));
  end.said();
  end.channel.leave();
  assertEquals(end.said(), ["5 1"]);
  end.take(2, "ACK", { sequence: 0 });
  assertEquals(end.ended, undefined);
  end.take(2, "ACK", { sequence: 1 });
  await clock.advance(0);
  assertEquals([sent.now, end.ended], ["CLOSED", { kind: "left" }]);
  assertEquals(clock.pending, 0);
});

Deno.test("a goodbye without an answer is over after the timeout", async () => {
  const clock = new FakeClock();
  using end = new End(clock, plain);
  end.channel.leave();
  await clock.advance(ACK_TIMEOUT);
  assertEquals([end.said(), end.ended], [["5 0"], { kind: "left" }]);
});

Deno.test("the peer's goodbye is acknowledged", () => {
  using end = new End(new FakeClock(), counted);
  end.take(5, "", { sequence: 9, damaged: true });
  end.take(5, "", { sequence: 9 });
  assertEquals(end.said(), ['3 9 {"code":"CHECKSUM"}', "2 9 ACK"]);
  assertEquals(end.ended, { kind: "disconnected" });
});

Deno.test("once finishing, data is neither delivered nor acknowledged", () => {
  using end = new End(new FakeClock(), counted);
  end.channel.finish();
  end.take(1, "a");
  assertEquals([end.said(), end.delivered], [[], []]);
});

Deno.test("a message over the limit ends it", () => {
  using end = new End(new FakeClock(), { maxPacketSize: 1_024 });
  const piece = (sequence: number) =>
    Uint8Array.of(0, 0, sequence, ...new Uint8Array(600));
  end.take(1, piece(0), { sequence: 0 });
  end.take(1, piece(1), { sequence: 1 });
  assert(end.ended?.kind === "failed");
  assertEquals(end.ended.error.reason, "TOO_LARGE");
  assertEquals(end.said(), ["2 0 ACK", '3 0 {"code":"TOO_LARGE"}']);
});

/** What can happen to a packet on its way. */
type Fate = "damaged" | "renumbered" | "retyped" | "shortened";
const FATES: Fate[] = ["damaged", "renumbered", "retyped", "shortened"];

/** What happens in one direction, by the packets that pass. */
interface Fates {
  each: (Fate | undefined)[];
  /** From this packet on none arrives: on TCP, none is lost by itself. */
  swallowFrom?: number | undefined;
}

function suffer(bytes: Uint8Array, fate: Fate | undefined): Uint8Array {
  if (fate === undefined) return bytes;
  const copy = bytes.slice();
  const at = { damaged: copy.length - 1, renumbered: 6, retyped: 4 };
  copy[fate === "shortened" ? 3 : at[fate]]! ^= 1;
  return copy;
}

/** Two channels, and a link that does to the packets what the fates say. */
async function simulate(
  { sizes, fates, mode, window }: {
    sizes: number[];
    fates: Record<"up" | "down", Fates>;
    mode: "burst" | "step-by-step";
    window: number;
  },
) {
  const clock = new FakeClock();
  const agreement = { mode, windowSize: window };
  using sender = new End(clock, agreement);
  using receiver = new End(clock, agreement);
  const passing = new Window();
  const queue: (() => void)[] = [];
  const limit = mode === "burst" ? window : 1;
  const connect = (from: End, to: End, fates: Fates) => {
    const parser = new PacketParser(establishedLimits(16));
    let sent = 0;
    from.onWrite = (bytes) => {
      if (sent === fates.swallowFrom) return;
      const broken = suffer(bytes, fates.each[sent++]);
      if (from === sender) passing.sees(from.written.at(-1)!);
      queue.push(() => {
        if (to.ended) return;
        try {
          for (const packet of parser.push(broken)) {
            if (to === sender) passing.answers(packet);
            to.channel.receive(packet);
          }
        } catch (error) {
          if (!to.ended) to.channel.fail(error as PacketError);
        }
      });
    };
  };
  connect(sender, receiver, fates.up);
  connect(receiver, sender, fates.down);
  const messages = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));
  const outcomes = messages.map((one) => outcomeOf(sender.channel.send(one)));
  for (let turn = 0; turn < 40 && !sender.ended; turn++) {
    while (queue.length > 0) queue.shift()!();
    if (receiver.ended && !sender.ended) {
      // Its connection would be closed by now.
      sender.channel.close(new CypherError("NO_ANSWER", "The peer is gone"));
      break;
    }
    await clock.advance(ACK_TIMEOUT);
  }
  await clock.advance(0);
  assert(passing.widest <= limit, `${passing.widest} packets in flight`);
  const { delivered } = receiver;
  // In order, once each: what was delivered is how the messages begin.
  assertEquals(delivered, messages.slice(0, delivered.length));
  outcomes.forEach(({ now }, i) => {
    assert(now !== "pending", `message ${i} never ended`);
    assert(
      now !== "acknowledged" || i < delivered.length,
      `message ${i} was acknowledged and not delivered`,
    );
  });
  return outcomes.map(({ now }) => now);
}

/** What is in flight, told from what passes alone. */
class Window {
  /** The most there ever was. */
  widest = 0;
  #sent = 0;
  #oldest = 0;
  #acknowledged = new Set<number>();

  sees({ type, sequence }: Packet): void {
    if (type !== 1) return;
    this.#sent = Math.max(this.#sent, sequence + 1);
    this.widest = Math.max(this.widest, this.#sent - this.#oldest);
  }

  answers({ type, sequence, payload }: Packet): void {
    if (type === 2 && text(payload) === "ACK") this.#acknowledged.add(sequence);
    while (this.#acknowledged.has(this.#oldest)) this.#oldest++;
  }
}

Deno.test("without faults every message is acknowledged", async () => {
  const fates = { up: { each: [] }, down: { each: [] } };
  const sizes = [0, 1, 13, 14, 100, 999];
  for (const mode of ["burst", "step-by-step"] as const) {
    assertEquals(
      new Set(await simulate({ sizes, fates, mode, window: 3 })),
      new Set(["acknowledged"]),
    );
  }
});

Deno.test("property: once and in order, or rejected, whatever one link does", async () => {
  const fate = fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    { weight: 2, arbitrary: fc.constantFrom(...FATES) },
  );
  const many: fc.Arbitrary<Fates> = fc.record({
    each: fc.array(fate, { maxLength: 60 }),
    swallowFrom: fc.option(fc.nat(60), { nil: undefined, freq: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        sizes: fc.array(fc.nat(40), { minLength: 1, maxLength: 12 }),
        fates: fc.record({ up: many, down: many }),
        mode: fc.constantFrom("burst" as const, "step-by-step" as const),
        window: fc.integer({ min: 1, max: 6 }),
      }),
      async (run) => void await simulate(run),
    ),
    { numRuns: Deno.env.get("CYPHER_LONG") ? 20_000 : 500 },
  );
});

Deno.test("property: a flight releases packets in their order", () => {
  fc.assert(fc.property(
    fc.array(fc.boolean(), { maxLength: 40 }),
    (acknowledged) => {
      const flight = new Flight<number>(true);
      const left: number[] = [];
      acknowledged.forEach((_, i) => flight.add(i, new Uint8Array(0)));
      acknowledged.forEach((yes, i) => {
        if (!yes) flight.unclear();
        else left.push(...flight.acknowledge(i).map(({ item }) => item));
      });
      const stuck = acknowledged.indexOf(false);
      const expected = stuck === -1 ? acknowledged.length : stuck;
      assertEquals(left, [...Array(expected).keys()]);
      assertEquals(flight.size, acknowledged.length - expected);
    },
  ));
});

Deno.test("property: arrivals come out in order, each once", () => {
  fc.assert(fc.property(
    fc.array(fc.nat(80), { maxLength: 300 }),
    (sequences) => {
      const arrivals = new Arrivals<number>(8);
      const out: number[] = [];
      for (const one of sequences) {
        const arrival = arrivals.take(one, one);
        if (arrival.kind === "new") out.push(...arrival.ready);
        assert(arrivals.held < 8);
      }
      assertEquals(out, [...out.keys()]);
    },
  ));
});
