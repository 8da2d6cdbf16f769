/**
 * `deno task demo`: a server, the dashboard, and a dozen clients that come, go,
 * are slow, fail and time out, so that the page can be seen alive.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import {
  CypherClient,
  CypherServer,
  CypherStatus,
  generateKeys,
  type Handler,
} from "../mod.ts";
import {
  type Command,
  complaintOf,
  helpOf,
  parseCommandLine,
} from "../protocol/command_line.ts";
import { serveDashboard } from "./serve.ts";

const COMMAND: Command = {
  usage: "deno task demo",
  about:
    `Serves the dashboard, with a dozen clients that come, go, are slow, fail and
time out. It says where the dashboard is; Ctrl-C ends it.`,
  positionals: [],
  flags: {},
};

/** Short, so that a timeout need not be waited for. */
const TIMEOUT = 20_000;

/** One client and its habits; times in ms. */
interface Character {
  readonly name: string;
  readonly wire: "session" | "classic";
  /** The mean time between two requests. */
  readonly every: number;
  /** The part of its requests that fail. */
  readonly fails?: number;
  /** How many requests it has in flight. */
  readonly inFlight?: number;
  /** How long it stays before it leaves for a while. */
  readonly stays?: number;
  /** After so many requests it says nothing more. */
  readonly silentAfter?: number;
}

const CAST: readonly Character[] = [
  { name: "cnc-mill-a", wire: "session", every: 40 },
  { name: "scale-west", wire: "classic", every: 90 },
  { name: "press-07", wire: "session", every: 60, inFlight: 3 },
  { name: "dock-cam-3", wire: "session", every: 700 },
  { name: "hvac-roof", wire: "classic", every: 9_000, fails: 0.2 },
  { name: "agv-11", wire: "session", every: 250, fails: 0.04, stays: 25_000 },
  { name: "agv-09", wire: "session", every: 300, stays: 9_000 },
  { name: "label-printer", wire: "classic", every: 500, silentAfter: 12 },
  { name: "oven-2", wire: "session", every: 3_000 },
  { name: "plc-line-4", wire: "session", every: 25 },
  { name: "backup-worker-1", wire: "session", every: 1_500, inFlight: 2 },
  { name: "gate-north", wire: "classic", every: 2_000, stays: 14_000 },
];

const handler: Handler = async ({ path, operation, data }) => {
  const work = 0.2 - Math.log(1 - Math.random()) * 1.5;
  await sleep(Math.random() < 0.01 ? work * 40 : work);
  if (data === "wrong") {
    throw new CypherStatus("BAD_READING", `${operation} ${path} is off scale`);
  }
  return { data: "UPDATED" };
};

/** One stay of a client: it asks until it has had enough, or the end comes. */
async function stay(
  client: CypherClient,
  { every, fails = 0, inFlight = 1, stays = Infinity, silentAfter = Infinity }:
    Character,
): Promise<void> {
  const leaves = performance.now() + stays;
  let asked = 0;
  const ask = async () => {
    while (performance.now() < leaves) {
      if (asked++ >= silentAfter) await sleep(TIMEOUT + 5_000);
      const data = Math.random() < fails ? "wrong" : Math.random() * 100;
      const request = { path: "/SENSOR", operation: "UPDATE", data };
      // Its failures are the demo's point, and shown on the page.
      await client.request(request).catch(() => {});
      await sleep(every * (0.5 + Math.random()));
    }
  };
  await Promise.all(Array.from({ length: inFlight }, ask));
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A client comes, stays, leaves, and comes again. */
async function live(
  character: Character,
  makeClient: (character: Character) => CypherClient,
): Promise<void> {
  for (;;) {
    const client = makeClient(character);
    await stay(client, character);
    await client.close();
    await sleep(2_000 + Math.random() * 6_000);
  }
}

if (import.meta.main) {
  try {
    if (parseCommandLine(COMMAND, Deno.args, () => undefined)) await main();
    else console.log(helpOf(COMMAND));
  } catch (error) {
    console.error(complaintOf(error));
    Deno.exit(1);
  }
}

async function main(): Promise<void> {
  const keys = generateKeys();
  const server = new CypherServer({
    port: 0,
    encryptionKey: keys.serverToClient,
    decryptionKey: keys.clientToServer,
    handler,
    timeout: TIMEOUT,
    deadline: 500,
  });
  await server.start();
  const sidecar = serveDashboard(server.monitor, {
    name: "demo-plant",
    fallbackPort: true,
  });
  console.log(`The dashboard is on ${sidecar.url}`);
  console.log("Ctrl-C ends the demo");
  for (const character of CAST) {
    live(character, ({ name, wire }) =>
      new CypherClient({
        port: server.address.port,
        encryptionKey: keys.clientToServer,
        decryptionKey: keys.serverToClient,
        wire,
        name,
      }));
  }
}
