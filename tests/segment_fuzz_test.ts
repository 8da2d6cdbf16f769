/**
 * Mutated conversations, fed to both sides as they are used: no crash, nothing
 * left behind, bounded reads, writes and memory.
 *
 * CYPHER_LONG=1 runs 200,000 inputs instead of 20,000; CYPHER_SEED=n runs the
 * one input that a failure has named.
 */
import { assert, assertEquals } from "@std/assert";
import { SegmentLink } from "../client/segment/link.ts";
import { checkSegmentClientOptions } from "../client/segment/options.ts";
import { CypherError } from "../protocol/errors.ts";
import { Connection } from "../server/connection.ts";
import { Monitor } from "../server/monitor.ts";
import { checkSegmentServerOptions } from "../server/segment/options.ts";
import { serveSession } from "../server/segment/session.ts";
import { Unproven } from "../server/unproven.ts";
import { block, header, NO, syn, YES } from "./support/segment_raw.ts";
import { hastyClock, ScriptTransport } from "./support/segment_script.ts";
import { bytes, seeded } from "./support/segment_watch.ts";

const INPUTS = Deno.env.get("CYPHER_LONG") === "1" ? 200_000 : 20_000;
const SEED = Deno.env.get("CYPHER_SEED");

const CLIENT_ISN = 1_001;
const SERVER_ISN = 2_001;
const SIZE = 300;
const RESENDS = 3;

type Version = 1 | 2;

/** What a client that behaves says to our server, but for one re-send each. */
function clientScript(version: Version): Uint8Array[] {
  const ack = { ack: SERVER_ISN + 1, seq: CLIENT_ISN + 1, bufferSize: SIZE };
  return [
    ...[syn({ version, bufferSize: 0 }), syn({ version, bufferSize: SIZE })],
    ...[NO, YES, block(...header({ version, ...ack }))],
    ...[bytes("one"), NO, YES, NO, YES],
    ...[bytes("two"), YES, YES],
  ];
}

/** What a server that behaves says to our client, but for one re-send each. */
function serverScript(version: Version): Uint8Array[] {
  const synAck = {
    ...{ version, syn: 1, ack: CLIENT_ISN + 1 },
    ...{ seq: SERVER_ISN, bufferSize: SIZE },
  };
  const data = (checksum: number) => {
    const echo = new Uint8Array(SIZE);
    const fields = { version, bufferSize: SIZE, checksum, length: 5 };
    echo.set([...header(fields), ...bytes("hello")]);
    return echo;
  };
  return [
    ...[NO, YES, block(), block(...header(synAck)), NO, YES],
    ...[data(7), data(0x2dbc), data(0x2dbc)],
  ];
}

/** Changes some of a script, and where it is split. */
function mutate(script: Uint8Array[], random: () => number): Uint8Array[] {
  const below = (limit: number) => Math.floor(random() * limit);
  const chunks = script.map((one) => one.slice());
  for (let changes = below(5); changes > 0 && chunks.length > 0; changes--) {
    const at = below(chunks.length);
    const chunk = chunks[at]!;
    switch (below(8)) {
      case 0:
        chunk[below(Math.min(chunk.length, 20))] = below(256);
        break;
      case 1:
        chunk[below(chunk.length)]! ^= 1 << below(8);
        break;
      case 2:
        chunks.splice(at, 1);
        break;
      case 3:
        chunks.splice(below(chunks.length), 0, chunk.slice());
        break;
      case 4:
        chunks[at] = chunk.slice(0, below(chunk.length));
        break;
      case 5:
        chunks.splice(
          at,
          0,
          Uint8Array.from({ length: below(600) }, () => below(256)),
        );
        break;
      case 6:
        chunks.length = at;
        break;
      case 7:
        chunks.push(...chunks.splice(at, 1));
        break;
    }
  }
  return resplit(chunks.filter((one) => one.length > 0), random);
}

function resplit(chunks: Uint8Array[], random: () => number): Uint8Array[] {
  if (random() < 0.5) return chunks;
  return chunks.flatMap((chunk) => {
    const at = Math.floor(random() * chunk.length);
    return at === 0 ? [chunk] : [chunk.subarray(0, at), chunk.subarray(at)];
  });
}

async function serverInput(random: () => number): Promise<boolean> {
  const monitor = new Monitor({ clock: hastyClock });
  let settled = false;
  const settings = checkSegmentServerOptions({
    monitor,
    clock: hastyClock,
    bufferSize: SIZE,
    resendPause: 0,
    random: () => SERVER_ISN / 65_536,
    limits: { bufferBytes: 1_000 },
    // Half of them with a handler, which has a path of its own.
    ...(random() < 0.5 && { handler: (message: Uint8Array) => message }),
  });
  const script = mutate(clientScript(random() < 0.5 ? 1 : 2), random);
  const transport = new ScriptTransport(script, random);
  const { timeout } = settings;
  const clock = hastyClock;
  const address = "fuzz:1";
  const connection = new Connection({
    transport,
    monitor,
    clock,
    timeout,
    address,
    unproven: new Unproven({ connections: 1, bytes: Infinity }),
  });
  const options = {
    settings,
    stopped: new AbortController().signal,
    tell: (step: string) => settled ||= step === "payload-intact",
  };
  await serveSession(connection, options);
  await connection.release();
  assertEquals(monitor.connections(), []);
  assert(connection.ended);
  // At most a status and a block for each block, or part of one, that it said.
  const said = script.reduce((sum, one) => sum + one.length, 0);
  assert(transport.written <= 512 * (transport.reads + said / 256));
  assert(transport.largestRead <= 1_024);
  return settled;
}

async function clientInput(random: () => number): Promise<boolean> {
  const version = random() < 0.5 ? 1 : 2;
  const settings = checkSegmentClientOptions({
    version,
    clock: hastyClock,
    bufferSize: SIZE,
    resends: RESENDS,
    resendPause: 0,
    random: () => CLIENT_ISN / 65_536,
  });
  const script = mutate(serverScript(version), random);
  const transport = new ScriptTransport(script, random);
  const link = new SegmentLink(transport, settings, () => {});
  let settled = false;
  try {
    await link.opened;
    for (let i = 0; i < 2; i++) {
      const answer = await link.exchange(bytes("hello"));
      assert(answer.length <= SIZE);
      settled = true;
    }
    link.close("closed");
  } catch (error) {
    assert(error instanceof CypherError, String(error));
  }
  await link.ended;
  assert(transport.written <= 256 * 4 * (2 * RESENDS + 6));
  assert(transport.largestRead <= SIZE);
  return settled;
}

for (
  const [side, input] of [
    ["server", serverInput],
    ["client", clientInput],
  ] as const
) {
  Deno.test(`mutated conversations with the ${side}`, async () => {
    const seeds = SEED === undefined
      ? Array.from({ length: INPUTS / 2 }, (_, index) => index)
      : [Number(SEED)];
    let settled = 0;
    let warm = 0;
    for (const [index, seed] of seeds.entries()) {
      if (index === 2_000) warm = Deno.memoryUsage().rss;
      try {
        if (await input(seeded(seed))) settled++;
      } catch (error) {
        throw new Error(`With CYPHER_SEED=${seed}`, { cause: error });
      }
    }
    if (SEED !== undefined) return;
    // The mutations leave enough right for data to be reached, and not all.
    assert(settled > seeds.length / 10 && settled < seeds.length, `${settled}`);
    const grown = Deno.memoryUsage().rss - warm;
    assert(grown < 128 * 1_048_576, `Memory has grown by ${grown} bytes`);
  });
}
