import { assertEquals } from "@std/assert";
import type { NewSignal, Signal } from "../server/signals.ts";
import {
  EMPTY,
  HELD,
  type Held,
  heldCount,
  release,
  SHOWN,
  take,
} from "../dashboard/ui/signals/hold.ts";
import {
  reasonText,
  signalText,
  summary,
} from "../dashboard/ui/signals/words.ts";

const BASE = {
  connection: "1",
  address: "10.0.7.9:60122",
  name: "ada",
  wire: "chat",
};
const make = (signal: NewSignal): Signal =>
  ({ id: 1, at: 0, ...signal }) as Signal;

Deno.test("signals are told in words", () => {
  const online = { ...BASE, kind: "online" } as const;
  const offline = {
    ...BASE,
    kind: "offline",
    reason: "timeout",
    connected: 14 * 60_000,
    requests: 88,
    inProgress: 0,
  } as const;
  const failure = {
    ...BASE,
    kind: "failure",
    code: "HANDLER_FAILED",
    message: "it threw",
  } as const;
  const cases: [NewSignal, string][] = [
    [online, "chat from 10.0.7.9:60122"],
    [{ ...online, name: undefined }, "chat"],
    [offline, "Timeout · 14m connected, 88 requests"],
    [
      { ...offline, reason: "peer-reset", inProgress: 2 },
      "Peer reset · 2 requests unanswered",
    ],
    [
      { ...offline, reason: "handshake-timeout", requests: 0 },
      "Handshake timeout · 14m connected, 0 requests",
    ],
    [{ ...BASE, kind: "timeout", after: 120_000 }, "No request for 120 s"],
    [failure, "HANDLER_FAILED: it threw"],
    [
      { ...failure, operation: "UPDATE", path: "/ROUTE" },
      "HANDLER_FAILED on UPDATE /ROUTE",
    ],
    [
      { ...BASE, kind: "limit", limit: "connections", count: 3 },
      "Limit reached: connections, 3 times",
    ],
    [
      {
        ...BASE,
        kind: "request",
        path: "/A\n",
        operation: "READ",
        status: "OK",
        latency: 0.4,
        bytesIn: 1,
        bytesOut: 1,
        repeated: true,
      },
      "READ /A␊ · OK in 0.40 ms, repeated",
    ],
  ];
  for (const [signal, text] of cases) {
    assertEquals(signalText(make(signal)), text);
  }
});

Deno.test("what is newer than the page is shown as it is", () => {
  assertEquals(reasonText("cosmic-ray"), "cosmic-ray");
  const unknown = { id: 1, at: 0, ...BASE, kind: "levitation" };
  assertEquals(signalText(unknown as unknown as Signal), "levitation");
});

Deno.test("a summary counts by kind and leaves requests out", () => {
  const of = (kind: string) =>
    ({ id: 1, at: 0, ...BASE, kind }) as unknown as Signal;
  const signals = ["offline", "timeout", "offline", "request", "offline"];
  assertEquals(summary(signals.map(of)), "3 offline, 1 timeout");
  assertEquals(summary([]), "");
});

Deno.test("a summary's counts read as they are said", () => {
  const many = (kind: string, length: number) =>
    Array.from(
      { length },
      () => ({ id: 1, at: 0, ...BASE, kind }) as unknown as Signal,
    );
  assertEquals(summary(many("failure", 960)), "960 failures");
  assertEquals(summary(many("failure", 1)), "1 failure");
  assertEquals(summary(many("online", 1_200)), "1,200 online");
  assertEquals(
    summary([...many("offline", 2), ...many("limit", 2), ...many("notice", 1)]),
    "2 offline, 2 limits, 1 notice",
  );
});

const numbers = (n: number) => Array.from({ length: n }, (_, i) => i);

Deno.test("signals follow each other, or wait while they are held", () => {
  let log: Held<number> = take(EMPTY, [1, 2], false);
  assertEquals(log.shown, [1, 2]);
  log = take(log, [3], true);
  assertEquals([log.shown, log.held], [[1, 2], [3]]);
  // What came first is shown first, even if nothing holds any more.
  log = take(log, [4], false);
  assertEquals(log.held, [3, 4]);
  log = release(log);
  assertEquals([log.shown, log.held], [[1, 2, 3, 4], []]);
});

Deno.test("what is shown and what is held are bounded", () => {
  const full = take(EMPTY, numbers(SHOWN + 5), false);
  assertEquals([full.shown.length, full.shown[0]], [SHOWN, 5]);
  const log = take(EMPTY, numbers(HELD + 3), true);
  assertEquals([log.held.length, log.held[0], log.dropped], [HELD, 3, true]);
  assertEquals(heldCount(log.held.length, log.dropped), "9,999+");
  assertEquals(heldCount(1234, false), "1,234");
  assertEquals(release(log).dropped, false);
});
