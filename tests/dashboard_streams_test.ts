import { assert, assertEquals } from "@std/assert";
import { dashboard, serveDashboard } from "../dashboard/mod.ts";
import { Monitor } from "../mod.ts";
import { seeded, until, within } from "./support/cypher.ts";
import { FakeClock } from "./support/fake_clock.ts";
import { FaultProxy } from "./support/fault_proxy.ts";
import { follow, SseReader } from "./support/sse.ts";

const PEER = { connection: "1", address: "10.0.0.1:5000", wire: "classic" };

function publish(monitor: Monitor, code: string, message = ""): void {
  monitor.publish({ kind: "notice", ...PEER, code, message });
}

for (const query of ["", "?requests=1"]) {
  const what = query ? "signals, requests among them" : "signals";
  Deno.test(`no gap and no repeat in 10,000 ${what}, cut again and again`, async () => {
    const { seed, random } = seeded();
    const monitor = new Monitor();
    await using sidecar = serveDashboard(monitor, { port: 0 });
    await using proxy = FaultProxy.start(sidecar.address, () => ({
      down: {
        cutAt: Math.floor(random() * 400_000),
        slice: 1 + Math.floor(random() * 20_000),
      },
    }));
    const url = `http://127.0.0.1:${proxy.address.port}/events${query}`;
    const following = follow(
      url,
      ({ signals }) => signals.at(-1)?.id === 10_000,
    );
    await until("a stream", () => sidecar.app.streams > 0);
    for (let id = 1; id <= 10_000; id++) {
      if (query && id % 2) {
        monitor.publish({
          kind: "request",
          ...PEER,
          path: `/${id}`,
          operation: "READ",
          status: "OK",
          latency: 1,
          bytesIn: 1,
          bytesOut: 1,
          repeated: false,
        });
      } else publish(monitor, `${id}`);
      // Slowly enough that cuts fall into the middle of it.
      if (id % 100 === 0) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
    const { signals, openings, skipped } = await within("all", following);
    const ids = signals.map(({ id }) => id);
    const missing = `seed ${seed}, ${openings.length} connections`;
    assertEquals(ids, Array.from({ length: 10_000 }, (_, i) => i + 1), missing);
    assertEquals(skipped, 0);
    assert(openings.length > 3, missing);
    assert(openings.slice(1).every((opening) => opening !== "reset"), missing);
  });
}

Deno.test("a client that says that it reads keeps its stream", async () => {
  const clock = new FakeClock();
  await using app = dashboard(new Monitor({ clock }), { clock });
  await using reader = new SseReader(await app.request("/events"));
  const { stream, heartbeat } = await reader.snapshot();
  const keep = () => app.request(`/events/${stream}`, { method: "POST" });
  for (let i = 0; i < 20; i++) {
    await clock.advance(heartbeat);
    while ((await reader.next())!.event !== "heartbeat");
    assertEquals((await keep()).status, 204);
  }
  assertEquals(app.streams, 1);
  await reader[Symbol.asyncDispose]();
  const over = await keep();
  assertEquals(over.status, 404);
  await over.body?.cancel();
});

Deno.test("200 stalled clients are dropped, their sockets closed", async () => {
  const clock = new FakeClock();
  const monitor = new Monitor({ clock });
  await using sidecar = serveDashboard(monitor, { clock, port: 0 });
  const { hostname, port } = sidecar.address;
  const request = new TextEncoder().encode(
    `GET /events HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`,
  );
  const stalled = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const socket = await Deno.connect({ hostname, port });
      await socket.write(request);
      return socket;
    }),
  );
  await until("200 streams", () => sidecar.app.streams === 200);
  for (let second = 0; second < 30; second++) {
    for (let i = 0; i < 10; i++) publish(monitor, "X", "x".repeat(200));
    await clock.advance(1_000);
  }
  assertEquals(sidecar.app.streams, 0);
  assertEquals(clock.pending, 0);
  const metrics = await (await fetch(`${sidecar.url}metrics`)).text();
  assert(metrics.includes("\ncypher_dashboard_streams_dropped_total 200\n"));
  for (const socket of stalled) {
    await within("the end", new Response(socket.readable).bytes());
  }
});

Deno.test("what waits for a client that does not read is bounded", async () => {
  const clock = new FakeClock();
  const monitor = new Monitor({ clock });
  const streamBytes = 65_536;
  await using app = dashboard(monitor, {
    clock,
    silence: 3_600_000,
    limits: { streamBytes },
  });
  // Never read: the stream has no buffer of its own.
  const answer = await app.request("/events");
  const queued = async () => {
    const text = await (await app.request("/metrics")).text();
    return Number(/^cypher_dashboard_stream_queue_bytes (\d+)/m.exec(text)![1]);
  };
  const opening = await queued();
  let most = 0;
  for (let i = 0; app.streams > 0 && i < 1_000; i++) {
    for (let n = 0; n < 10; n++) publish(monitor, "X", "x".repeat(200));
    await clock.advance(250);
    most = Math.max(most, await queued());
  }
  assertEquals(app.streams, 0);
  assert(most > streamBytes / 2 && most <= opening + streamBytes, `${most}`);
  assertEquals(await queued(), 0);
  assertEquals(clock.pending, 0);
  await answer.body!.cancel().catch(() => {});
});

Deno.test("only so many streams are open at a time", async () => {
  await using app = dashboard(new Monitor(), { limits: { streams: 2 } });
  await using first = new SseReader(await app.request("/events"));
  await using second = new SseReader(await app.request("/events"));
  const third = await app.request("/events");
  assertEquals(third.status, 503);
  assertEquals(third.headers.get("content-type"), "application/json");
  assert((await third.json()).error);
  await first[Symbol.asyncDispose]();
  await using fourth = new SseReader(await app.request("/events"));
  await fourth.snapshot();
  await second.snapshot();
});
