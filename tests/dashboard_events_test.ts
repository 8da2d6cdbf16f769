import { assert, assertEquals } from "@std/assert";
import type { Snapshot } from "../dashboard/contract.ts";
import { dashboard, type DashboardOptions } from "../dashboard/mod.ts";
import { type ConnectionInfo, Monitor, type Signal } from "../mod.ts";
import type { NewSignal } from "../server/signals.ts";
import { makeClient, startServer } from "./support/cypher.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { SseReader } from "./support/sse.ts";

const PEER = { connection: "1", address: "10.0.0.1:5000", wire: "classic" };

class Setup implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly monitor = new Monitor({ clock: this.clock });
  readonly app: ReturnType<typeof dashboard>;

  constructor(options: DashboardOptions = {}) {
    this.app = dashboard(this.monitor, { clock: this.clock, ...options });
  }

  async open(query = "", last?: string): Promise<SseReader> {
    const headers: HeadersInit = last ? { "last-event-id": last } : {};
    return new SseReader(
      await this.app.request(`/events${query}`, { headers }),
    );
  }

  notice(code: string): void {
    const message = "something";
    this.monitor.publish({ kind: "notice", ...PEER, code, message });
  }

  request(path = "/NUMBER"): void {
    this.monitor.publish({
      kind: "request",
      ...PEER,
      path,
      operation: "READ",
      status: "OK",
      latency: 1,
      bytesIn: 10,
      bytesOut: 20,
      repeated: false,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app[Symbol.asyncDispose]();
    assertEquals(this.clock.pending, 0, "no timer is left");
  }
}

const codes = (signals: readonly Signal[]) =>
  signals.map((signal) => "code" in signal ? signal.code : signal.kind);

Deno.test("a stream starts with a snapshot and goes on in batches", async () => {
  await using setup = new Setup();
  setup.notice("A");
  await using reader = await setup.open();
  const snapshot = await reader.snapshot();
  assertEquals(snapshot.id, 1);
  assertEquals(codes(snapshot.signals), ["A"]);
  setup.notice("B");
  setup.notice("C");
  await setup.clock.advance(250);
  const event = await reader.expect("batch");
  const batch = JSON.parse(event.data);
  assertEquals(codes(batch.signals), ["B", "C"]);
  assertEquals(event.id, `${snapshot.instance}-3`);
  assertEquals(batch.id, 3);
});

Deno.test("batches come at most four times a second", async () => {
  await using setup = new Setup();
  await using reader = await setup.open();
  await reader.snapshot();
  for (let i = 0; i < 100; i++) {
    setup.notice(`${i}`);
    await setup.clock.advance(10);
  }
  const sizes: number[] = [];
  for (let sum = 0; sum < 100;) {
    const { signals } = await reader.batch();
    sizes.push(signals.length);
    sum += signals.length;
  }
  assertEquals(sizes, [25, 25, 25, 25]);
});

Deno.test("without anything to tell there is nothing but heartbeats", async () => {
  await using setup = new Setup({ heartbeat: 1_000, silence: 60_000 });
  await using reader = await setup.open();
  await reader.snapshot();
  await setup.clock.advance(1_000);
  assertEquals((await reader.expect("heartbeat")).data, "");
  assertEquals(reader.parser.comments, 1);
});

for (const way of ["header", "query"]) {
  Deno.test(`a stream resumes after its last signal, by ${way}`, async () => {
    await using setup = new Setup();
    const first = await setup.open();
    const { instance } = await first.snapshot();
    await first[Symbol.asyncDispose]();
    assertEquals(setup.app.streams, 0);
    for (const code of ["A", "B", "C"]) setup.notice(code);
    await using reader = way === "header"
      ? await setup.open("", `${instance}-1`)
      : await setup.open(`?after=${instance}-1`);
    const resumed = await reader.snapshot("resume");
    assertEquals(codes(resumed.signals), ["B", "C"]);
    assertEquals(resumed.id, 3);
    setup.notice("D");
    await setup.clock.advance(250);
    assertEquals(codes((await reader.batch()).signals), ["D"]);
  });
}

Deno.test("what cannot be resumed is a reset", async () => {
  await using setup = new Setup({ limits: { signals: 5 } });
  await using first = await setup.open();
  const { instance } = await first.snapshot();
  for (let i = 1; i <= 10; i++) setup.notice(`${i}`);
  const opening = async (after: string) => {
    await using reader = await setup.open("", after);
    const { event, data } = (await reader.next())!;
    const snapshot: Snapshot = JSON.parse(data);
    return [event, snapshot.signals.length];
  };
  assertEquals(await opening(`${instance}-5`), ["resume", 5]);
  assertEquals(await opening(`${instance}-10`), ["resume", 0]);
  assertEquals(await opening(`${instance}-4`), ["reset", 5]);
  assertEquals(await opening(`${instance}-11`), ["reset", 5]);
  assertEquals(await opening("another0another0-7"), ["reset", 5]);
  for (const odd of ["", "-", "x", `${instance}-`, `${instance}--1`, "1-2-3"]) {
    const [event] = await opening(odd);
    assertEquals(event, odd === "" ? "snapshot" : "reset", odd);
  }
});

Deno.test("a stream that falls behind the ring gets a reset", async () => {
  await using setup = new Setup({ limits: { signals: 5 } });
  await using reader = await setup.open();
  await reader.snapshot();
  for (let i = 1; i <= 10; i++) setup.notice(`${i}`);
  await setup.clock.advance(250);
  const reset = await reader.snapshot("reset");
  assertEquals(codes(reset.signals), ["6", "7", "8", "9", "10"]);
  setup.notice("11");
  await setup.clock.advance(250);
  assertEquals(codes((await reader.batch()).signals), ["11"]);
});

Deno.test("many signals at once are spread over batches", async () => {
  await using setup = new Setup();
  await using reader = await setup.open();
  await reader.snapshot();
  for (let i = 1; i <= 1_200; i++) setup.notice(`${i}`);
  await setup.clock.advance(750);
  const ids: number[] = [];
  const sizes: number[] = [];
  while (ids.length < 1_200) {
    const { signals, id } = await reader.batch();
    ids.push(...signals.map((signal) => signal.id));
    sizes.push(signals.length);
    assertEquals(ids.at(-1), id);
  }
  assertEquals(sizes, [500, 500, 200]);
  assertEquals(ids, Array.from({ length: 1_200 }, (_, i) => i + 1));
});

Deno.test("request signals come to those who ask", async () => {
  await using setup = new Setup();
  await using plain = await setup.open();
  await using asking = await setup.open("?requests=1");
  const { instance } = await plain.snapshot();
  await asking.snapshot();
  setup.request();
  setup.notice("A");
  setup.request();
  await setup.clock.advance(250);
  assertEquals(codes((await plain.batch()).signals), ["A"]);
  const { signals, id } = await asking.batch();
  assertEquals(codes(signals), ["request", "A", "request"]);
  assertEquals(id, 3);
  await using again = await setup.open(`?requests=1&after=${instance}-1`);
  const resumed = await again.snapshot("resume");
  assertEquals(codes(resumed.signals), ["A", "request"]);
  assertEquals(resumed.skipped, undefined);
});

Deno.test("request signals that are too many are counted", async () => {
  await using setup = new Setup({ limits: { requests: 8_000 } });
  await using reader = await setup.open("?requests=1");
  const { instance } = await reader.snapshot();
  for (let i = 0; i < 9_999; i++) setup.request();
  setup.notice("A");
  await setup.clock.advance(250);
  const batch = await reader.batch();
  assertEquals(batch.id, 10_000);
  assertEquals(batch.signals.length, 501);
  assertEquals(batch.skipped, 9_499);
  for (let i = 0; i < 1_200; i++) setup.request();
  await using again = await setup.open(`?requests=1&after=${instance}-10000`);
  const resumed = await again.snapshot("resume");
  assertEquals(resumed.signals.length, 500);
  await setup.clock.advance(500);
  for (const count of [500, 200]) {
    const { signals, skipped } = await again.batch();
    assertEquals([signals.length, skipped], [count, undefined]);
  }
});

Deno.test("whatever peers send, the stream is intact", async () => {
  await using setup = new Setup();
  await using reader = await setup.open("?requests=1");
  await reader.snapshot();
  const hostile = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "a\nb\r\nc\rd\n\ndata: {}\n\nevent: reset\ndata: 1",
    "\u0000\u0001\u001b[31m\u007f\u0085\u2028\u2029\ufeff",
    "\ud800 lone \udc00",
    '"}\\',
    "x".repeat(10_240),
    "\n".repeat(10_240),
  ];
  for (const text of hostile) {
    const texts = { name: text, path: text, operation: text };
    setup.monitor.publish(
      {
        kind: "failure",
        ...PEER,
        ...texts,
        code: text,
        message: text,
      } satisfies NewSignal,
    );
    setup.request(text);
  }
  await setup.clock.advance(250);
  const { signals } = await reader.batch();
  assertEquals(signals.length, 2 * hostile.length);
  for (const [i, text] of hostile.entries()) {
    const failure = signals[2 * i]!;
    assert(failure.kind === "failure");
    const shown = text.length > 256 ? text.slice(0, 255) + "…" : text;
    assertEquals(failure.message, shown);
    assertEquals(failure.name, shown);
    assertEquals((signals[2 * i + 1] as { path: string }).path, shown);
  }
});

Deno.test("rows and samples of changes come in batches", async () => {
  await using server = await startServer(({ data }) => ({ data }));
  await using app = dashboard(server.monitor);
  await using reader = new SseReader(await app.request("/events"));
  assertEquals((await reader.snapshot()).connections, []);
  await using client = makeClient(server.address);
  await client.request({ path: "/A" });
  const here = await reader.batch(({ connections }) =>
    connections.some(({ requests }) => requests === 1)
  );
  const { id, state } = here.connections[0]!;
  assertEquals(state.kind, "open");
  await client.close();
  const gone = await reader.batch(({ connections }) =>
    connections.some((row) => row.id === id && row.state.kind === "closed")
  );
  assertEquals(codes(gone.signals), ["offline"]);
  assertEquals(gone.figures.connections, 0);
  await reader.batch(({ samples }) => samples.length === 1);
});

Deno.test("a request that has only begun shows", async () => {
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  await using server = await startServer(async () => {
    begun.resolve();
    await go.promise;
    return { data: 1 };
  });
  await using app = dashboard(server.monitor);
  await using reader = new SseReader(await app.request("/events"));
  await reader.snapshot();
  await using client = makeClient(server.address);
  const answer = client.request({ path: "/SLOW" });
  await begun.promise;
  await reader.batch(({ connections }) =>
    connections.some(({ inProgress }) => inProgress === 1)
  );
  go.resolve();
  await answer;
  await reader.batch(({ connections }) =>
    connections.some(({ inProgress }) => inProgress === 0)
  );
});

Deno.test("a connection that leaves without a word is told too", async () => {
  await using setup = new Setup();
  await using reader = await setup.open();
  await reader.snapshot();
  const info: ConnectionInfo = {
    id: "7",
    address: "10.0.0.7:5000",
    wire: "",
    state: { kind: "handshake" },
    since: setup.clock.wall(),
    lastActivity: setup.clock.wall(),
    timeout: Infinity,
    requests: 0,
    failures: 0,
    bytesIn: 0,
    bytesOut: 0,
    inProgress: 0,
    lastLatency: null,
  };
  const watched = { id: "7", info: () => info, close: () => {} };
  setup.monitor.add(watched);
  await setup.clock.advance(250);
  const [here] = (await reader.batch()).connections;
  assertEquals(here!.state.kind, "handshake");
  assertEquals(here!.timeout, null);
  setup.monitor.remove(watched);
  await setup.clock.advance(250);
  const [gone] = (await reader.batch()).connections;
  assertEquals([gone!.id, gone!.state.kind], ["7", "closed"]);
});

Deno.test("listeners are told when they change", async () => {
  await using setup = new Setup();
  await using reader = await setup.open();
  await reader.snapshot();
  setup.monitor.addListener(() => ({
    hostname: "127.0.0.1",
    port: 1,
    wires: ["classic"],
    state: "listening",
  }));
  await setup.clock.advance(250);
  assertEquals((await reader.batch()).listeners!.length, 1);
});

Deno.test("HEAD opens no stream", async () => {
  await using setup = new Setup();
  const answer = await setup.app.request("/events", { method: "HEAD" });
  assertEquals(answer.status, 200);
  assertEquals(setup.app.streams, 0);
});

Deno.test("with nobody watching there is no timer", async () => {
  await using setup = new Setup();
  const reader = await setup.open();
  await reader.snapshot();
  assertEquals(setup.clock.pending, 1);
  await reader[Symbol.asyncDispose]();
  assertEquals(setup.clock.pending, 0);
});
