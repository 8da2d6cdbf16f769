import { assert, assertEquals, assertRejects } from "@std/assert";
import { CypherError, PacketClient, PacketServer } from "../packet.ts";
import { pythonOf, PythonPacketPeer } from "./support/packet_peer.ts";

const ignore = await pythonOf() === undefined;

/** What the Python client's messages are. */
function message(index: number, size: number): string {
  return Uint8Array.from({ length: size }, (_, at) => index + 7 * at).toHex();
}

async function serve() {
  const got: string[] = [];
  const server = new PacketServer({
    port: 0,
    handler: (message) => void got.push(message.toHex()),
  });
  await server.start();
  return {
    server,
    got,
    [Symbol.asyncDispose]: () => server.stop({ grace: 0 }),
  };
}

for (
  const { mode, window, count, size, damage, resent } of [
    { mode: "step-by-step", window: 1, count: 20, size: 100 },
    { mode: "step-by-step", window: 1, count: 5, size: 0 },
    {
      mode: "step-by-step",
      window: 1,
      count: 5,
      size: 9,
      damage: 3,
      resent: 1,
    },
    { mode: "burst", window: 8, count: 500, size: 1_024 },
    { mode: "burst", window: 32, count: 100, size: 1 },
    { mode: "burst", window: 1, count: 5, size: 9, damage: 3, resent: 1 },
  ]
) {
  const title = `a Python client, ${mode}, window ${window}, ` +
    `${count} of ${size} bytes${damage ? ", one damaged" : ""}`;
  Deno.test({ name: title, ignore }, async () => {
    await using served = await serve();
    await using peer = await PythonPacketPeer.start(
      "client",
      `--port=${served.server.address.port}`,
      `--mode=${mode}`,
      `--window=${window}`,
      `--count=${count}`,
      `--size=${size}`,
      ...damage ? [`--damage=${damage}`] : [],
    );
    const { accepted } = await peer.line();
    const { session_id: _, ...terms } = accepted as Record<string, unknown>;
    assertEquals(terms, {
      status: "ok",
      operation_mode: mode,
      max_packet_size: 1_024,
      max_size: 1_024,
      window_size: window,
    });
    const lines = await peer.rest();
    assertEquals(lines, [
      ...damage ? [{ error: { code: "CHECKSUM" } }] : [],
      {
        sent: count + (resent ?? 0),
        answers: count + (resent ?? 0),
        goodbye: [2, "ACK"],
        closed: true,
      },
    ]);
    const expected = Array.from({ length: count }, (_, i) => message(i, size));
    assertEquals(served.got, expected);
  });
}

Deno.test({ name: "a Python client without a window", ignore }, async () => {
  await using served = await serve();
  await using peer = await PythonPacketPeer.start(
    "client",
    `--port=${served.server.address.port}`,
    "--count=3",
  );
  const { accepted } = await peer.line();
  assertEquals((accepted as Record<string, unknown>)["window_size"], 32);
  await peer.rest();
  assertEquals(served.got.length, 3);
});

for (const mode of ["step-by-step", "burst"] as const) {
  Deno.test({ name: `a Python server, ${mode}`, ignore }, async () => {
    await using peer = await PythonPacketPeer.start(
      "server",
      "--max-size=600",
      "--push=welcome",
      // The answers are matched by their order, as all numbers are 0.
      "--damage=4",
    );
    const { port } = await peer.line() as { port: number };
    const pushed: string[] = [];
    await using client = new PacketClient({
      port,
      mode,
      clientId: "deno",
      onMessage: (message) => pushed.push(new TextDecoder().decode(message)),
    });
    await client.connect();
    assertEquals(client.agreement, {
      session: "python-1",
      mode,
      maxPacketSize: 600,
      windowSize: 8,
      sequenced: false,
      fragments: false,
      maxMessageSize: 600,
    });
    const large = await assertRejects(
      () => client.send(new Uint8Array(601)),
      CypherError,
    );
    assertEquals(large.code, "TOO_LARGE");
    const messages = Array.from(
      { length: 20 },
      (_, i) => new Uint8Array(30 * i).fill(i),
    );
    const sent = await Promise.all(messages.map((one) => client.send(one)));
    assertEquals(sent.reduce((sum, { resent }) => sum + resent, 0), 1);
    await client.close();
    assertEquals(pushed, ["welcome"]);
    const lines = await peer.rest();
    const data = lines.filter((line) => "data" in line);
    assertEquals(new Set(data.map(({ sequence }) => sequence)), new Set([0]));
    const got = data.map((line) => line["data"]);
    // The fourth came damaged: without numbers, nobody puts it in its place.
    assertEquals(
      got.toSorted(),
      messages.map((one) => one.toHex()).toSorted(),
    );
    if (mode === "step-by-step") {
      assertEquals(got, messages.map((one) => one.toHex()));
    }
    assert(lines.some((line) => line["kind"] === 2), "our acknowledgement");
    assertEquals(lines.at(-1), { end: "disconnect" });
  });
}
