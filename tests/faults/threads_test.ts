/** Sessions on several threads: a client is the same on each of them. */

import { assert, assertEquals } from "@std/assert";
import { FRAME } from "../../protocol/frames.ts";
import type { Connection } from "../../server/connection.ts";
import { ServerSession } from "../../server/session/server_session.ts";
import type { SessionWireOptions } from "../../server/session/session_options.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  Effects,
  killThread,
  newSecret,
  startThreads,
  ThreadPeer,
  Word,
} from "../support/threads.ts";

/** Which thread a peer is not on. */
function notOn({ thread }: ThreadPeer): (other: string) => boolean {
  return (other) => other !== thread;
}

Deno.test("an answer is found on whichever thread its client comes back to", async () => {
  using effects = new Effects();
  await using server = await startThreads();
  const secret = newSecret();
  using first = await ThreadPeer.dial(server.address, secret);
  assertEquals(first.known, false);
  const answer = await first.ask(1, { file: effects.file, echo: "one" });
  assertEquals(answer.content.DATA.echo, "one");

  using second = await ThreadPeer.dial(server.address, secret, notOn(first));
  assertEquals(second.known, true);
  assertEquals(await second.ask(1, { file: effects.file }), answer);
  // The older connection is told, and closed.
  assertEquals((await first.hear())?.content.reason, "replaced");
  assertEquals(await first.hear(), undefined);
  // And back again.
  using third = await ThreadPeer.dial(server.address, secret, notOn(second));
  assertEquals(await third.ask(1, { file: effects.file }), answer);
  assertEquals(effects.count, 1);
});

Deno.test("a request runs on where it began, and its answer follows the client", async () => {
  using effects = new Effects();
  using word = new Word();
  await using server = await startThreads();
  const secret = newSecret();
  const slow = { file: effects.file, until: word.name, echo: "slow" };
  using first = await ThreadPeer.dial(server.address, secret);
  await first.request(1, slow);
  await word.heard("waits");

  using second = await ThreadPeer.dial(server.address, secret, notOn(first));
  await second.request(1, slow);
  assertEquals((await second.ask(2, { echo: 2 })).content.DATA.echo, 2);
  word.say();
  const answer = await second.hear();
  assertEquals(answer?.id, 1);
  assertEquals(answer?.content.DATA.echo, "slow");
  using third = await ThreadPeer.dial(server.address, secret, notOn(second));
  assertEquals(await third.ask(1, slow), answer);
  assertEquals(effects.count, 1);
});

Deno.test("a client that comes back finds its own request still running", async () => {
  using effects = new Effects();
  using word = new Word();
  await using server = await startThreads();
  const secret = newSecret();
  const slow = { file: effects.file, until: word.name };
  using first = await ThreadPeer.dial(server.address, secret);
  await first.request(1, slow);
  await word.heard("waits");
  using second = await ThreadPeer.dial(server.address, secret, notOn(first));
  using third = await ThreadPeer.dial(server.address, secret, notOn(second));
  await third.request(1, slow);
  word.say();
  assertEquals((await third.hear())?.id, 1);
  assertEquals(effects.count, 1);
});

Deno.test("a cancel reaches the thread where the request runs", async () => {
  using word = new Word();
  await using server = await startThreads();
  const secret = newSecret();
  using first = await ThreadPeer.dial(server.address, secret);
  await first.request(1, { until: word.name });
  await word.heard("waits");
  using second = await ThreadPeer.dial(server.address, secret, notOn(first));
  await second.send(FRAME.cancel, 1);
  const ending = await second.hear();
  assertEquals([ending?.id, ending?.content.code], [1, "CANCELLED"]);
  await word.heard("aborted");
});

for (const die of ["throw", "reject", "close", "exit"] as const) {
  Deno.test(`a thread dies (${die}): what ran is unknown, what it alone held is lost`, async () => {
    using effects = new Effects();
    using word = new Word();
    await using server = await startThreads();
    const secret = newSecret();
    const { file } = effects;
    const until = word.name;
    using first = await ThreadPeer.dial(server.address, secret);
    assertEquals((await first.ask(1, { file })).type, FRAME.response);
    await first.request(2, { file, until });
    await first.request(3, { file, until }, "/IDEMPOTENT");
    await word.heard("waits", 2);
    await killThread(server, first.thread, die);

    using second = await ThreadPeer.dial(server.address, secret);
    assertEquals(second.known, true);
    assertEquals((await second.ask(1, { file })).content.code, "ANSWER_LOST");
    const unknown = await second.ask(2, { file });
    assertEquals(unknown.content.code, "OUTCOME_UNKNOWN");
    // May run twice, and never came before.
    assertEquals((await second.ask(3, {}, "/IDEMPOTENT")).id, 3);
    assertEquals((await second.ask(4, { file })).type, FRAME.response);
    assertEquals(effects.count, 4);
  });
}

Deno.test("what runs on a thread that dies is unknown to the one that waits for it", async () => {
  using word = new Word();
  await using server = await startThreads();
  const secret = newSecret();
  using first = await ThreadPeer.dial(server.address, secret);
  await first.request(1, { until: word.name });
  await word.heard("waits");
  using second = await ThreadPeer.dial(server.address, secret, notOn(first));
  await killThread(server, first.thread);
  const ending = await second.hear();
  assertEquals([ending?.id, ending?.content.code], [1, "OUTCOME_UNKNOWN"]);
});

Deno.test("what may run again does, when its thread dies and its client is on another", async () => {
  using effects = new Effects();
  using word = new Word();
  await using server = await startThreads();
  const secret = newSecret();
  const slow = { file: effects.file, until: word.name, echo: "slow" };
  using first = await ThreadPeer.dial(server.address, secret);
  await first.request(1, slow, "/IDEMPOTENT");
  await word.heard("waits");
  using second = await ThreadPeer.dial(server.address, secret, notOn(first));
  await second.request(1, slow, "/IDEMPOTENT");
  await killThread(server, first.thread);
  // Nobody but the client has it: the connection ends, for it to be sent again.
  assertEquals(await second.hear(), undefined);
  using third = await ThreadPeer.dial(server.address, secret);
  assertEquals(third.known, true);
  await third.request(1, slow, "/IDEMPOTENT");
  await word.heard("waits", 2);
  word.say();
  const answer = await third.hear();
  assertEquals([answer?.id, answer?.type], [1, FRAME.response]);
  // Its ending is kept like any other.
  assertEquals(await third.ask(1, slow, "/IDEMPOTENT"), answer);
  assertEquals(effects.count, 2);
});

Deno.test("however much was cut off, its client's connection ends once, and politely", () => {
  const reasons: string[] = [];
  const connection = {
    ended: false,
    end(reason: string) {
      this.ended = true;
      reasons.push(reason);
    },
  };
  const session = new ServerSession(
    {
      clock: new FakeClock(),
      heartbeat: 1_000,
      messageBytes: 1_000,
    } as Partial<SessionWireOptions> as SessionWireOptions,
    connection as Partial<Connection> as Connection,
  );
  session.interrupted();
  session.interrupted();
  assertEquals(reasons, ["internal"]);
});

Deno.test("what runs on a thread that lives is answered, though its client's died", async () => {
  using effects = new Effects();
  using word = new Word();
  await using server = await startThreads();
  const secret = newSecret();
  const slow = { file: effects.file, until: word.name };
  using first = await ThreadPeer.dial(server.address, secret);
  await first.request(1, slow);
  await word.heard("waits");
  using second = await ThreadPeer.dial(server.address, secret, notOn(first));
  assertEquals((await second.ask(2, {})).id, 2);
  await killThread(server, second.thread);
  using third = await ThreadPeer.dial(server.address, secret);
  assert(third.known);
  await third.request(1, slow);
  assertEquals((await third.ask(2, {})).content.code, "ANSWER_LOST");
  word.say();
  const answer = await third.hear();
  assertEquals([answer?.id, answer?.type], [1, FRAME.response]);
  assertEquals(effects.count, 1);
});
