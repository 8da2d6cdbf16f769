/** An address that one of several threads refuses is refused by all of them. */

import { assertEquals } from "@std/assert";
import type { CypherServer } from "../../mod.ts";
import { Attacker, ELSEWHERE } from "../support/attacker.ts";
import { SignalLog, until, Wire } from "../support/cypher.ts";
import {
  killThread,
  newSecret,
  startThreads,
  threadIn,
  ThreadPeer,
} from "../support/threads.ts";

const BAD_TOKEN = "g".repeat(100) + "\0";
/** A ban at the second bad token, for longer than any test takes. */
const LIMITS = { badTokens: 1, banTime: 600_000 };
/** So many connections that each thread accepts some of them. */
const MANY = 40;

/** Has one of two threads ban the attackers; on the other they strike once. */
async function earnBan({ address, monitor }: CypherServer): Promise<void> {
  using signals = new SignalLog(monitor);
  const struck = new Set<string>();
  for (let count = 1;; count++) {
    await using attacker = Attacker.dial(address);
    attacker.send(BAD_TOKEN);
    const failures = await signals.wait("failure", count);
    const thread = threadIn(failures.at(-1)!.connection);
    if (struck.has(thread)) break;
    struck.add(thread);
  }
  await signals.wait("limit");
}

/**
 * Waits until two threads, other than those that are `gone`, have read whatever
 * the main thread told them before. Gives their numbers.
 */
async function told(
  { address, monitor }: CypherServer,
  gone: readonly string[] = [],
): Promise<string[]> {
  const threads: string[] = [];
  while (threads.length < 2) {
    const fits = (thread: string) => ![...gone, ...threads].includes(thread);
    using peer = await ThreadPeer.dial(address, newSecret(), fits);
    threads.push(peer.thread);
    const { connection } = (await peer.ask(1, {})).content.DATA;
    // What it is told is read in order: this after all that came before.
    await until("it can be closed", () => monitor.disconnect(connection));
    while (await peer.hear());
  }
  return threads;
}

/** How many of the attackers' connections are answered. */
async function answered({ address }: CypherServer): Promise<number> {
  using keys = await Wire.dial(address);
  let answers = 0;
  for (let i = 0; i < MANY; i++) {
    await using attacker = Attacker.dial(address);
    attacker.send(await keys.seal({ DATA: {} }));
    if (await attacker.answer()) answers++;
  }
  return answers;
}

Deno.test("a thread that replaces a dead one knows the bans in force", async () => {
  await using server = await startThreads({ limits: LIMITS });
  await earnBan(server);
  const threads = await told(server);
  const gone: string[] = [];
  for (const thread of threads) {
    await killThread(server, thread);
    gone.push(thread);
    await told(server, gone);
  }
  assertEquals(await answered(server), 0);
});

Deno.test("a ban that is earned on one thread holds on the others", async () => {
  await using server = await startThreads({ limits: LIMITS });
  using signals = new SignalLog(server.monitor);
  assertEquals(await answered(server), MANY);
  await earnBan(server);
  await told(server);
  assertEquals(await answered(server), 0);
  assertEquals(signals.of("limit").map(({ address }) => address), [ELSEWHERE]);
});
