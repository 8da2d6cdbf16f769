/** The bound on a connection's memory that the README states. */

import { assert, assertEquals } from "@std/assert";
import { FRAME } from "../../protocol/frames.ts";
import { clientKeys, Wire, within } from "../support/cypher.ts";
import type { MemoryReport, MemoryTask } from "../support/memory_server.ts";
import { Program } from "../support/program.ts";
import { SessionPeer } from "../support/session_peer.ts";

const KIB = 1_024;
const CLIENTS = 20;
const WINDOW = 8;
const ANSWER = 256 * KIB;
const WRITE_BUFFER = 512 * KIB;
const MESSAGE = 64 * KIB;
const KEPT = 8 * KIB * KIB;
/** What a hundred objects and a few rounded-up buffers take. */
const SMALL = 4 * KIB * KIB;
/** What is resident besides: garbage until it is collected, and freed pages. */
const GARBAGE = 128 * KIB * KIB;
/** Many times what the bound allows for one connection. */
const REQUESTS = 160;

/** A peer that asks and never reads. */
interface Greedy extends Disposable {
  ask(): Promise<void>;
}

Deno.test("a session that never reads holds no more than is stated", async () => {
  const report = await measure(async (port) => {
    const peer = await SessionPeer.dial({ hostname: "127.0.0.1", port });
    const late = range(1, WINDOW - 1);
    const soon = range(WINDOW, REQUESTS);
    return {
      ask: async () => {
        await peer.send(FRAME.request, late, '{"PATH":"/LATE"}');
        await peer.send(FRAME.request, soon, '{"PATH":"/SOON"}');
      },
      [Symbol.dispose]: () => peer[Symbol.dispose](),
    };
  });
  const each = MESSAGE + 2 * (WRITE_BUFFER + WINDOW * ANSWER);
  assert(report.executed >= CLIENTS * WINDOW);
  assert(report.held > CLIENTS * WRITE_BUFFER, "There was no pressure");
  assertWithin(report, CLIENTS * each);
});

Deno.test("a classic peer that never reads holds one answer", async () => {
  const report = await measure(async (port) => {
    const wire = await Wire.dial({ hostname: "127.0.0.1", port }, clientKeys);
    const first = await wire.seal({ PATH: "/SOON" });
    // A message that has begun is what makes it known.
    await wire.send(first.subarray(0, 1));
    return {
      ask: async () => {
        await wire.send(first.subarray(1));
        for (const _ of range(2, REQUESTS)) {
          await wire.send(await wire.seal({ PATH: "/SOON" }));
        }
      },
      [Symbol.dispose]: () => wire.close(),
    };
  });
  assert(report.held > CLIENTS * ANSWER, "There was no pressure");
  assertWithin(report, CLIENTS * (MESSAGE + 2 * ANSWER));
});

/** The bound is that of the connections; the answers kept are shared by all. */
function assertWithin(
  { held, resident, reasons }: MemoryReport,
  connections: number,
): void {
  const bound = connections + KEPT + SMALL;
  assertEquals(reasons, Array(CLIENTS).fill("slow-reader"));
  assert(held <= bound, `${held} bytes were held, ${bound} are stated`);
  const most = 2 * bound + GARBAGE;
  assert(resident <= most, `${resident} bytes were resident, of ${most}`);
}

/** Lets greedy peers ask, until the server has closed them all. */
async function measure(
  dial: (port: number) => Promise<Greedy>,
): Promise<MemoryReport> {
  const task: MemoryTask = {
    clients: CLIENTS,
    answer: ANSWER,
    options: {
      window: WINDOW,
      timeout: 1_000,
      answers: { maxBytes: KEPT },
      limits: {
        messageBytes: MESSAGE,
        writeBufferBytes: WRITE_BUFFER,
        writeTimeout: 1_000,
      },
    },
  };
  const script = new URL("../support/memory_server.ts", import.meta.url);
  await using program = new Program([
    "run",
    "--no-prompt",
    "--allow-net",
    "--v8-flags=--expose-gc",
    script.pathname,
    JSON.stringify(task),
  ]);
  await program.prints("\n");
  using peers = new DisposableStack();
  const greedy: Greedy[] = [];
  while (greedy.length < CLIENTS) {
    greedy.push(peers.use(await dial(Number(program.output))));
  }
  await within("the clients' arrival", program.prints("base"));
  await Promise.all(greedy.map((one) => one.ask().catch(ignore)));
  assertEquals(await within("the end", program.ended), 0, program.errors);
  return JSON.parse(program.output.split("\n").at(-2)!);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** The server closes whoever does not read, in the middle of asking too. */
function ignore(): void {}
