import { assert, assertEquals } from "@std/assert";
import { Collector } from "../dashboard/collector.ts";
import { checkDashboardOptions } from "../dashboard/options.ts";
import { LONGEST_TEXT } from "../dashboard/text.ts";
import { Monitor, type RequestSignal } from "../mod.ts";
import type { NewSignal } from "../server/signals.ts";
import { FakeClock } from "./support/fake_clock.ts";

const PEER = { address: "10.0.0.1:5000", wire: "classic" };

class Setup {
  readonly clock = new FakeClock();
  readonly monitor = new Monitor({ clock: this.clock });
  readonly collector: Collector;

  constructor(limits: Parameters<typeof checkDashboardOptions>[0] = {}) {
    const settings = checkDashboardOptions(limits);
    this.collector = new Collector(this.monitor, this.clock, settings.limits);
  }

  online(connection: string): void {
    this.monitor.publish({ kind: "online", connection, ...PEER });
  }

  offline(connection: string): void {
    this.monitor.publish({
      kind: "offline",
      connection,
      ...PEER,
      reason: "peer-closed",
      connected: 1000,
      requests: 3,
      inProgress: 0,
    });
  }

  request(connection: string, more: Partial<RequestSignal> = {}): void {
    this.monitor.publish({
      kind: "request",
      connection,
      ...PEER,
      path: "/NUMBER",
      operation: "READ",
      status: "OK",
      latency: 1,
      bytesIn: 100,
      bytesOut: 200,
      repeated: false,
      ...more,
    } as NewSignal);
  }

  failure(connection: string, message = "no"): void {
    this.monitor.publish({
      kind: "failure",
      connection,
      ...PEER,
      code: "BAD",
      message,
    });
  }
}

Deno.test("the collector has no timer", () => {
  const setup = new Setup();
  setup.online("1");
  setup.request("1");
  assertEquals(setup.clock.pending, 0);
});

Deno.test("the ring keeps the newest signals and knows what it lost", () => {
  const setup = new Setup({ limits: { signals: 3 } });
  for (let i = 1; i <= 5; i++) setup.failure("1");
  const { ring } = setup.collector;
  assertEquals(ring.lost, 2);
  assertEquals(ring.after(0).map(({ id }) => id), [3, 4, 5]);
  assertEquals(ring.after(3).map(({ id }) => id), [4, 5]);
  assertEquals(ring.after(3, 1).map(({ id }) => id), [4]);
  assertEquals(ring.after(5), []);
  assertEquals(ring.newest(2).map(({ id }) => id), [4, 5]);
});

Deno.test("a connection's last 50 requests are kept, newest first", () => {
  const setup = new Setup();
  setup.online("1");
  for (let i = 1; i <= 60; i++) setup.request("1", { latency: i });
  setup.offline("1");
  const { requests, p99, history } = setup.collector.detail("1")!;
  assertEquals(requests.length, 50);
  assertEquals(requests[0]!.latency, 60);
  assertEquals(requests[49]!.latency, 11);
  assert(p99! > 58 && p99! < 62);
  assertEquals(history.map(({ kind }) => kind), ["online", "offline"]);
});

Deno.test("a connection's rate is that of its last minute", async () => {
  const setup = new Setup();
  setup.online("1");
  for (let i = 0; i < 30; i++) setup.request("1");
  setup.offline("1");
  assertEquals(setup.collector.detail("1")!.rate, 0.5);
  await setup.clock.advance(61_000);
  assertEquals(setup.collector.detail("1")!.rate, 0);
});

Deno.test("the closed stay listed for five minutes, so many at most", async () => {
  const setup = new Setup({ limits: { closed: 2 } });
  for (const id of ["1", "2", "3"]) {
    setup.online(id);
    setup.offline(id);
  }
  const closed = setup.collector.closed();
  assertEquals(closed.map(({ id }) => id), ["2", "3"]);
  assertEquals(closed[0]!.state.kind, "closed");
  assertEquals(setup.collector.detail("1"), undefined);
  await setup.clock.advance(300_001);
  assertEquals(setup.collector.closed(), []);
  assertEquals(setup.collector.detail("3"), undefined);
});

Deno.test("samples are two seconds each, silence included", async () => {
  const setup = new Setup();
  const { sampler } = setup.collector;
  setup.online("1");
  for (let i = 0; i < 10; i++) setup.request("1", { latency: 5 });
  setup.failure("1");
  await setup.clock.advance(6_500);
  setup.offline("1");
  const samples = sampler.samples();
  assertEquals(samples.length, 3);
  assertEquals(samples.map(({ at }) => at - setup.collector.started), [
    2_000,
    4_000,
    6_000,
  ]);
  const [first, second] = samples;
  assertEquals(first!.requests, 5);
  assertEquals(first!.bytes, 1_500);
  assertEquals(first!.failure, 1);
  assertEquals(first!.connections, 1);
  assert(Math.abs(first!.p99! - 5) < 0.1);
  assertEquals(second!.p50, null);
  assertEquals(second!.requests, 0);
  assertEquals(sampler.samples(1, 2), [second!]);
});

Deno.test("samples go back 15 minutes, however long the silence", async () => {
  const setup = new Setup();
  setup.online("1");
  setup.request("1");
  await setup.clock.advance(24 * 3_600_000);
  const samples = setup.collector.sampler.samples();
  assertEquals(samples.length, 450);
  assertEquals(samples.at(-1)!.at, setup.clock.wall());
  assert(samples.every(({ requests }) => requests === 0));
  const ats = samples.map(({ at }) => at);
  assert(ats.every((at, i) => i === 0 || at - ats[i - 1]! === 2_000));
});

Deno.test("a wall clock that is set back changes no sample", async () => {
  const setup = new Setup();
  setup.online("1");
  setup.request("1");
  setup.clock.step(-3_600_000);
  await setup.clock.advance(1_000);
  setup.request("1");
  await setup.clock.advance(1_500);
  setup.request("1");
  const samples = setup.collector.sampler.samples();
  assertEquals(samples.map(({ requests }) => requests), [1]);
});

Deno.test("figures are of the last ten seconds and the last minute", async () => {
  const setup = new Setup();
  const figures = () => setup.collector.sampler.figures();
  assertEquals(figures().p50, null);
  setup.online("1");
  setup.online("2");
  setup.offline("1");
  await setup.clock.advance(9_000);
  for (let i = 0; i < 100; i++) setup.request("2", { latency: 10 });
  setup.failure("2");
  await setup.clock.advance(1_000);
  const now = figures();
  assertEquals(now.connections, 1);
  assertEquals(now.peak.connections, 2);
  assertEquals(now.requests, 100 / 8);
  assertEquals(now.bytes, 30_000 / 8);
  assert(Math.abs(now.p50! - 10) < 0.2);
  assertEquals(now.failures, 1);
  await setup.clock.advance(12_000);
  assertEquals(figures().requests, 0);
  assertEquals(figures().p50, null);
  assertEquals(figures().failures, 1);
  await setup.clock.advance(60_000);
  assertEquals(figures().failures, 0);
});

Deno.test("texts of peers are bounded, and cut between characters", () => {
  const setup = new Setup();
  setup.online("1");
  const path = "/" + "😀".repeat(10_000);
  setup.request("1", { path });
  setup.failure("1", "x".repeat(10_240));
  setup.offline("1");
  const { requests, history } = setup.collector.detail("1")!;
  assertEquals(requests[0]!.path.length, LONGEST_TEXT);
  assert(requests[0]!.path.isWellFormed());
  const failure = history.find(({ kind }) => kind === "failure")!;
  assert("message" in failure);
  assertEquals(failure.message.length, LONGEST_TEXT);
  assert(failure.message.endsWith("…"));
});

Deno.test("connections that were there before are counted", () => {
  const clock = new FakeClock();
  const monitor = new Monitor({ clock });
  const info = {
    id: "1",
    ...PEER,
    state: { kind: "open" as const },
    since: 0,
    lastActivity: 0,
    timeout: Infinity,
    requests: 0,
    failures: 0,
    bytesIn: 0,
    bytesOut: 0,
    inProgress: 0,
    lastLatency: null,
  };
  monitor.add({ id: "1", info: () => info, close: () => {} });
  const { limits } = checkDashboardOptions();
  const collector = new Collector(monitor, clock, limits);
  assertEquals(collector.sampler.figures().connections, 1);
  assertEquals(collector.live()[0]!.timeout, null);
  collector.close();
  assertEquals(monitor.watched, false);
});
