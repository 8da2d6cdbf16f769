import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { type Conn, ConnTransport, lossOf } from "../protocol/transport.ts";

/** A connection that takes as much of each write as its list says. */
class ShortConn implements Conn {
  readonly written: number[] = [];
  /** The sizes of the pieces it was offered. */
  readonly offered: number[] = [];
  closes = 0;
  writeCloses = 0;
  #takes: (offered: number) => number;

  constructor(takes: (offered: number) => number) {
    this.#takes = takes;
  }

  read(into: Uint8Array): Promise<number | null> {
    into.set([1, 2, 3]);
    return Promise.resolve(3);
  }

  async write(bytes: Uint8Array): Promise<number> {
    await Promise.resolve();
    this.offered.push(bytes.length);
    const taken = Math.min(bytes.length, this.#takes(bytes.length));
    this.written.push(...bytes.subarray(0, taken));
    return taken;
  }

  closeWrite(): Promise<void> {
    this.writeCloses++;
    return Promise.resolve();
  }

  close(): void {
    this.closes++;
    if (this.closes > 1) throw new Deno.errors.BadResource("closed");
  }
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 7 & 0xff);
}

Deno.test("every byte is written, however short the writes", async () => {
  for (const take of [1, 2, 7, 99, 1_000]) {
    const conn = new ShortConn(() => take);
    await new ConnTransport(conn, 100).write(pattern(1_000));
    assertEquals(conn.written, [...pattern(1_000)]);
  }
});

Deno.test("no more is written at once than the slice", async () => {
  const conn = new ShortConn((offered) => offered);
  await new ConnTransport(conn, 256).write(pattern(1_000));
  assertEquals(conn.offered, [256, 256, 256, 232]);
  assertEquals(conn.written, [...pattern(1_000)]);
});

Deno.test("what fits in a slice is one write", async () => {
  for (const size of [1, 255, 256]) {
    const conn = new ShortConn((offered) => offered);
    await new ConnTransport(conn, 256).write(pattern(size));
    assertEquals(conn.offered, [size]);
  }
});

Deno.test("any sizes, any slices, any short writes", async () => {
  await fc.assert(fc.asyncProperty(
    fc.nat(2_000),
    fc.integer({ min: 1, max: 500 }),
    fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1 }),
    async (size, slice, takes) => {
      let turn = 0;
      const conn = new ShortConn(() => takes[turn++ % takes.length]!);
      await new ConnTransport(conn, slice).write(pattern(size));
      assertEquals(conn.written, [...pattern(size)]);
      assert(conn.offered.every((offered) => offered <= slice));
    },
  ));
});

Deno.test("a write that fails rejects, and writes nothing more", async () => {
  let turn = 0;
  const conn = new ShortConn((offered) => {
    if (++turn === 3) throw new Deno.errors.BrokenPipe("gone");
    return offered;
  });
  await assertRejects(
    () => new ConnTransport(conn, 10).write(pattern(100)),
    Deno.errors.BrokenPipe,
    "gone",
  );
  assertEquals([turn, conn.written.length], [3, 20]);
});

Deno.test("reading fills what it is given", async () => {
  const into = new Uint8Array(10);
  const transport = new ConnTransport(new ShortConn(() => 1), 10);
  assertEquals(await transport.read(into), 3);
  assertEquals([...into.subarray(0, 4)], [1, 2, 3, 0]);
});

Deno.test("closing twice closes once", async () => {
  const conn = new ShortConn(() => 1);
  const transport = new ConnTransport(conn, 10);
  await transport.closeWrite();
  transport.close();
  transport.close();
  assertEquals([conn.closes, conn.writeCloses], [1, 1]);
});

Deno.test("a megabyte reaches the other end of a socket whole, in slices", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const dialing = Deno.connect({ hostname: "127.0.0.1", port });
  const [near, far] = await Promise.all([listener.accept(), dialing]);
  const sender = new ConnTransport(near, 1_024);
  const receiver = new ConnTransport(far, 1_024);
  const bytes = pattern(2 ** 20);
  const writing = sender.write(bytes).then(() => sender.closeWrite());
  const received = new Uint8Array(bytes.length + 1);
  let size = 0;
  for (;;) {
    const count = await receiver.read(received.subarray(size));
    if (count === null) break;
    size += count;
  }
  await writing;
  assertEquals(size, bytes.length);
  assert(bytes.every((byte, i) => byte === received[i]));
  sender.close();
  receiver.close();
});

Deno.test("a lost connection's reason is told from its error", () => {
  const resets = [
    new Deno.errors.ConnectionReset("reset"),
    new Deno.errors.BrokenPipe("pipe"),
    new Deno.errors.ConnectionAborted("aborted"),
  ];
  for (const error of resets) assertEquals(lossOf(error), "peer-reset");
  const losses = [new Deno.errors.TimedOut("timed out"), new Error("x")];
  for (const error of [...losses, "text", undefined, null, 5]) {
    assertEquals(lossOf(error), "peer-lost");
  }
});
