import { assert, assertEquals, assertThrows } from "@std/assert";
import { serveDashboard } from "../dashboard/mod.ts";
import { CypherError, Monitor } from "../mod.ts";
import { SseReader } from "./support/sse.ts";

/** The status that a request with this `Host` gets; fetch sends its own. */
async function statusFor(port: number, host: string): Promise<string> {
  using socket = await Deno.connect({ port });
  await socket.write(new TextEncoder().encode(
    `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
  ));
  const buffer = new Uint8Array(12);
  await socket.read(buffer);
  return new TextDecoder().decode(buffer).slice(9);
}

Deno.test("serves on this machine alone, on a port of choice", async () => {
  await using sidecar = serveDashboard(new Monitor(), { port: 0 });
  assertEquals(sidecar.address.hostname, "127.0.0.1");
  assertEquals(sidecar.moved, false);
  const answer = await fetch(`${sidecar.url}api/snapshot`);
  assertEquals((await answer.json()).role, "admin");
  const { port } = sidecar.address;
  assertEquals(await statusFor(port, `localhost:${port}`), "200");
  assertEquals(await statusFor(port, "evil.example"), "421");
});

Deno.test("a taken port is told, or moved from if asked to", async () => {
  await using first = serveDashboard(new Monitor(), { port: 0 });
  const { port } = first.address;
  const error = assertThrows(
    () => serveDashboard(new Monitor(), { port }),
    CypherError,
    `port ${port}`,
  );
  assertEquals(error.code, "LISTEN_FAILED");
  await using second = serveDashboard(new Monitor(), {
    port,
    fallbackPort: true,
  });
  assert(second.moved);
  assert(second.address.port !== port);
  const answer = await fetch(`${second.url}healthz`);
  assertEquals(await answer.text(), "ok");
});

Deno.test("a failed start leaves nothing behind", async () => {
  await using first = serveDashboard(new Monitor(), { port: 0 });
  const monitor = new Monitor();
  const { port } = first.address;
  assertThrows(() => serveDashboard(monitor, { port }));
  assertEquals(monitor.watched, false);
});

Deno.test("bound to all addresses, it goes by any of them, by no name", async () => {
  await using sidecar = serveDashboard(new Monitor(), {
    hostname: "0.0.0.0",
    port: 0,
    token: "a-token-of-20-letters",
  });
  const status = (host: string) => statusFor(sidecar.address.port, host);
  assertEquals(sidecar.url, `http://localhost:${sidecar.address.port}/`);
  assertEquals(await status("192.168.1.5:8080"), "200");
  assertEquals(await status("[2001:db8::1]"), "200");
  assertEquals(await status("evil.example"), "421");
});

Deno.test("closing ends the streams and stops listening to the monitor", async () => {
  const monitor = new Monitor();
  const sidecar = serveDashboard(monitor, { port: 0 });
  await using reader = new SseReader(await fetch(`${sidecar.url}events`));
  await reader.snapshot();
  assert(monitor.watched);
  await Promise.all([sidecar.close(), sidecar.close()]);
  while (await reader.next());
  assertEquals(sidecar.app.streams, 0);
  assertEquals(monitor.watched, false);
});

Deno.test("closing does not wait for a client that does not read", async () => {
  const monitor = new Monitor();
  const sidecar = serveDashboard(monitor, { port: 0 });
  const { hostname, port } = sidecar.address;
  using stalled = await Deno.connect({ hostname, port });
  await stalled.write(new TextEncoder().encode(
    `GET /events HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`,
  ));
  await stalled.read(new Uint8Array(1));
  await sidecar.close();
  assertEquals(sidecar.app.streams, 0);
});

for (const encoding of ["gzip", "br", "identity"]) {
  Deno.test(`HEAD tells the length that GET has, ${encoding}`, async () => {
    await using sidecar = serveDashboard(new Monitor(), { port: 0 });
    const ask = async (method: string) => {
      const { hostname, port } = sidecar.address;
      const socket = await Deno.connect({ hostname, port });
      await socket.write(new TextEncoder().encode(
        `${method} /app.css HTTP/1.1\r\nHost: localhost\r\n` +
          `Accept-Encoding: ${encoding}\r\nConnection: close\r\n\r\n`,
      ));
      const answer = await new Response(socket.readable).bytes();
      const text = new TextDecoder("latin1").decode(answer);
      const end = text.indexOf("\r\n\r\n") + 4;
      const told = /^content-length: (\d+)/im.exec(text.slice(0, end))?.[1];
      return { told: Number(told), has: text.length - end };
    };
    const { told, has } = await ask("GET");
    assertEquals(told, has);
    assertEquals(await ask("HEAD"), { told, has: 0 });
  });
}
