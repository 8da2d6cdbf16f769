import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Broadcast, type Subscription } from "../protocol/broadcast.ts";

function publish(broadcast: Broadcast<number>, from: number, to: number): void {
  for (let value = from; value <= to; value++) broadcast.publish(value);
}

/** All that a subscription yields until its end. */
async function drain<T>(subscription: Subscription<T>): Promise<T[]> {
  return await Array.fromAsync(subscription);
}

/** Whether a promise settles without anything more happening. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  promise.then(() => settled = true, () => settled = true);
  for (let i = 0; i < 20; i++) await Promise.resolve();
  return settled;
}

Deno.test("a subscription yields what is published from then on, in order", async () => {
  const broadcast = new Broadcast<number>();
  publish(broadcast, 1, 3);
  const subscription = broadcast.subscribe();
  publish(broadcast, 4, 6);
  broadcast.close();
  assertEquals(await drain(subscription), [4, 5, 6]);
  assertEquals(subscription.dropped, 0);
});

Deno.test("next waits for what is not there yet", async () => {
  const broadcast = new Broadcast<number>();
  await using subscription = broadcast.subscribe();
  const [first, second] = [subscription.next(), subscription.next()];
  assertEquals(await settles(first), false);
  broadcast.publish(1);
  assertEquals(await first, { done: false, value: 1 });
  assertEquals(await settles(second), false);
  publish(broadcast, 2, 3);
  assertEquals(await second, { done: false, value: 2 });
  assertEquals(await subscription.next(), { done: false, value: 3 });
});

Deno.test("falsy values are values", async () => {
  const broadcast = new Broadcast<unknown>();
  const subscription = broadcast.subscribe();
  const waiting = subscription.next();
  for (const value of [undefined, 0, null, "", false]) broadcast.publish(value);
  broadcast.close();
  assertEquals(await waiting, { done: false, value: undefined });
  assertEquals(await drain(subscription), [0, null, "", false]);
});

Deno.test("each subscriber gets every value, at its own pace", async () => {
  const broadcast = new Broadcast<number>();
  const early = broadcast.subscribe();
  broadcast.publish(1);
  const late = broadcast.subscribe();
  const small = broadcast.subscribe({ capacity: 1 });
  publish(broadcast, 2, 4);
  assertEquals(await early.next(), { done: false, value: 1 });
  await early.return();
  broadcast.publish(5);
  broadcast.close();
  assertEquals(await drain(early), []);
  assertEquals(await drain(late), [2, 3, 4, 5]);
  assertEquals(await drain(small), [5]);
  assertEquals([early.dropped, late.dropped, small.dropped], [0, 0, 3]);
});

Deno.test("over its capacity a subscription drops the oldest, and counts them", async () => {
  for (const capacity of [1, 2, 10]) {
    const broadcast = new Broadcast<number>();
    const subscription = broadcast.subscribe({ capacity });
    publish(broadcast, 1, capacity);
    assertEquals(subscription.dropped, 0);
    publish(broadcast, capacity + 1, 100);
    assertEquals(subscription.dropped, 100 - capacity);
    assertEquals((await subscription.next()).value, 101 - capacity);
    broadcast.publish(101);
    assertEquals(subscription.dropped, 100 - capacity);
    broadcast.close();
    assertEquals((await drain(subscription)).at(-1), 101);
  }
});

Deno.test("the default capacity is 10,000", async () => {
  const broadcast = new Broadcast<number>();
  const subscription = broadcast.subscribe();
  publish(broadcast, 1, 10_000);
  assertEquals(subscription.dropped, 0);
  publish(broadcast, 10_001, 10_003);
  assertEquals(subscription.dropped, 3);
  broadcast.close();
  const values = await drain(subscription);
  assertEquals([values.length, values[0], values.at(-1)], [10_000, 4, 10_003]);
});

Deno.test("what somebody waits for does not count as waiting", async () => {
  const broadcast = new Broadcast<number>();
  await using subscription = broadcast.subscribe({ capacity: 1 });
  const taken = [subscription.next(), subscription.next()];
  publish(broadcast, 1, 3);
  assertEquals((await Promise.all(taken)).map(({ value }) => value), [1, 2]);
  assertEquals((await subscription.next()).value, 3);
  assertEquals(subscription.dropped, 0);
});

Deno.test("any publishing and taking: values in order, each taken or dropped", async () => {
  const step = fc.oneof(fc.constant("publish"), fc.constant("take"));
  await fc.assert(fc.asyncProperty(
    fc.array(step, { maxLength: 60 }),
    fc.integer({ min: 1, max: 5 }),
    async (steps, capacity) => {
      const broadcast = new Broadcast<number>();
      const subscription = broadcast.subscribe({ capacity });
      let made = 0;
      const taking: Promise<IteratorResult<number, undefined>>[] = [];
      for (const what of steps) {
        if (what === "publish") broadcast.publish(made++);
        else taking.push(subscription.next());
      }
      broadcast.close();
      const taken = (await Promise.all(taking))
        .filter(({ done }) => !done).map(({ value }) => value!);
      const values = [...taken, ...await drain(subscription)];
      assertEquals(values, values.toSorted((a, b) => a - b));
      assertEquals(values.length + subscription.dropped, made);
      if (made > 0) assert(taken.length === made || values.at(-1) === made - 1);
    },
  ));
});

Deno.test("close ends each subscription after what it holds", async () => {
  const broadcast = new Broadcast<number>();
  const holding = broadcast.subscribe();
  publish(broadcast, 1, 2);
  const waiting = broadcast.subscribe();
  const next = waiting.next();
  broadcast.close();
  assertEquals(await next, { done: true, value: undefined });
  assertEquals(await drain(holding), [1, 2]);
  assertEquals(await holding.next(), { done: true, value: undefined });
  assertEquals(broadcast.watched, false);
  broadcast.publish(3);
  assertEquals(await holding.next(), { done: true, value: undefined });
  broadcast.close();
});

Deno.test("return ends a subscription and drops what it holds", async () => {
  const broadcast = new Broadcast<number>();
  const subscription = broadcast.subscribe();
  publish(broadcast, 1, 3);
  assertEquals(await subscription.return(), { done: true, value: undefined });
  assertEquals(await subscription.next(), { done: true, value: undefined });
  assertEquals(broadcast.watched, false);
  broadcast.publish(4);
  assertEquals(await drain(subscription), []);
  assertEquals(await subscription.return(), { done: true, value: undefined });
});

Deno.test("return ends those who wait", async () => {
  const broadcast = new Broadcast<number>();
  const subscription = broadcast.subscribe();
  const waiting = [subscription.next(), subscription.next()];
  await subscription.return();
  for (const one of waiting) assertEquals((await one).done, true);
});

Deno.test("break and await using end a subscription", async () => {
  const broadcast = new Broadcast<number>();
  const looped = broadcast.subscribe();
  publish(broadcast, 1, 3);
  for await (const value of looped) {
    if (value === 2) break;
  }
  assertEquals(broadcast.watched, false);
  {
    await using subscription = broadcast.subscribe();
    assertEquals([broadcast.watched, subscription.dropped], [true, 0]);
  }
  assertEquals(broadcast.watched, false);
});

Deno.test("an aborted signal ends a subscription", async () => {
  const broadcast = new Broadcast<number>();
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = broadcast.subscribe({ signal });
  const next = waiting.next();
  const other = broadcast.subscribe();
  controller.abort();
  assertEquals((await next).done, true);
  broadcast.publish(1);
  assertEquals((await waiting.next()).done, true);
  assertEquals((await other.next()).value, 1);
  const late = broadcast.subscribe({ signal });
  broadcast.publish(2);
  assertEquals((await late.next()).done, true);
  await other.return();
  assertEquals(broadcast.watched, false);
});

Deno.test("an ended subscription leaves nothing on its signal", async () => {
  const broadcast = new Broadcast<number>();
  const { signal } = new AbortController();
  const listening = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (type: string, listener: unknown) => {
    listening.add(listener);
    addEventListener.call(signal, type, listener as EventListener);
  };
  signal.removeEventListener = (type: string, listener: unknown) => {
    listening.delete(listener);
    removeEventListener.call(signal, type, listener as EventListener);
  };
  const subscriptions = [1, 2, 3].map(() => broadcast.subscribe({ signal }));
  assertEquals(listening.size, 3);
  await subscriptions[0]!.return();
  assertEquals(listening.size, 2);
  broadcast.close();
  assertEquals(listening.size, 0);
});

Deno.test("watched tells whether anybody would see a value", async () => {
  const broadcast = new Broadcast<number>();
  assertEquals(broadcast.watched, false);
  const unlisten = broadcast.listen(() => {});
  const subscription = broadcast.subscribe();
  assertEquals(broadcast.watched, true);
  unlisten();
  assertEquals(broadcast.watched, true);
  await subscription.return();
  assertEquals(broadcast.watched, false);
});

Deno.test("a listener is called at once, until it is taken back", () => {
  const broadcast = new Broadcast<number>();
  const heard: number[] = [];
  const unlisten = broadcast.listen((value) => heard.push(value));
  broadcast.publish(1);
  assertEquals(heard, [1]);
  broadcast.publish(2);
  unlisten();
  unlisten();
  broadcast.publish(3);
  assertEquals(heard, [1, 2]);
});

Deno.test("a listener may take itself back while it is called", () => {
  const broadcast = new Broadcast<number>();
  const heard: string[] = [];
  const unlisten = broadcast.listen((value) => {
    heard.push(`once ${value}`);
    unlisten();
  });
  broadcast.listen((value) => heard.push(`always ${value}`));
  publish(broadcast, 1, 2);
  assertEquals(heard, ["once 1", "always 1", "always 2"]);
});

Deno.test("one function that listens twice listens until both are taken back", () => {
  const broadcast = new Broadcast<number>();
  const heard: number[] = [];
  const listener = (value: number) => void heard.push(value);
  const first = broadcast.listen(listener);
  const second = broadcast.listen(listener);
  first();
  broadcast.publish(1);
  assert(heard.length >= 1, "taking back the one took back the other");
  second();
  heard.length = 0;
  broadcast.publish(2);
  assertEquals(heard, []);
});

Deno.test("a listener that throws takes nothing from anybody", async () => {
  const broadcast = new Broadcast<number>();
  const reported: unknown[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    reported.push(event.error);
  };
  addEventListener("error", onError);
  try {
    const heard: number[] = [];
    const fault = new Error("from the listener");
    broadcast.listen(() => {
      throw fault;
    });
    broadcast.listen((value) => heard.push(value));
    const subscription = broadcast.subscribe();
    publish(broadcast, 1, 2);
    broadcast.close();
    assertEquals(heard, [1, 2]);
    assertEquals(await drain(subscription), [1, 2]);
    // It is not swallowed either.
    assertEquals(reported, [fault, fault]);
  } finally {
    removeEventListener("error", onError);
  }
});
