import { assert, assertEquals } from "@std/assert";
import {
  CypherError,
  PacketClient,
  type PacketMode,
  PacketServer,
} from "../packet.ts";
import { type ConnectionFaults, FaultProxy } from "./support/fault_proxy.ts";

const MODES: PacketMode[] = ["step-by-step", "burst"];
/** Short, as some of these connections are beyond help. */
const PATIENCE = {
  ackTimeout: 50,
  handshakeTimeout: 400,
  timeout: 2_000,
  maxRetransmissions: 3,
};
/** For links that do no harm: a busy machine must not look like one. */
const CALM = {
  ackTimeout: 10_000,
  handshakeTimeout: 10_000,
  timeout: 60_000,
  maxRetransmissions: 3,
};
const MESSAGES = ["one", "two, in three fragments, as it is long", "", "four"];

/** Sends the messages over a link with these faults; what came of it. */
async function exchange(
  mode: PacketMode,
  faults: ConnectionFaults,
  { messages = MESSAGES, patience = PATIENCE } = {},
) {
  const delivered: string[] = [];
  await using server = new PacketServer({
    port: 0,
    maxSize: 24,
    handler: (message) =>
      void delivered.push(new TextDecoder().decode(message)),
    ...patience,
  });
  await server.start();
  const { hostname, port } = server.address;
  await using proxy = FaultProxy.start({ hostname, port }, () => faults);
  const outcomes: string[] = [];
  let resent = 0;
  const client = new PacketClient({
    port: proxy.address.port,
    mode,
    maxSize: 24,
    ...patience,
  });
  try {
    await client.connect();
    const sent = messages.map((one) => client.send(one));
    for (const one of await Promise.allSettled(sent)) {
      if (one.status === "fulfilled") resent += one.value.resent;
      else assert(one.reason instanceof CypherError, `${one.reason}`);
      outcomes.push(one.status === "fulfilled" ? "ok" : one.reason.code);
    }
  } catch (error) {
    assert(error instanceof CypherError, `${error}`);
  }
  await client.close();
  const { bytes } = proxy;
  // In order, once each, and everything that was acknowledged.
  assertEquals(delivered, messages.slice(0, delivered.length));
  outcomes.forEach((outcome, i) => {
    assert(outcome !== "ok" || i < delivered.length, `${i} was not delivered`);
  });
  return { delivered, outcomes, resent, bytes: { ...bytes } };
}

const OK = MESSAGES.map(() => "ok");

for (const mode of MODES) {
  for (const direction of ["up", "down"] as const) {
    const title = `${mode}: any byte ${direction} corrupted`;
    Deno.test(title, async () => {
      const { bytes } = await exchange(mode, {}, { patience: CALM });
      // A session's name has its own length each time: past the end, no harm.
      const length = bytes[direction];
      let repaired = 0;
      const offsets = Array.from({ length }, (_, at) => at);
      // Some at a time, as each may have to wait for its timeouts.
      while (offsets.length > 0) {
        await Promise.all(
          offsets.splice(0, 16).map(async (corruptAt) => {
            const faults = { [direction]: { corruptAt } };
            const { outcomes, resent } = await exchange(mode, faults);
            if (resent > 0 && outcomes.every((one) => one === "ok")) repaired++;
          }),
        );
      }
      assert(repaired > 30, `only ${repaired} were repaired`);
    });

    Deno.test(`${mode}: swallowed ${direction} from any point on`, async () => {
      const { bytes } = await exchange(mode, {}, { patience: CALM });
      const points = Array.from(
        { length: 24 },
        (_, i) => Math.floor(bytes[direction] * i / 24),
      );
      await Promise.all(points.map(async (swallowFrom) => {
        const faults = { [direction]: { swallowFrom } };
        const { outcomes } = await exchange(mode, faults);
        for (const one of outcomes) assert(one === "ok" || one === "NO_ANSWER");
      }));
    });
  }

  Deno.test(`${mode}: several corrupted bytes`, async () => {
    const { bytes } = await exchange(mode, {}, { patience: CALM });
    for (let round = 0; round < 12; round++) {
      const some = (length: number) =>
        Array.from({ length: 4 }, (_, i) => (round * 31 + i * 47) % length);
      await exchange(mode, {
        up: { corruptAt: some(bytes.up) },
        down: { corruptAt: some(bytes.down) },
      });
    }
  });

  Deno.test(`${mode}: delayed and sliced to single bytes`, async () => {
    const link = { delay: 5, slice: 1 };
    const { outcomes, delivered } = await exchange(
      mode,
      { up: link, down: link },
      { patience: CALM },
    );
    assertEquals([outcomes, delivered], [OK, MESSAGES]);
  });

  Deno.test(`${mode}: answers later than the timeout are no harm`, async () => {
    // Each packet is sent again before its answer can be here.
    const { outcomes, delivered } = await exchange(
      mode,
      { up: { delay: 30 }, down: { delay: 30 } },
      { patience: { ...CALM, ackTimeout: 40, maxRetransmissions: 100 } },
    );
    assertEquals([outcomes, delivered], [OK, MESSAGES]);
  });

  Deno.test(`${mode}: swallowing is noticed after the bounded retransmissions`, async () => {
    const seen: Uint8Array[] = [];
    const { delivered, outcomes } = await exchange(mode, {
      up: { record: (chunk) => seen.push(chunk.slice()) },
      down: { swallowFrom: await handshakeSize(mode) },
    }, { patience: { ...CALM, ackTimeout: 50 } });
    assertEquals(outcomes, MESSAGES.map(() => "NO_ANSWER"));
    assert(delivered.length >= 1, "the server got it, and its answer was lost");
    const text = new TextDecoder("latin1").decode(
      await new Blob(seen.map((one) => one.slice())).bytes(),
    );
    assertEquals(text.split("one").length - 1, 4);
    assert(text.includes("RETRANSMISSIONS_EXCEEDED"));
  });

  Deno.test(`${mode}: a connection that is cut anywhere`, async () => {
    const { bytes } = await exchange(mode, {}, { patience: CALM });
    for (let i = 0; i < 12; i++) {
      const cutAt = Math.floor(bytes.up * i / 12);
      const { outcomes } = await exchange(mode, { up: { cutAt } });
      for (const one of outcomes) assert(one === "ok" || one === "NO_ANSWER");
    }
  });
}

/** How long the SYN-ACK is. */
async function handshakeSize(mode: PacketMode): Promise<number> {
  let first = 0;
  await exchange(mode, {
    down: { record: (chunk) => first ||= chunk.length },
  }, { messages: [], patience: CALM });
  return first;
}
