/** Who listens says to what, and what nobody wants is not made. */

import { assertEquals, assertThrows } from "@std/assert";
import { CypherError, logSignals, Monitor, type SignalKind } from "../mod.ts";
import { SIGNAL_KINDS } from "../server/signals.ts";
import { CONTROL, type Event } from "../server/threads/messages.ts";
import { Reporter } from "../server/threads/reporter.ts";
import { KIND_BITS } from "../server/threads/wanted.ts";
import { makeClient, startServer, until } from "./support/cypher.ts";

const NOTICE = {
  kind: "notice",
  code: "X",
  message: "",
  connection: "",
  address: "",
  wire: "",
} as const;

function wantedOf(monitor: Monitor): SignalKind[] {
  return SIGNAL_KINDS.filter((kind) => monitor.wants(kind));
}

Deno.test("who wants some kinds gets signals of those, with what they say", async () => {
  const monitor = new Monitor();
  const heard: string[] = [];
  // That these are there for the asking is for the type checker to say.
  monitor.listen(({ code, message }) => heard.push(code, message), {
    kinds: ["notice", "failure"],
  });
  const notices = monitor.signals({ kinds: ["notice"] });
  monitor.publish({ ...NOTICE, kind: "timeout", after: 1 });
  monitor.publish(NOTICE);
  for await (const { code } of notices) {
    heard.push(code);
    break;
  }
  assertEquals(heard, ["X", "", "X"]);
});

Deno.test("a kind is wanted as long as somebody listens to it", async () => {
  const monitor = new Monitor();
  const told: boolean[] = [];
  monitor.onWatched((watched) => told.push(watched));
  assertEquals([monitor.watched, wantedOf(monitor)], [false, []]);
  const first = monitor.listen(() => {}, { kinds: ["online", "offline"] });
  const second = monitor.listen(() => {}, { kinds: ["offline"] });
  assertEquals(wantedOf(monitor), ["online", "offline"]);
  first();
  first();
  assertEquals(wantedOf(monitor), ["offline"]);
  const all = monitor.signals();
  const notices = monitor.signals({ kinds: ["notice"] });
  assertEquals(wantedOf(monitor), SIGNAL_KINDS);
  await all.return();
  second();
  assertEquals(wantedOf(monitor), ["notice"]);
  await notices.return();
  assertEquals([monitor.watched, wantedOf(monitor)], [false, []]);
  assertEquals(told, [true, true, true, true, true, true, true, false]);
});

Deno.test("a listener is called with its kinds alone", async () => {
  await using server = await startServer(() => ({}));
  const { monitor } = server;
  const heard: string[] = [];
  monitor.listen(({ kind }) => heard.push(kind), {
    kinds: ["online", "offline"],
  });
  await using notices = monitor.signals({ kinds: ["notice"] });
  const client = makeClient(server.address);
  await client.request({});
  await client.close();
  await until("the end", () => heard.length === 2);
  assertEquals(heard, ["online", "offline"]);
  assertEquals(monitor.lastSignal, 2, "no request was told");
  monitor.publish(NOTICE);
  assertEquals((await notices.next()).value?.kind, "notice");
});

Deno.test("a log wants requests only if it writes them", () => {
  for (const level of ["debug", "info", "warn", "error"] as const) {
    const monitor = new Monitor();
    logSignals(monitor, { level, write: () => {} });
    assertEquals(monitor.wants("request"), level === "debug");
    assertEquals(monitor.wants("failure"), true);
  }
});

Deno.test("a thread tells what the main one wants", () => {
  const control = new SharedArrayBuffer(4 * CONTROL.words);
  const events: Event[] = [];
  const reporter = new Reporter({
    prefix: "1",
    control,
    tell: (message) => {
      if (message.kind === "report") events.push(...message.events);
    },
  });
  const words = new Int32Array(control);
  assertEquals([reporter.watched, wantedOf(reporter)], [false, []]);
  Atomics.store(words, CONTROL.wanted, KIND_BITS.online | KIND_BITS.limit);
  assertEquals(wantedOf(reporter), ["online", "limit"]);
  assertEquals(reporter.watched, true);
  reporter.publish(NOTICE);
  reporter.limit("connections");
  reporter.stop();
  assertEquals(
    events.map((event) => event.kind === "signal" && event.signal.kind),
    ["limit"],
  );
});

Deno.test("kinds that there are not are refused", () => {
  const monitor = new Monitor();
  for (const kinds of [["onlin"], "online", null]) {
    const error = assertThrows(
      () => monitor.listen(() => {}, { kinds: kinds as SignalKind[] }),
      CypherError,
      '"kinds"',
    );
    assertEquals(error.code, "BAD_OPTION");
  }
  assertEquals(monitor.watched, false);
});
