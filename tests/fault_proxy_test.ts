import { assert, assertEquals } from "@std/assert";
import { type Address, FaultProxy } from "./support/fault_proxy.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

class Server implements AsyncDisposable {
  /** What `serve` has put here. */
  readonly received: Uint8Array[] = [];
  /** The accepted connections. */
  readonly peers: Deno.TcpConn[] = [];
  /** How many of them `serve` has finished with. */
  served = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly address: Address = this.#listener.addr;
  readonly #serving = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  constructor(serve: (peer: Deno.TcpConn, server: Server) => Promise<void>) {
    const accept = async () => {
      for await (const peer of this.#listener) {
        this.peers.push(peer);
        this.#serving.add(
          serve(peer, this).catch(() => {}).finally(() => {
            close(peer);
            this.served++;
          }),
        );
      }
    };
    this.#accepting = accept();
  }

  get text(): string {
    return this.received.map(text).join("");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const peer of this.peers) close(peer);
    await Promise.all([this.#accepting, ...this.#serving]);
  }
}

/** Sends back what it gets, and closes when the client does. */
async function echo(peer: Deno.TcpConn, server: Server): Promise<void> {
  for await (const chunk of chunks(peer)) {
    server.received.push(chunk);
    await write(peer, chunk);
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** What has happened after a while: "nothing", if the promise is pending. */
function observe<T>(promise: Promise<T>): Promise<T | "nothing"> {
  const later = new Promise<"nothing">((resolve) =>
    setTimeout(resolve, 100, "nothing")
  );
  return Promise.race([promise, later]);
}

function close(socket: Deno.TcpConn): void {
  try {
    socket.close();
  } catch {
    // Closed before.
  }
}

async function* chunks(socket: Deno.TcpConn): AsyncGenerator<Uint8Array> {
  for (;;) {
    const buffer = new Uint8Array(64 * 1024);
    const size = await socket.read(buffer);
    if (size === null) return;
    yield buffer.subarray(0, size);
  }
}

async function write(
  socket: Deno.TcpConn,
  data: string | Uint8Array,
): Promise<void> {
  const bytes = typeof data === "string"
    ? new TextEncoder().encode(data)
    : data;
  for (let at = 0; at < bytes.length;) {
    at += await socket.write(bytes.subarray(at));
  }
}

/** Everything until the connection ends, in whichever way. */
async function rest(socket: Deno.TcpConn): Promise<string> {
  let all = "";
  try {
    for await (const chunk of chunks(socket)) all += text(chunk);
  } catch {
    // A reset is an end as well.
  }
  return all;
}

async function take(socket: Deno.TcpConn, size: number): Promise<string> {
  let all = "";
  while (all.length < size) {
    const buffer = new Uint8Array(size - all.length);
    const count = await socket.read(buffer);
    assert(count !== null, `the connection ended after "${all}"`);
    all += text(buffer.subarray(0, count));
  }
  return all;
}

/** Sends a message, half-closes, and returns all that comes back. */
async function exchange(address: Address, message: string): Promise<string> {
  using socket = await Deno.connect(address);
  const answer = rest(socket);
  await write(socket, message).then(() => socket.closeWrite()).catch(() => {});
  return await answer;
}

Deno.test("FaultProxy without a plan passes bytes and half-closes on", async () => {
  await using server = new Server(async (peer, { received }) => {
    for await (const chunk of chunks(peer)) received.push(chunk);
    await write(peer, "after the end");
  });
  await using proxy = FaultProxy.start(server.address);
  assertEquals(await exchange(proxy.address, "hello"), "after the end");
  assertEquals(server.text, "hello");
  assertEquals(proxy.bytes, { up: 5, down: 13 });
  assertEquals(proxy.connections, 1);
});

Deno.test("FaultProxy passes megabytes through unchanged", async () => {
  await using server = new Server(echo);
  await using proxy = FaultProxy.start(server.address, () => ({
    up: { slice: 10_000 },
  }));
  const message = "0123456789abcdef".repeat(256 * 1024);
  assert(await exchange(proxy.address, message) === message);
});

Deno.test("FaultProxy delay is latency, not throughput", async () => {
  const delay = 300;
  let pieces = 0;
  await using server = new Server(echo);
  await using proxy = FaultProxy.start(server.address, () => ({
    up: { delay, record: () => pieces++ },
  }));
  using socket = await Deno.connect(proxy.address);
  const start = performance.now();
  for (const digit of "0123456789") {
    await write(socket, digit);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assertEquals(await take(socket, 10), "0123456789");
  const elapsed = performance.now() - start;
  assert(pieces > 2, `${pieces} pieces`);
  assert(elapsed >= delay, `${elapsed} ms`);
  assert(elapsed < pieces * delay, `${elapsed} ms for ${pieces} pieces`);
});

Deno.test("FaultProxy bytesPerSecond throttles", async () => {
  await using server = new Server(echo);
  await using proxy = FaultProxy.start(server.address, () => ({
    down: { bytesPerSecond: 10_000 },
  }));
  const start = performance.now();
  const message = "x".repeat(3_000);
  assertEquals(await exchange(proxy.address, message), message);
  // All but the last step of 50 ms has to be waited for.
  assert(performance.now() - start >= 250);
});

Deno.test("FaultProxy passes a slow receiver's backpressure on", async () => {
  const released = Promise.withResolvers<void>();
  await using server = new Server(async (peer) => {
    await released.promise;
    await echo(peer, server);
  });
  await using proxy = FaultProxy.start(server.address);
  using socket = await Deno.connect(proxy.address);
  const size = 64 * 1024 * 1024;
  const written = write(socket, new Uint8Array(size)).then(() => "written");
  assertEquals(await observe(written), "nothing");
  assert(proxy.bytes.up < size);
  released.resolve();
  const answer = take(socket, size);
  await written;
  assertEquals((await answer).length, size);
});

Deno.test("FaultProxy slice limits each write", async () => {
  const pieces: string[] = [];
  await using server = new Server(echo);
  await using proxy = FaultProxy.start(server.address, () => ({
    up: { slice: 3, record: (chunk) => pieces.push(text(chunk)) },
  }));
  assertEquals(await exchange(proxy.address, "abcdefgh"), "abcdefgh");
  assertEquals(pieces, ["abc", "def", "gh"]);
});

Deno.test("FaultProxy cutAt forwards exactly that many bytes", async () => {
  await using server = new Server(echo);
  await using proxy = FaultProxy.start(server.address);
  for (let at = 0; at <= 4; at++) {
    proxy.plan = () => ({ down: { cutAt: at } });
    assertEquals(await exchange(proxy.address, "abcd"), "abcd".slice(0, at));
    proxy.plan = () => ({ up: { cutAt: at } });
    server.received.length = 0;
    await exchange(proxy.address, "abcd");
    await until(() => server.served === proxy.connections);
    assertEquals(server.text, "abcd".slice(0, at));
  }
  assertEquals(proxy.live, 0);
});

Deno.test("FaultProxy corruptAt flips one bit of each byte named", async () => {
  await using server = new Server(echo);
  await using proxy = FaultProxy.start(server.address, (index) => ({
    up: index === 0 ? { corruptAt: 1 } : { corruptAt: [0, 3, 9], slice: 2 },
  }));
  assertEquals(await exchange(proxy.address, "aaaa"), "a`aa");
  assertEquals(await exchange(proxy.address, "aaaa"), "`aa`");
});

Deno.test("FaultProxy swallowFrom up hides bytes and the close", async () => {
  await using server = new Server(echo);
  await using proxy = FaultProxy.start(server.address, () => ({
    up: { swallowFrom: 2 },
  }));
  {
    using socket = await Deno.connect(proxy.address);
    await write(socket, "abcd");
    assertEquals(await take(socket, 2), "ab");
  }
  const [peer] = server.peers;
  assert(peer);
  // The client is gone, and the server can write for as long as it likes.
  for (let i = 0; i < 20; i++) await write(peer, new Uint8Array(64 * 1024));
  assertEquals(server.text, "ab");
  assertEquals(proxy.live, 1);
});

Deno.test("FaultProxy swallowFrom down hides bytes and the close", async () => {
  await using server = new Server(async (peer) => {
    await peer.read(new Uint8Array(1));
    await write(peer, "never seen");
  });
  await using proxy = FaultProxy.start(server.address, () => ({
    down: { swallowFrom: 0 },
  }));
  using socket = await Deno.connect(proxy.address);
  await write(socket, "a");
  await until(() => server.served === 1);
  const seen = rest(socket);
  assertEquals(await observe(seen), "nothing");
  assertEquals(proxy.live, 1);
  assertEquals(proxy.bytes, { up: 1, down: 0 });
  assertEquals(proxy.cutAll(), 1);
  assertEquals(await seen, "");
});

Deno.test("FaultProxy refuse closes without telling the server", async () => {
  await using server = new Server(echo);
  await using proxy = FaultProxy.start(server.address, (index) => ({
    refuse: index === 0,
  }));
  assertEquals(await exchange(proxy.address, "abc"), "");
  assertEquals(await exchange(proxy.address, "abc"), "abc");
  assertEquals(proxy.connections, 2);
  assertEquals(server.peers.length, 1);
});

Deno.test("FaultProxy cutAfter cuts an idle connection", async () => {
  await using server = new Server(echo);
  await using proxy = FaultProxy.start(server.address, () => ({
    cutAfter: 20,
  }));
  using socket = await Deno.connect(proxy.address);
  assertEquals(await rest(socket), "");
  assertEquals(proxy.live, 0);
});

Deno.test("FaultProxy cutAll cuts what is open, delayed bytes included", async () => {
  await using server = new Server(echo);
  await using proxy = FaultProxy.start(server.address, () => ({
    down: { delay: 60_000 },
  }));
  using one = await Deno.connect(proxy.address);
  using two = await Deno.connect(proxy.address);
  await Promise.all([write(one, "a"), write(two, "b")]);
  await until(() => server.received.length === 2);
  assertEquals(proxy.cutAll(), 2);
  assertEquals(proxy.live, 0);
  assertEquals(proxy.cutAll(), 0);
  assertEquals(await Promise.all([rest(one), rest(two)]), ["", ""]);
});

Deno.test("FaultProxy retarget redirects later connections only", async () => {
  await using first = new Server(echo);
  await using second = new Server(echo);
  await using proxy = FaultProxy.start(first.address);
  using socket = await Deno.connect(proxy.address);
  await write(socket, "a");
  await take(socket, 1);
  proxy.retarget(second.address);
  assertEquals(await exchange(proxy.address, "b"), "b");
  await write(socket, "c");
  await take(socket, 1);
  assertEquals([first.text, second.text], ["ac", "b"]);
});

Deno.test("FaultProxy closes a client whose server is not there", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  await using proxy = FaultProxy.start(listener.addr);
  assertEquals(await exchange(proxy.address, "abc"), "");
  assertEquals(proxy.live, 0);
});
