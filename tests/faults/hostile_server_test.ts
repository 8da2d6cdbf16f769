/** What a server that has the keys, and lies, can do to a session's client. */

import { assert, assertEquals } from "@std/assert";
import { dialTcp } from "../../client/dial.ts";
import { systemClock } from "../../protocol/clock.ts";
import {
  FRAME,
  type Frame,
  FrameBatch,
  FrameParser,
  PING_BYTES,
} from "../../protocol/frames.ts";
import { writeServerHello } from "../../protocol/hello.ts";
import { writeClose } from "../../protocol/notices.ts";
import { RecordOpener, RecordSealer } from "../../protocol/records.ts";
import { KeyRing } from "../../server/key_ring.ts";
import { ServerHandshake } from "../../server/session/handshake.ts";
import { makeClient, serverKeys, until, within } from "../support/cypher.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A session's server, frame by frame, that need not behave. */
class HostileServer implements Disposable {
  readonly address: Deno.NetAddr;
  #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  #keys = new KeyRing([serverKeys], { clock: systemClock, maxAge: Infinity });
  #links: HostileLink[] = [];

  constructor() {
    this.address = this.#listener.addr as Deno.NetAddr;
  }

  /** The next client, once it is proven. */
  async accept(): Promise<HostileLink> {
    const conn = await within("a client", this.#listener.accept());
    const handshake = new ServerHandshake(this.#keys);
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const count = await conn.read(buffer);
      assert(count !== null);
      const step = handshake.push(buffer.subarray(0, count));
      if (step.kind === "more") continue;
      assert(step.kind === "offered");
      const { answer, channel } = step.accept({
        server: "hostile",
        connection: "1",
        known: true,
        window: 256,
        messageBytes: 65_536,
        heartbeat: 60_000,
      });
      await conn.write(answer);
      const link = new HostileLink(
        conn,
        new RecordSealer(channel.send),
        new RecordOpener(channel.receive),
      );
      this.#links.push(link);
      await link.until(FRAME.hello);
      await link.send((batch) =>
        batch.add(FRAME.hello, 0, writeServerHello({ known: true }))
      );
      return link;
    }
  }

  [Symbol.dispose](): void {
    for (const link of this.#links) link.close();
    this.#listener.close();
    this.#keys[Symbol.dispose]();
  }
}

class HostileLink {
  #conn: Deno.Conn;
  #sealer: RecordSealer;
  #opener: RecordOpener;
  #parser = new FrameParser(65_536);
  #closed = false;

  constructor(conn: Deno.Conn, sealer: RecordSealer, opener: RecordOpener) {
    this.#conn = conn;
    this.#sealer = sealer;
    this.#opener = opener;
  }

  async send(fill: (batch: FrameBatch) => void): Promise<void> {
    const batch = new FrameBatch();
    fill(batch);
    const records = this.#sealer.seal(batch.take()).slice();
    for (let at = 0; at < records.length;) {
      at += await this.#conn.write(records.subarray(at));
    }
  }

  close(): void {
    if (!this.#closed) this.#conn.close();
    this.#closed = true;
  }

  /** How many frames of each type came, up to the first of `last`. */
  async until(last: Frame["type"]): Promise<Map<number, number>> {
    const counts = new Map<number, number>();
    const buffer = new Uint8Array(65_536);
    while (!counts.has(last)) {
      const count = await within("a frame", this.#conn.read(buffer));
      assert(count !== null);
      for (const plain of this.#opener.push(buffer.subarray(0, count))) {
        for (const { type } of this.#parser.push(plain)) {
          counts.set(type, (counts.get(type) ?? 0) + 1);
        }
      }
    }
    return counts;
  }
}

Deno.test("a server that pings and does not read is not kept pongs for", async () => {
  using server = new HostileServer();
  await using client = makeClient(server.address, { wire: "session" });
  const connecting = client.connect();
  const link = await server.accept();
  await connecting;
  const payload = new Uint8Array(PING_BYTES);
  const each = 20_000;
  // Many times what both ends' sockets hold.
  for (let i = 0; i < 100; i++) {
    await link.send((batch) => {
      for (let j = 0; j < each; j++) batch.add(FRAME.ping, 0, payload);
    });
  }
  const answer = client.request({});
  answer.catch(() => {});
  const counts = await link.until(FRAME.request);
  const pongs = counts.get(FRAME.pong)!;
  assert(pongs > 0 && pongs < 50 * each, `${pongs} pongs`);
});

Deno.test("answers to what was never asked are neither confirmed nor believed", async () => {
  using server = new HostileServer();
  await using client = makeClient(server.address, { wire: "session" });
  const connecting = client.connect();
  const link = await server.accept();
  await connecting;
  await link.send((batch) => {
    for (let id = 1; id <= 1_000; id++) batch.add(FRAME.response, id, "{}");
    batch.add(FRAME.ping, 0, new Uint8Array(PING_BYTES));
  });
  assertEquals([...await link.until(FRAME.pong)], [[FRAME.pong, 1]]);
});

Deno.test("a server cannot send a client away for weeks, nor make it hurry", async () => {
  using server = new HostileServer();
  const clock = new FakeClock();
  let dials = 0;
  await using client = makeClient(server.address, {
    wire: "session",
    clock,
    dial: (target, signal) => {
      dials++;
      return dialTcp(target, signal);
    },
  });
  const connecting = client.connect();
  const link = await server.accept();
  await connecting;
  // With a pause added, more than a timer can wait: it would not wait at all.
  const after = 2 ** 31 - 1;
  await link.send((batch) => {
    const notice = { reason: "draining", after, last: 0 };
    batch.add(FRAME.close, 0, writeClose(notice));
  });
  link.close();
  await until("the end", () => client.state === "waiting");
  await clock.advance(59_000);
  assertEquals(dials, 1);
  await clock.advance(2_000);
  assertEquals(dials, 2);
});
