/** Classic tokens on several threads: each is executed by one of them, once. */

import { assertEquals } from "@std/assert";
import type { JsonValue } from "../../mod.ts";
import type { Wire } from "../support/cypher.ts";
import type { Asked } from "../support/thread_handler.ts";
import {
  dialClassic,
  Effects,
  killThread,
  startThreads,
  threadOf,
  Word,
} from "../support/threads.ts";

/** A token that asks for this. */
function tokenOf(
  wire: Wire,
  data: Asked,
  path = "/",
): Promise<Uint8Array<ArrayBuffer>> {
  const DATA = data as unknown as JsonValue;
  return wire.seal({ PATH: path, OPERATION: "NONE", DATA, METADATA: {} });
}

Deno.test("a token that was answered on one thread is answered alike on the other", async () => {
  using effects = new Effects();
  await using server = await startThreads();
  using one = await dialClassic(server, () => true);
  const thread = await threadOf(server, one);
  const token = await tokenOf(one, { file: effects.file, echo: "one" });
  await one.send(token);
  const answer = await one.receive();
  using other = await dialClassic(server, (found) => found !== thread);
  for (let i = 0; i < 2; i++) {
    await other.send(token);
    assertEquals(await other.receive(), answer);
  }
  assertEquals(effects.count, 1);
});

Deno.test("a token that runs on one thread is waited for on the other", async () => {
  using effects = new Effects();
  using word = new Word();
  await using server = await startThreads();
  using one = await dialClassic(server, () => true);
  const thread = await threadOf(server, one);
  using other = await dialClassic(server, (found) => found !== thread);
  const data = { file: effects.file, until: word.name };
  const token = await tokenOf(one, data);
  await one.send(token);
  await word.heard("waits");
  await other.send(token);
  // Answered after it on the same connection, had it been executed at once.
  word.say();
  assertEquals(await other.receive(), await one.receive());
  assertEquals(effects.count, 1);
});

Deno.test("tokens that come to both threads at once are executed once each", async () => {
  using effects = new Effects();
  await using server = await startThreads();
  using one = await dialClassic(server, () => true);
  const thread = await threadOf(server, one);
  using other = await dialClassic(server, (found) => found !== thread);
  const COUNT = 200;
  const { file } = effects;
  const tokens = await Promise.all(
    Array.from({ length: COUNT }, (_, echo) => tokenOf(one, { file, echo })),
  );
  const askAll = async (wire: Wire) => {
    const answers: JsonValue[] = [];
    for (const token of tokens) {
      await wire.send(token);
      answers.push(await wire.receive());
    }
    return answers;
  };
  const [answers, same] = await Promise.all([askAll(one), askAll(other)]);
  assertEquals(same, answers);
  assertEquals(effects.count, COUNT);
});

Deno.test("a token's thread has died: its answer is lost, or its outcome unknown", async () => {
  using effects = new Effects();
  using word = new Word();
  await using server = await startThreads();
  using one = await dialClassic(server, () => true);
  const thread = await threadOf(server, one);
  using again = await dialClassic(server, (found) => found === thread);
  using third = await dialClassic(server, (found) => found === thread);
  const { file } = effects;
  const until = word.name;
  const answered = await tokenOf(one, { file });
  const running = await tokenOf(one, { file, until });
  const idempotent = await tokenOf(one, { file, until }, "/IDEMPOTENT");
  await one.send(answered);
  await one.receive();
  await again.send(running);
  await third.send(idempotent);
  await word.heard("waits", 2);
  await killThread(server, thread);

  using other = await dialClassic(server, () => true);
  await other.send(answered);
  assertEquals(statusIn(await other.receive()), "ANSWER_LOST");
  await other.send(running);
  assertEquals(statusIn(await other.receive()), "OUTCOME_UNKNOWN");
  await other.send(idempotent);
  await word.heard("waits", 3);
  word.say();
  assertEquals(statusIn(await other.receive()), undefined);
  assertEquals(effects.count, 4);
});

Deno.test("who waits for a token on another thread learns of its death", async () => {
  using word = new Word();
  await using server = await startThreads();
  using one = await dialClassic(server, () => true);
  const thread = await threadOf(server, one);
  using other = await dialClassic(server, (found) => found !== thread);
  const token = await tokenOf(one, { until: word.name });
  await one.send(token);
  await word.heard("waits");
  await other.send(token);
  await killThread(server, thread);
  assertEquals(statusIn(await other.receive()), "OUTCOME_UNKNOWN");
});

function statusIn(answer: JsonValue): string | undefined {
  return (answer as { STATUS?: { code: string } }).STATUS?.code;
}
