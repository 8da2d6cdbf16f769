/**
 * Bytes that somebody between the peers recorded and sends back to whoever
 * made them, or sends once more: with two keys, and with one key both ways,
 * where nothing but the protocol itself tells the directions apart.
 */

import { assert, assertEquals } from "@std/assert";
import { PREFACE } from "../../protocol/noise.ts";
import {
  clientKeys,
  codeOf,
  concat,
  equalKeys,
  HandServer,
  makeClient,
  serverKeys,
  SignalLog,
  startServer,
  until,
  Wire,
  within,
} from "../support/cypher.ts";
import { type Address, FaultProxy } from "../support/fault_proxy.ts";

const KEYS = {
  "two keys": { client: clientKeys, server: serverKeys },
  "equal keys": { client: equalKeys, server: equalKeys },
};

/** Sends bytes; what comes back until the server closes. */
async function exchange(
  { hostname, port }: Address,
  ...parts: readonly Uint8Array[]
): Promise<Uint8Array> {
  using socket = await Deno.connect({ hostname, port });
  const received: Uint8Array[] = [];
  const buffer = new Uint8Array(65_536);
  try {
    for (const part of parts) {
      for (let at = 0; at < part.length;) {
        at += await socket.write(part.subarray(at));
      }
    }
    for (;;) {
      const size = await within("the end", socket.read(buffer));
      if (size === null) break;
      received.push(buffer.slice(0, size));
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
  return concat(received);
}

/** A server that sends everything back that it gets. */
class Mirror implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly address: Address = this.#listener.addr;
  readonly #sockets = new Set<Deno.Conn>();
  readonly #accepting = this.#accept();
  reflected = 0;

  async #accept(): Promise<void> {
    for await (const socket of this.#listener) {
      this.#sockets.add(socket);
      socket.readable.pipeThrough(
        new TransformStream({
          transform: (chunk, controller) => {
            this.reflected += chunk.length;
            controller.enqueue(chunk);
          },
        }),
      ).pipeTo(socket.writable).catch(() => {});
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    for (const socket of this.#sockets) {
      try {
        socket.close();
      } catch {
        // Its peer closed it.
      }
    }
  }
}

for (const [kind, keys] of Object.entries(KEYS)) {
  Deno.test(`classic, ${kind}: an answer is no request`, async () => {
    let ran = 0;
    await using server = await startServer(({ data }) => {
      ran++;
      return { data };
    }, keys.server);
    using log = new SignalLog(server.monitor);
    using wire = await Wire.dial(server.address, keys.client);
    const answers: Uint8Array[] = [];
    // Small ones and one that is opened off the thread.
    for (const size of [1, 500, 100_000]) {
      await wire.send(await wire.seal({ DATA: "x".repeat(size) }));
      answers.push(concat([(await wire.token())!, Uint8Array.of(0)]));
    }
    assertEquals(ran, answers.length);
    for (const answer of answers) {
      assertEquals((await exchange(server.address, answer)).length, 0);
    }
    const failures = await log.wait("failure", answers.length);
    assert(failures.every(({ code }) => code === "BAD_TOKEN"));
    assertEquals(ran, answers.length);
  });

  Deno.test(`classic, ${kind}: a request is no answer`, async () => {
    await using server = new HandServer(keys.server);
    await using client = makeClient(server.address, keys.client);
    for (const size of [1, 100_000]) {
      const asked = codeOf(client.request({ data: "x".repeat(size) }));
      const wire = await server.accept();
      const token = await wire.token();
      await wire.send(concat([token!, Uint8Array.of(0)]));
      assertEquals(await asked, "BAD_TOKEN");
    }
  });

  Deno.test(`session, ${kind}: what a client sends is no server's`, async () => {
    await using mirror = new Mirror();
    let online = 0;
    await using client = makeClient(mirror.address, {
      wire: "session",
      ...keys.client,
      onOnline: () => online++,
    });
    const asked = client.request({ path: "/" }, { deadline: 500 });
    const code = codeOf(asked);
    await until("a reflection", () => mirror.reflected > PREFACE.length);
    assertEquals(await code, "DEADLINE");
    assertEquals(online, 0);
  });

  Deno.test(`session, ${kind}: nothing recorded is taken again, by either end`, async () => {
    let ran = 0;
    await using server = await startServer(({ data }) => {
      ran++;
      return { data };
    }, { ...keys.server, wires: ["session"] });
    using log = new SignalLog(server.monitor);
    const up: Uint8Array[] = [];
    const down: Uint8Array[] = [];
    await using proxy = FaultProxy.start(server.address, () => ({
      up: { record: (chunk) => up.push(chunk.slice()) },
      down: { record: (chunk) => down.push(chunk.slice()) },
    }));
    const client = makeClient(proxy.address, {
      wire: "session",
      ...keys.client,
    });
    for (let i = 0; i < 5; i++) await client.request({ data: i });
    await client.close();
    assertEquals(ran, 5);
    const sent = concat(up);
    const answered = concat(down);
    const length = PREFACE.length;
    const first = length + 2 + (sent[length]! << 8 | sent[length + 1]!);
    const second = 2 + (answered[0]! << 8 | answered[1]!);
    const attacks: Record<string, Uint8Array[]> = {
      "all of it again": [sent],
      "its beginning, then what the server said": [
        sent.subarray(0, first),
        answered.subarray(second),
      ],
      "what the server said": [answered],
      "what the server said, as a beginning": [PREFACE, answered],
      "its end without its beginning": [PREFACE, sent.subarray(first)],
    };
    for (const [name, parts] of Object.entries(attacks)) {
      await exchange(server.address, ...parts);
      assertEquals(ran, 5, name);
    }
    // The client's first message can be replayed: it makes nobody online.
    assertEquals(log.of("online").length, 1);
    assertEquals(log.of("request").length, 5);
  });
}
