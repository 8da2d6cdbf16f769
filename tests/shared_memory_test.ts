/** What threads write into memory that all of them see. */

import { assertEquals, assertNotEquals } from "@std/assert";
import { Answers } from "../server/answers.ts";
import { Executor } from "../server/executor.ts";
import type { Runner } from "../server/runner.ts";
import type { StoredAnswer } from "../server/stored_answer.ts";
import {
  enteredIn,
  Ledger,
  runningMemory,
  Slots,
} from "../server/threads/ledger.ts";
import {
  identityMemory,
  SharedIdentities,
} from "../server/threads/shared_identities.ts";

const TOKENS = 1_024;

/** Two threads' views of the same identities, as threads 1 and 2. */
function twoThreads() {
  const memory = identityMemory(TOKENS);
  return {
    memory,
    one: new SharedIdentities(memory, TOKENS, 1),
    two: new SharedIdentities(memory, TOKENS, 2),
  };
}

/** The n-th of many identities. */
function identity(n: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, Math.imul(n + 1, 2_654_435_761));
  new DataView(bytes.buffer).setUint32(4, n);
  return bytes;
}

Deno.test("an identity is the thread's that claims it first", () => {
  const { one, two } = twoThreads();
  assertEquals(one.claim(identity(0)), { serial: 0, fresh: true });
  assertEquals(two.claim(identity(0)), { serial: 0, fresh: false, owner: 1 });
  assertEquals(one.claim(identity(0)), { serial: 0, fresh: false });
  assertEquals(two.claim(identity(1)), { serial: 1, fresh: true });
  assertEquals(one.claim(identity(1)), { serial: 1, fresh: false, owner: 2 });
});

Deno.test("the oldest identities make room, whoever claimed them", () => {
  const { one, two } = twoThreads();
  for (let n = 0; n < 3 * TOKENS; n++) {
    const thread = n % 2 === 0 ? one : two;
    assertEquals(thread.claim(identity(n)), { serial: n, fresh: true });
  }
  assertEquals(one.oldest, 2 * TOKENS);
  for (let n = 2 * TOKENS; n < 3 * TOKENS; n++) {
    assertEquals(one.claim(identity(n)).serial, n);
  }
  assertEquals(two.claim(identity(0)), { serial: 3 * TOKENS, fresh: true });
});

Deno.test("what became of a dead thread's identity: it was done, or somebody adopts it", () => {
  const { one, two } = twoThreads();
  one.claim(identity(0));
  one.claim(identity(1));
  one.done(0);
  assertEquals(two.wasDone(0, 1), true);
  assertEquals(two.wasDone(1, 1), false);
  assertEquals(two.adopt(1, 1), true);
  assertEquals(two.adopt(1, 1), false);
  assertEquals(two.claim(identity(1)), { serial: 1, fresh: false });
});

Deno.test("a thread that dies with the lock leaves nothing broken", () => {
  for (const claimed of [5, TOKENS, TOKENS + 7]) {
    const { memory, one, two } = twoThreads();
    for (let n = 0; n < claimed; n++) one.claim(identity(n));
    // As it is in the midst of adding: the lock taken, the table in disorder,
    // the oldest row half overwritten.
    new Int32Array(memory, 0, 1)[0] = 1 + 1;
    const words = new Uint32Array(memory, 64);
    words.fill(7, 4 * TOKENS, 6 * TOKENS);
    words[4 * (claimed % TOKENS)] = 1;
    // Another's death does not free it.
    two.died(3);
    assertEquals(new Int32Array(memory, 0, 1)[0], 2);
    two.died(1);
    const oldest = Math.max(0, claimed - TOKENS + 1);
    for (let n = oldest; n < claimed; n++) {
      assertEquals(two.claim(identity(n)).serial, n);
    }
    for (let n = claimed; n < claimed + 2 * TOKENS; n++) {
      assertEquals(two.claim(identity(n)), { serial: n, fresh: true });
    }
  }
});

Deno.test("a ledger says what ran, and the highest id of each client", () => {
  const slots = new Slots(100_000);
  const running = runningMemory();
  const ledger = new Ledger({ highest: slots.memory, running });
  const client = slots.take();
  const other = slots.take();
  const first = ledger.enter(client, 1, false);
  ledger.enter(client, 2, true);
  ledger.enter(other, 9, false);
  ledger.leave(first);
  assertEquals(enteredIn(running), [
    { slot: client, id: 2, idempotent: true },
    { slot: other, id: 9, idempotent: false },
  ]);
  assertEquals([slots.highest(client), slots.highest(other)], [2, 9]);
});

Deno.test("a place that is another client's has a slot of its own", () => {
  const slots = new Slots(100_000);
  const running = runningMemory();
  const ledger = new Ledger({ highest: slots.memory, running });
  const before = slots.take();
  ledger.enter(before, 5, false);
  slots.free(before);
  const after = slots.take();
  assertNotEquals(after, before);
  assertEquals(slots.highest(after), 0);
  ledger.enter(after, 7, false);
  assertEquals(enteredIn(running).map(({ slot }) => slot), [before, after]);
  assertEquals(slots.highest(after), 7);
  // There is no need for more memory.
  for (let last = after, i = 0; i < 100_000; i++) {
    slots.free(last);
    last = slots.take();
  }
  assertEquals(slots.memory.byteLength, new Slots(100_000).memory.byteLength);
});

Deno.test("repeats of what was cut off that come together are one execution", async () => {
  const { one, two } = twoThreads();
  one.claim(identity(0));
  const answers = new Answers({
    maxBytes: 1_000,
    tokens: TOKENS,
    identities: two,
    elsewhere: {
      ask: () => Promise.resolve("unfinished"),
      adopt: (serial, owner) => two.adopt(serial, owner),
    },
  });
  let begun = 0;
  const reply = Promise.withResolvers<StoredAnswer>();
  const run: Runner["run"] = () => {
    begun++;
    return reply.promise;
  };
  const executor = new Executor({
    runner: { run } as Partial<Runner> as Runner,
    answers,
    idempotent: () => true,
  });
  const request = {
    path: "/",
    operation: "NONE",
    data: null,
    metadata: {},
    extra: {},
  };
  const origin = { id: "1-1", address: "" };
  const both = [1, 2].map(() => executor.execute(request, identity(0), origin));
  const answer = { text: "{}", status: "OK", message: "" };
  reply.resolve(answer);
  assertEquals(await Promise.all(both), [
    { serial: 0, repeated: false, answer },
    { serial: 0, repeated: true, answer },
  ]);
  assertEquals(begun, 1);
});

Deno.test("what was pushed out and is claimed anew is not done with its forerunner", () => {
  const { one, two } = twoThreads();
  for (let n = 0; n <= TOKENS; n++) one.claim(identity(n));
  // The first of them ends only now: its place is the last one's.
  one.done(0);
  assertEquals(two.wasDone(TOKENS, 1), false);
  assertEquals(two.adopt(0, 1), false);
  assertEquals(two.adopt(TOKENS, 1), true);
});

Deno.test("a ledger grows with what runs, and with the clients", () => {
  const slots = new Slots(100_000);
  const running = runningMemory();
  const ledger = new Ledger({ highest: slots.memory, running });
  const places: number[] = [];
  for (let id = 1; id <= 5_000; id++) {
    const slot = slots.take();
    places.push(ledger.enter(slot, id, false));
    assertEquals(slots.highest(slot), id);
  }
  assertEquals(enteredIn(running).length, 5_000);
  for (const place of places) ledger.leave(place);
  assertEquals(enteredIn(running), []);
});
