import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  CypherError,
  type LogOptions,
  logSignals,
  Monitor,
  type NewSignal,
} from "../mod.ts";
import { faultLine } from "../server/log/fault_line.ts";
import { Log } from "../server/log/log.ts";
import { NO_CONNECTION } from "../server/signals.ts";
import { clientKeys, makeClient, startServer } from "./support/cypher.ts";
import { FakeClock } from "./support/fake_clock.ts";

const PEER = { connection: "7", address: "127.0.0.1:5000", wire: "session" };
/** What a terminal would act on, or show as what it is not. */
const HOSTILE = "a\nb\r\u001b[31m\u009b2J\u0007\u202e\u2028\u{e0041}é";

/** A monitor on a fake clock, and the lines that its log writes. */
function logged(options: LogOptions = {}) {
  const clock = new FakeClock();
  const monitor = new Monitor({ clock });
  const lines: string[] = [];
  const end = logSignals(monitor, {
    level: "debug",
    write: (line) => lines.push(line),
    clock,
    ...options,
  });
  return { clock, monitor, lines, end };
}

/** One signal of each kind. */
const SIGNALS: NewSignal[] = [
  { kind: "online", ...PEER, name: "press-07" },
  { kind: "timeout", ...PEER, after: 120_000 },
  {
    kind: "offline",
    ...PEER,
    reason: "timeout",
    connected: 121_000,
    requests: 3,
    inProgress: 0,
  },
  {
    kind: "request",
    ...PEER,
    path: "/NUMBER",
    operation: "READ",
    status: "OK",
    latency: 0.25,
    bytesIn: 40,
    bytesOut: 50,
    repeated: false,
  },
  {
    kind: "failure",
    ...PEER,
    code: "NOT_FOUND",
    message: "No such sensor",
    path: "/X",
    operation: "READ",
  },
  { kind: "failure", ...PEER, code: "INTERNAL", message: "a bug" },
  { kind: "limit", ...NO_CONNECTION, limit: "connections", count: 3 },
  { kind: "notice", ...NO_CONNECTION, code: "EQUAL_KEYS", message: "Use two" },
  {
    kind: "notice",
    ...NO_CONNECTION,
    code: "JOURNAL_FAILED",
    message: "The server stops: disk full",
  },
];

const TIME = "2023-11-14T22:13:20.000Z";

Deno.test("each signal is one JSON object with its own names", () => {
  const { monitor, lines, end } = logged();
  for (const signal of SIGNALS) monitor.publish(signal);
  end();
  const levels = [
    ...["info", "info", "info", "debug", "warn", "error"],
    ...["warn", "warn", "error"],
  ];
  assertEquals(
    lines.map((line) => JSON.parse(line)),
    SIGNALS.map(({ kind, ...rest }, i) => {
      const { connection, address, wire, ...facts } = rest;
      return {
        time: TIME,
        level: levels[i],
        event: kind,
        ...(connection && { connection, address, wire }),
        ...facts,
      };
    }),
  );
  monitor.publish(SIGNALS[0]!);
  assertEquals(lines.length, SIGNALS.length, "it has ended");
  assertEquals(monitor.watched, false);
});

Deno.test("which address is refused is told, as of no connection", () => {
  const { monitor, lines } = logged();
  const address = "203.0.113.7";
  monitor.limit("badTokens", { ...NO_CONNECTION, address });
  assertEquals(JSON.parse(lines[0]!), {
    time: TIME,
    level: "warn",
    event: "limit",
    address,
    limit: "badTokens",
    count: 1,
  });
});

Deno.test("for people, a line says the same in words", () => {
  const { monitor, lines } = logged({ format: "pretty" });
  for (const signal of SIGNALS) monitor.publish(signal);
  const peer = "127.0.0.1:5000";
  assertEquals(lines, [
    `${TIME} info  online   ${peer} "press-07" on the session wire`,
    `${TIME} info  timeout  ${peer} silent for 120000 ms`,
    `${TIME} info  offline  ${peer} timeout, 3 requests`,
    `${TIME} debug request  ${peer} "READ /NUMBER" "OK" in 0.25 ms, ` +
    "40 bytes in, 50 out",
    `${TIME} warn  failure  ${peer} "NOT_FOUND" on "READ /X": "No such sensor"`,
    `${TIME} error failure  ${peer} "INTERNAL": "a bug"`,
    `${TIME} warn  limit    connections reached, 3 times`,
    `${TIME} warn  notice   Use two`,
    `${TIME} error notice   The server stops: disk full`,
  ]);
});

for (const format of ["json", "pretty"] as const) {
  Deno.test(`what a peer chose stays inside its quotes: ${format}`, () => {
    const { monitor, lines } = logged({ format });
    for (const signal of SIGNALS) {
      const hostile = Object.fromEntries(
        ["name", "path", "operation", "status", "code", "message"]
          .filter((key) => key in signal).map((key) => [key, HOSTILE]),
      );
      monitor.publish({ ...signal, ...hostile } as NewSignal);
    }
    assertEquals(lines.length, SIGNALS.length);
    for (const line of lines) assert(/^[\x20-\x7eé]+$/.test(line), line);
    if (format === "json") assertEquals(JSON.parse(lines[0]!).name, HOSTILE);
  });

  Deno.test(`a line is short, whatever a peer sends: ${format}`, () => {
    const { monitor, lines } = logged({ format });
    const name = "\u001b".repeat(1_000_000);
    for (const signal of SIGNALS) monitor.publish({ ...signal, name });
    for (const line of lines) assert(line.length < 2_000, `${line.length}`);
  });
}

Deno.test("what matters less than the level is not written", () => {
  const counts = (["debug", "info", "warn", "error"] as const).map((level) => {
    const { monitor, lines } = logged({ level });
    for (const signal of SIGNALS) monitor.publish(signal);
    return lines.length;
  });
  assertEquals(counts, [9, 8, 5, 2]);
});

Deno.test("a flood is counted once a second, and hides no error", async () => {
  const { clock, monitor, lines, end } = logged({ lines: 10 });
  const [online, internal] = [SIGNALS[0]!, SIGNALS[5]!];
  for (let i = 0; i < 1_000; i++) monitor.publish(online);
  for (let i = 0; i < 500; i++) monitor.publish(internal);
  const levels = () => lines.map((line) => JSON.parse(line).level);
  assertEquals(levels(), [
    ...Array(10).fill("info"),
    ...Array(10).fill("error"),
  ]);
  await clock.advance(1_000);
  assertEquals(JSON.parse(lines[20]!), {
    time: "2023-11-14T22:13:21.000Z",
    level: "warn",
    event: "dropped",
    lines: 1_480,
  });
  assertEquals(lines.length, 21);
  await clock.advance(10_000);
  assertEquals(lines.length, 21, "nothing was dropped since");
  for (let i = 0; i < 15; i++) monitor.publish(online);
  assertEquals(lines.length, 31);
  end();
  assertEquals(JSON.parse(lines[31]!).lines, 5, "the end tells what is owed");
  await clock.advance(10_000);
  assertEquals(lines.length, 32);
});

Deno.test("a flood does not keep the program from saying that it stops", () => {
  const lines: string[] = [];
  const clock = new FakeClock();
  using log = new Log({ lines: 1, write: (line) => lines.push(line), clock });
  const fault = faultLine("online", "", "");
  for (let i = 0; i < 3; i++) log.add("info", () => fault);
  log.say("stopping", "Stopping", { grace: 5 });
  log.say("hint", "not shown", {}, "debug");
  assertEquals(lines.map((line) => JSON.parse(line).event), [
    "online",
    "stopping",
  ]);
});

Deno.test("an error keeps its stack, indented so that it forges nothing", () => {
  const lines: string[] = [];
  const log = (format: "json" | "pretty") =>
    new Log({ format, write: (line) => lines.push(line) });
  const error = new Error("first\n2026-01-01T00:00:00.000Z info forged\u001b");
  for (const format of ["json", "pretty"] as const) {
    const line = faultLine("handler", "4f2a", error, { reference: "4f2a" });
    log(format).add("error", () => line);
  }
  const [json, pretty] = lines;
  assertEquals(JSON.parse(json!).error, error.stack);
  assertEquals(JSON.parse(json!).reference, "4f2a");
  const [first, ...more] = pretty!.split("\n");
  assert(first!.endsWith("error handler  4f2a"));
  assert(more.length > 2);
  for (const one of more) assert(/^ {4}[\x20-\x7e]*$/.test(one), one);
});

Deno.test("options that are not right are refused by their names", () => {
  const monitor = new Monitor();
  const wrong: [LogOptions, string][] = [
    [{ format: "xml" as "json" }, '"format": it must be "pretty" or "json"'],
    [{ level: "loud" as "info" }, '"level": it must be "debug" or'],
    [{ lines: 0 }, '"lines"'],
    [{ write: 1 as unknown as () => void }, '"write": it must be a function'],
    [{ colour: true } as LogOptions, "format, level, lines, write, clock"],
  ];
  for (const [options, says] of wrong) {
    const error = assertThrows(
      () => logSignals(monitor, options),
      CypherError,
      says,
    );
    assertEquals(error.code, "BAD_OPTION");
  }
  assertEquals(monitor.watched, false);
});

Deno.test("neither keys nor payloads are in the log of a real server", async () => {
  const lines: string[] = [];
  await using server = await startServer(() => {
    throw new Error("a-secret-cause");
  }, { wires: ["classic", "session"], onHandlerError() {} });
  const end = logSignals(server.monitor, {
    level: "debug",
    write: (line) => lines.push(line),
  });
  for (const wire of ["classic", "session"] as const) {
    await using client = makeClient(server.address, { wire });
    await client.request({ path: "/P", data: "a-secret-payload" })
      .catch(() => {});
  }
  await server.stop();
  end();
  const events = lines.map((line) => JSON.parse(line).event).sort();
  const each = ["failure", "offline", "online", "request"];
  assertEquals(events, each.flatMap((event) => [event, event]));
  const text = lines.join();
  for (const secret of ["a-secret", ...Object.values(clientKeys)]) {
    assert(!text.includes(secret), secret);
  }
});
