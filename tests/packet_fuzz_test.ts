import { assert, assertEquals } from "@std/assert";
import { PacketClient, PacketServer } from "../packet.ts";
import { systemClock } from "../protocol/clock.ts";
import { CypherError } from "../protocol/errors.ts";
import { ConnTransport } from "../protocol/transport.ts";
import { Connection } from "../server/connection.ts";
import { Monitor } from "../server/monitor.ts";
import { checkPacketServerOptions } from "../server/packet/options.ts";
import { Session } from "../server/packet/session.ts";
import { Unproven } from "../server/unproven.ts";
import { raw } from "./support/packet_raw.ts";
import { Script } from "./support/packet_script.ts";

/** Of these, half go to the server and half to the client. */
const INPUTS = Deno.env.get("CYPHER_LONG") ? 200_000 : 20_000;
/** What the heap may have grown by in the end: less than 2 KiB an input. */
const GROWTH = 192 * 2 ** 20;

function heap(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/** Lets the event loop turn, which is when some memory is given back. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** A generator of numbers that a seed determines (mulberry32). */
function randomOf(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const fragment = (sequence: number, last: boolean, text: string) =>
  raw(1, Uint8Array.of(last ? 1 : 0, 0, sequence, ...utf8(text)), { sequence });

const TERMS = { operation_mode: "burst", max_size: 64, window_size: 4 };
const OURS = { ...TERMS, sequenced: true, fragments: true };
const ACCEPTED = { status: "ok", session_id: "known" };

/** What an established peer may say. */
const ESTABLISHED = [
  fragment(0, false, "a message in "),
  fragment(1, true, "two fragments"),
  fragment(3, true, "held"),
  raw(2, "ACK"),
  raw(2, "ACK", { sequence: 1 }),
  raw(3, { code: "CHECKSUM" }),
  raw(1, "plain"),
  raw(4),
  fragment(2, true, "the gap"),
  raw(3, { code: "TOO_LARGE" }),
  raw(5, "", { sequence: 4 }),
];

const TO_SERVER = [
  ...[OURS, TERMS].map((terms) => [
    raw(1, { ...terms, client_id: "fuzz" }),
    raw(3, { session_id: "known", message: "ok" }),
    ...ESTABLISHED,
  ]),
  [raw(1, OURS), raw(3, { session_id: "another" }), ...ESTABLISHED],
];
const TO_CLIENT = [OURS, TERMS].map((terms) => [
  raw(2, { ...ACCEPTED, ...terms }),
  ...ESTABLISHED,
]);

/** A conversation that went wrong: packets, then bytes, then chunks. */
function mutate(packets: Uint8Array[], random: () => number): Uint8Array[] {
  const pick = (below: number) => Math.floor(random() * below);
  const list: Uint8Array[] = packets.map((one) => one.slice());
  // The handshake mostly stays, or nothing behind it would ever be reached.
  const from = random() < 0.2 ? 0 : Math.min(2, list.length);
  for (let i = pick(4); i > 0; i--) {
    const at = from + pick(list.length - from);
    const other = from + pick(list.length - from);
    switch (pick(4)) {
      case 0:
        list.splice(at, 1);
        break;
      case 1:
        list.splice(at, 0, packets[other] ?? packets[0]!);
        break;
      case 2:
        list.splice(at, 0, raw(pick(7), "ACK", { sequence: pick(65_536) }));
        break;
      case 3:
        list.splice(at, 0, raw(1, "", { length: 2 ** pick(33) - 1 }));
    }
    if (list.length <= from) break;
  }
  const head = list.slice(0, from).reduce((sum, one) => sum + one.length, 0);
  const bytes = Uint8Array.from(list.flatMap((one) => [...one]));
  for (let i = pick(4); i > 0 && bytes.length > head; i--) {
    bytes[head + pick(bytes.length - head)] = pick(256);
  }
  const end = random() < 0.3 ? pick(bytes.length + 1) : bytes.length;
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < end;) {
    const size = random() < 0.5 ? 1 + pick(40) : end;
    chunks.push(bytes.subarray(at, Math.min(end, at + size)));
    at += size;
  }
  return chunks;
}

/** Counts how the inputs ended, so that a test sees that they got far. */
class Tally {
  #counts = new Map<string, number>();

  add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  reached(...what: string[]): void {
    const missing = what.filter((one) => !this.#counts.has(one));
    assertEquals(missing, [], JSON.stringify([...this.#counts]));
  }
}

const SEED = Number(Deno.env.get("CYPHER_SEED") ?? 1);

Deno.test(`fuzz: the server takes ${INPUTS / 2} mutated conversations`, async () => {
  const random = randomOf(SEED);
  const tally = new Tally();
  const monitor = new Monitor();
  monitor.listen((signal) => {
    if (signal.kind === "failure") tally.add(signal.code);
    if (signal.kind === "offline") tally.add(signal.reason);
    if (signal.kind === "request") tally.add(signal.operation);
    assert(signal.kind !== "offline" || signal.reason !== "internal");
  });
  const settings = checkPacketServerOptions({
    monitor,
    newSession: () => "known",
    maxSize: 64,
    limits: { messageBytes: 1_024 },
    handler: (_, { send }) => void send("answer").catch(() => {}),
  });
  const before = heap();
  const { signal } = new AbortController();
  for (let i = 0; i < INPUTS / 2; i++) {
    const chunks = mutate(TO_SERVER[i % 3]!, random);
    const script = new Script(chunks);
    const connection = new Connection({
      transport: new ConnTransport(script, 65_536),
      monitor,
      clock: systemClock,
      address: "fuzz:1",
      timeout: 60_000,
      unproven: new Unproven({ connections: Infinity, bytes: Infinity }),
    });
    await new Session(settings, connection, signal).run();
    await connection.release();
    assert(script.written < 4_096, `input ${i}: ${script.written} written`);
    if (i % 1_000 === 0) await turn();
  }
  assertEquals(monitor.connections(), []);
  tally.reached(
    "DATA",
    "CHECKSUM",
    "TOO_LARGE",
    "BAD_TYPE",
    "BAD_HANDSHAKE",
    "UNKNOWN_SESSION",
    "peer-closed",
    "protocol-error",
    "too-large",
  );
  const grown = heap() - before;
  assert(grown < GROWTH, `${grown} bytes more`);
});

Deno.test(`fuzz: the client takes ${INPUTS / 2} mutated conversations`, async () => {
  const random = randomOf(SEED + 1);
  const tally = new Tally();
  const before = heap();
  for (let i = 0; i < INPUTS / 2; i++) {
    const script = new Script(mutate(TO_CLIENT[i % 2]!, random));
    const client = new PacketClient({
      mode: "burst",
      maxSize: 64,
      limits: { messageBytes: 1_024 },
      dial: () => Promise.resolve(script),
      onMessage: () => tally.add("message"),
      onOffline: (reason) => tally.add(reason),
    });
    try {
      const connecting = client.connect();
      await connecting;
      await Promise.all([client.send("one"), client.send("two")]);
      tally.add("acknowledged");
    } catch (error) {
      assert(error instanceof CypherError, `input ${i}: ${error}`);
      tally.add(error.code);
    }
    await client.close();
    assert(script.written < 4_096, `input ${i}: ${script.written} written`);
    if (i % 1_000 === 0) await turn();
  }
  tally.reached(
    "message",
    "BAD_MESSAGE",
    "NO_ANSWER",
    "peer-closed",
    "protocol-error",
    "too-large",
  );
  const grown = heap() - before;
  assert(grown < GROWTH, `${grown} bytes more`);
});

Deno.test("fuzz: a server on a real socket still serves after noise", async () => {
  const random = randomOf(SEED + 2);
  let got = 0;
  await using server = new PacketServer({
    port: 0,
    maxSize: 64,
    handler: () => void got++,
  });
  await server.start();
  const { hostname, port } = server.address;
  for (let i = 0; i < 200; i++) {
    const conn = await Deno.connect({ hostname, port });
    for (const chunk of mutate(TO_SERVER[i % 3]!, random)) {
      await conn.write(chunk).catch(() => {});
    }
    conn.close();
  }
  await using client = new PacketClient({ port });
  await client.connect();
  const before = got;
  await client.send("still there?");
  assertEquals(got, before + 1);
});
