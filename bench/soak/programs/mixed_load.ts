/**
 * A little of everything, for as long as it runs: both wires, small and large
 * answers, errors, cancels, deadlines, clients that come back, strangers.
 *
 * @module
 */
import type { CypherClient } from "../../../mod.ts";
import { filler } from "../../support.ts";
import { answering, given } from "../answering.ts";
import { badToken, clientOf, pause, strangerTo } from "../clients.ts";

/** What it is started with. */
export interface MixedTask {
  readonly port: number;
  /** How many clients there are on each wire. */
  readonly clients: number;
}

/** How many requests ended how. */
export type MixedFigures = Readonly<Record<string, number>>;

/** After how many requests a client goes, and another comes. */
const LIFE = 200;
/** Between two requests of a client, in ms. */
const REST = 10;
/** Between two strangers, in ms: few enough not to be banned. */
const STRANGERS = 5_000;

/** What is asked, with how often of a hundred. */
const KINDS: readonly [number, (client: CypherClient) => Promise<unknown>][] = [
  [60, (client) => client.request({ path: "/NUMBER", data: 42 })],
  [10, (client) => client.request({ path: "/NUMBER", data: filler(10_000) })],
  [5, (client) => client.request({ path: "/BIG", data: 300_000 })],
  [5, (client) => client.request({ path: "/REFUSE" })],
  [5, (client) => client.request({ path: "/FAIL" })],
  [5, (client) => cancelled(client)],
  [
    5,
    (client) => client.request({ path: "/WAIT", data: 200 }, { deadline: 20 }),
  ],
  [5, (client) =>
    Promise.all(Array.from(
      { length: 20 },
      () => client.request({ path: "/WAIT", data: 5 }),
    ))],
];

await answering(() => {
  const { port, clients } = given<MixedTask>();
  const outcomes: Record<string, number> = {};

  async function live(wire: "session" | "classic"): Promise<void> {
    for (;;) {
      await using client = clientOf(port, { wire });
      for (let i = 0; i < LIFE; i++) {
        const outcome = await outcomeOf(pick()(client));
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        await pause(REST);
      }
    }
  }

  for (let i = 0; i < clients; i++) {
    live("session");
    live("classic");
  }
  setInterval(() => strangerTo(port).write(badToken()), STRANGERS);
  return Promise.resolve({ outcomes: (): MixedFigures => outcomes });
});

function pick(): (client: CypherClient) => Promise<unknown> {
  let left = Math.random() * 100;
  return KINDS.find(([weight]) => (left -= weight) < 0)?.[1] ?? KINDS[0]![1];
}

async function outcomeOf(asking: Promise<unknown>): Promise<string> {
  try {
    await asking;
    return "answered";
  } catch (error) {
    const { status, code } = error as { status?: string; code?: string };
    return status ?? code ?? String(error);
  }
}

async function cancelled(client: CypherClient): Promise<void> {
  const signal = AbortSignal.timeout(5);
  await client.request({ path: "/WAIT", data: 200 }, { signal });
}
