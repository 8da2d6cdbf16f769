/**
 * Requests that wait for their turn do so beside the stream: what comes behind
 * them is heard, and they are gone with their connection.
 */

import { assert, assertEquals } from "@std/assert";
import type { CypherServer, CypherServerOptions } from "../../mod.ts";
import { FRAME, type Frame } from "../../protocol/frames.ts";
import { readClose } from "../../protocol/notices.ts";
import {
  codeOf,
  Gate,
  makeClient,
  SignalLog,
  startServer,
  until,
  within,
} from "../support/cypher.ts";
import { SessionPeer } from "../support/session_peer.ts";

/** A server for one request at a time, on which `HOLD` waits for the gate. */
class Crowded implements AsyncDisposable {
  readonly gate = new Gate();
  /** The data of the requests whose handlers have begun. */
  readonly begun: unknown[] = [];
  readonly server: CypherServer;
  readonly log: SignalLog;

  private constructor(server: (crowded: Crowded) => CypherServer) {
    this.server = server(this);
    this.log = new SignalLog(this.server.monitor);
  }

  static async start(
    { limits, ...options }: Partial<CypherServerOptions> = {},
  ): Promise<Crowded> {
    let crowded: Crowded | undefined;
    const server = await startServer(async ({ data }) => {
      crowded!.begun.push(data);
      if (data === "HOLD") await crowded!.gate.passed;
      return { data: data === "LARGE" ? "x".repeat(1_048_576) : data };
    }, {
      wires: ["session"],
      limits: { requests: 1, ...limits },
      ...options,
    });
    return crowded = new Crowded(() => server);
  }

  /** Somebody of whom a request is held, so that all others wait. */
  async hold(): Promise<AsyncDisposable> {
    const client = makeClient(this.server.address, { wire: "session" });
    const held = client.request({ data: "HOLD" });
    await until("it is held", () => this.begun.includes("HOLD"));
    return {
      [Symbol.asyncDispose]: async () => {
        this.gate.open();
        await held;
        await client.close();
      },
    };
  }

  /** Whatever could begin has begun once somebody new is answered. */
  async settled(): Promise<void> {
    this.gate.open();
    await using client = makeClient(this.server.address, { wire: "session" });
    await client.request({ data: "LAST" });
  }

  /** A peer of which every byte was read, or is left for good. */
  async peer(secret?: Uint8Array<ArrayBuffer>): Promise<Peer> {
    const before = this.log.of("online").length;
    const peer = await SessionPeer.dial(this.server.address, secret);
    const { connection } = (await this.log.wait("online", before + 1)).at(-1)!;
    return new Peer(peer, this.server, connection);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.gate.open();
    this.log[Symbol.dispose]();
    await this.server.stop({ grace: 0 });
  }
}

/** A peer whose frames are known to have come. */
class Peer implements Disposable {
  readonly id: string;
  readonly #peer: SessionPeer;
  readonly #server: CypherServer;

  constructor(peer: SessionPeer, server: CypherServer, id: string) {
    this.#peer = peer;
    this.#server = server;
    this.id = id;
  }

  /** Asks for these: their data are their ids, or what is to be held. */
  async ask(ids: number[], { data = "", pad = 0 } = {}): Promise<void> {
    for (const id of ids) await this.#send(this.#request(id, data, pad));
  }

  /** Asks, and pings with the same write: both are read, if not taken. */
  async askAndPing(id: number, { pad = 0 } = {}): Promise<void> {
    await this.#send(this.#request(id, "", pad), this.#ping);
  }

  async cancel(id: number): Promise<void> {
    await this.#send(this.#peer.seal(FRAME.cancel, [id], ""));
  }

  async ping(): Promise<void> {
    await this.#send(this.#ping);
  }

  get #ping(): Uint8Array {
    return this.#peer.seal(FRAME.ping, [0], "12345678");
  }

  #request(id: number, data: string, pad: number): Uint8Array {
    const request = {
      PATH: "/",
      OPERATION: "NONE",
      DATA: data || id,
      METADATA: { pad: "x".repeat(pad) },
    };
    return this.#peer.seal(FRAME.request, [id], JSON.stringify(request));
  }

  /** Resolves once it was read. */
  async #send(...parts: Uint8Array[]): Promise<void> {
    const bytes = new Uint8Array(await new Blob(parts as BlobPart[]).bytes());
    const read = () => this.#server.monitor.connection(this.id)!.bytesIn;
    const before = read();
    await this.#peer.write(bytes);
    await until("it is read", () => read() === before + bytes.length);
  }

  /** The next frame, in words. */
  async next(): Promise<string> {
    return wordsOf(await this.#peer.receive());
  }

  async receive(type: Frame["type"]): Promise<Frame | null> {
    return await this.#peer.receive(type);
  }

  [Symbol.dispose](): void {
    this.#peer[Symbol.dispose]();
  }
}

function wordsOf(frame: Frame | null): string {
  if (!frame) return "end";
  switch (frame.type) {
    case FRAME.hello:
      return "hello";
    case FRAME.pong:
      return "pong";
    case FRAME.response:
      return `response ${frame.id}`;
    case FRAME.error:
      return `${jsonOf(frame)["code"]} ${frame.id}`;
    case FRAME.close: {
      const { reason, last } = readClose(frame.payload);
      return `${reason} ${last}`;
    }
    default:
      return `frame ${frame.type}`;
  }
}

function jsonOf({ payload }: Frame): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(payload));
}

Deno.test("those who give up make room, whoever waits behind them", async () => {
  let aborted = 0;
  await using server = await startServer(
    ({ data }, { signal }) =>
      data === "QUICK"
        ? { data }
        : new Promise((_, reject) =>
          signal.addEventListener("abort", () => {
            aborted++;
            reject(signal.reason);
          })
        ),
    { wires: ["session"], limits: { requests: 4 } },
  );
  using log = new SignalLog(server.monitor);
  await using client = makeClient(server.address, { wire: "session" });
  const gaveUp = new AbortController();
  const { signal } = gaveUp;
  const codes = Array.from(
    { length: 5 },
    () => codeOf(client.request({ data: "SLOW" }, { signal })),
  );
  await log.wait("limit");
  gaveUp.abort();
  await using other = makeClient(server.address, { wire: "session" });
  const answer = await within("an answer", other.request({ data: "QUICK" }));
  assertEquals(answer.data, "QUICK");
  assertEquals(await Promise.all(codes), Array(5).fill("ABORTED"));
  await until("they were told to stop", () => aborted >= 4);
  assertEquals(log.of("limit")[0]!.limit, "requests");
  assertEquals(log.of("offline"), []);
});

Deno.test("a request that is cancelled while it waits never runs, and ends once", async () => {
  await using crowded = await Crowded.start();
  await using _holder = await crowded.hold();
  using peer = await crowded.peer();
  await peer.ask([1, 2, 3]);
  await peer.cancel(2);
  // It is done with: to ask for it again changes nothing.
  await peer.ask([2]);
  const words = [await peer.next(), await peer.next(), await peer.next()];
  assertEquals(words, ["hello", "CANCELLED 2", "CANCELLED 2"]);
  await crowded.settled();
  await peer.ping();
  const rest = [await peer.next(), await peer.next(), await peer.next()];
  assertEquals(rest, ["response 1", "response 3", "pong"]);
  assertEquals(crowded.begun, ["HOLD", 1, 3, "LAST"]);
});

Deno.test("those that wait begin in order, before what comes later", async () => {
  const gates = Array.from({ length: 30 }, () => new Gate());
  const begun: unknown[] = [];
  let running = 0;
  await using server = await startServer(async ({ data }) => {
    begun.push(data);
    assert(++running <= 3);
    await gates[data as number]!.passed;
    running--;
    return {};
  }, { wires: ["session"], limits: { requests: 3 } });
  await using client = makeClient(server.address, { wire: "session" });
  const asked: Promise<unknown>[] = [];
  for (const data of gates.keys()) {
    asked.push(client.request({ data }));
    if (asked.length < 5) continue;
    const ends = data - 4;
    await until("its turn", () => begun.includes(ends));
    gates[ends]!.open();
  }
  for (const gate of gates) gate.open();
  await Promise.all(asked);
  assertEquals(begun, gates.map((_, i) => i));
});

Deno.test("what has an answer is answered, however many wait", async () => {
  await using crowded = await Crowded.start();
  using peer = await crowded.peer();
  await peer.ask([1]);
  await peer.receive(FRAME.response);
  await using _holder = await crowded.hold();
  await peer.ask([2, 3, 1]);
  assertEquals(await peer.next(), "response 1");
  // Nor does anything wait twice.
  await peer.ask([2]);
  await crowded.settled();
  const words = [await peer.next(), await peer.next()];
  assertEquals(words, ["response 2", "response 3"]);
  assertEquals(crowded.begun, [1, "HOLD", 2, 3, "LAST"]);
});

Deno.test("what waits is gone with its connection, and runs once after the next", async () => {
  await using crowded = await Crowded.start();
  await using _holder = await crowded.hold();
  const { server, log } = crowded;
  await using client = makeClient(server.address, { wire: "session" });
  const asked = [1, 2, 3].map((data) => client.request({ data }));
  await until("they wait", () => log.of("limit").length > 0);
  for (let i = 1; i <= 3; i++) {
    const { connection } = log.of("online").at(-1)!;
    server.monitor.disconnect(connection);
    await log.wait("online", 2 + i);
  }
  assertEquals(crowded.begun, ["HOLD"]);
  crowded.gate.open();
  const answers = await Promise.all(asked);
  assertEquals(answers.map(({ data }) => data), [1, 2, 3]);
  assertEquals(crowded.begun, ["HOLD", 1, 2, 3]);
});

Deno.test("what waits for who is gone never begins", async () => {
  await using crowded = await Crowded.start();
  await using _holder = await crowded.hold();
  const peer = await crowded.peer();
  await peer.ask([1, 2, 3]);
  peer[Symbol.dispose]();
  await crowded.log.wait("offline");
  await crowded.settled();
  assertEquals(crowded.begun, ["HOLD", "LAST"]);
});

Deno.test("what waits for who has come back begins on the newer connection", async () => {
  await using crowded = await Crowded.start({ window: 2 });
  await using _holder = await crowded.hold();
  const secret = crypto.getRandomValues(new Uint8Array(32));
  using older = await crowded.peer(secret);
  // The third is more than may wait: nothing is read any more.
  await older.ask([1, 2, 3]);
  using newer = await crowded.peer(secret);
  const words = [await older.next(), await older.next(), await older.next()];
  assertEquals(words, ["hello", "replaced 0", "end"]);
  await crowded.settled();
  assertEquals(crowded.begun, ["HOLD", "LAST"]);
  await newer.ask([1, 2]);
  const answers = [await newer.next(), await newer.next(), await newer.next()];
  assertEquals(answers, ["hello", "response 1", "response 2"]);
  assertEquals(crowded.begun, ["HOLD", "LAST", 1, 2]);
});

Deno.test("a stop waits for nothing that waits, and does not claim it", async () => {
  await using crowded = await Crowded.start();
  const { server, log, begun } = crowded;
  using peer = await crowded.peer();
  await peer.ask([1], { data: "HOLD" });
  await until("it is held", () => begun.length === 1);
  await peer.ask([2, 3, 4]);
  // A cancelled id is done with; those below it were not begun for that.
  await peer.cancel(4);
  using other = await crowded.peer();
  await other.ask([1, 2]);
  const stopped = server.stop({ grace: 60_000 });
  assertEquals([await other.next(), await other.next()], [
    "hello",
    "draining 0",
  ]);
  const [offline] = await log.wait("offline");
  assertEquals([offline!.connection, offline!.reason], [other.id, "stopped"]);
  // Nor does what comes now wait for room.
  await peer.ask([5]);
  await peer.ping();
  const words = [await peer.next(), await peer.next(), await peer.next()];
  assertEquals(words, ["hello", "CANCELLED 4", "draining 1"]);
  assertEquals(await peer.next(), "pong");
  crowded.gate.open();
  assertEquals([await peer.next(), await peer.next()], ["response 1", "end"]);
  await within("the stop", stopped);
  assertEquals(begun, ["HOLD"]);
});

Deno.test("a stop hears those again of whom too much waited", async () => {
  await using crowded = await Crowded.start({ window: 1 });
  using peer = await crowded.peer();
  await peer.ask([1], { data: "HOLD" });
  await until("it is held", () => crowded.begun.length === 1);
  await peer.ask([2]);
  await peer.askAndPing(3);
  const stopped = crowded.server.stop({ grace: 60_000 });
  const words = [await peer.next(), await peer.next(), await peer.next()];
  assertEquals(words, ["hello", "draining 1", "pong"]);
  crowded.gate.open();
  await within("the stop", stopped);
  assertEquals(crowded.begun, ["HOLD"]);
});

Deno.test("a window of requests may wait, and pings and cancels are heard", async () => {
  await using crowded = await Crowded.start({ window: 4 });
  await using _holder = await crowded.hold();
  using peer = await crowded.peer();
  await peer.ask([1, 2, 3, 4]);
  await peer.ping();
  assertEquals([await peer.next(), await peer.next()], ["hello", "pong"]);
  await peer.cancel(4);
  assertEquals(await peer.next(), "CANCELLED 4");
  await peer.ask([5]);
  await peer.ping();
  assertEquals(await peer.next(), "pong");
  // One more than the window: the ping behind it has to wait.
  await peer.askAndPing(6);
  await crowded.settled();
  const words = [];
  while (words.at(-1) !== "pong") words.push(await peer.next());
  assertEquals(words.slice(0, 4), [1, 2, 3, 5].map((id) => `response ${id}`));
  const gone = crowded.log.of("offline").map(({ connection }) => connection);
  assert(!gone.includes(peer.id));
});

Deno.test("what waits may take as much as what is not read, and one request more", async () => {
  const limits = { requests: 1, writeBufferBytes: 1_024 };
  await using crowded = await Crowded.start({ limits });
  await using _holder = await crowded.hold();
  using peer = await crowded.peer();
  const pad = 500;
  await peer.ask([1, 2], { pad });
  await peer.cancel(1);
  // What was cancelled does not count.
  await peer.ask([3], { pad });
  await peer.ping();
  const heard = [];
  while (heard.at(-1) !== "pong") heard.push(await peer.next());
  assertEquals(heard, ["hello", "CANCELLED 1", "pong"]);
  await peer.askAndPing(4, { pad });
  await crowded.settled();
  const words = [];
  while (words.at(-1) !== "pong") words.push(await peer.next());
  assertEquals(words, ["response 2", "response 3", "response 4", "pong"]);
});

Deno.test("what waits for who reads nothing goes on waiting", async () => {
  const limits = { writeBufferBytes: 65_536, writeTimeout: 200 };
  await using crowded = await Crowded.start({ limits });
  await using _holder = await crowded.hold();
  using peer = await crowded.peer();
  const ids = Array.from({ length: 60 }, (_, i) => i + 1);
  await peer.ask(ids, { data: "LARGE" });
  crowded.gate.open();
  const [offline] = await crowded.log.wait("offline");
  assertEquals(offline!.reason, "slow-reader");
  // As many as fill what the system holds for both ends' sockets.
  const begun = crowded.begun.filter((data) => data === "LARGE").length;
  assert(begun > 0 && begun < 40, `${begun} have begun`);
  await crowded.settled();
  assertEquals(crowded.begun.length, 1 + begun + 1);
});

Deno.test("who is not read, as too much of it waits, is not taken for dead", async () => {
  await using crowded = await Crowded.start({ window: 1, heartbeat: 100 });
  await using _holder = await crowded.hold();
  using peer = await crowded.peer();
  await peer.ask([1]);
  await peer.askAndPing(2);
  const sent = () => crowded.server.monitor.connection(peer.id)?.bytesOut ?? 0;
  const before = sent();
  // Nobody hears whether they are answered.
  await until("four pings or so", () => sent() > before + 4 * 35);
  crowded.gate.open();
  assert(await peer.receive(FRAME.pong));
  const gone = crowded.log.of("offline").map(({ connection }) => connection);
  assert(!gone.includes(peer.id));
});

Deno.test("who always has a request waiting lets the others have their turns", async () => {
  const gates: Gate[] = [];
  const begun: unknown[] = [];
  await using server = await startServer(async ({ data }) => {
    begun.push(data);
    const gate = new Gate();
    gates.push(gate);
    await gate.passed;
    return {};
  }, { wires: ["session"], limits: { requests: 1 } });
  await using busy = makeClient(server.address, { wire: "session" });
  await using other = makeClient(server.address, { wire: "session" });
  await Promise.all([busy.connect(), other.connect()]);
  using log = new SignalLog(server.monitor);
  const asked = Array.from(
    { length: 10 },
    () => busy.request({ data: "BUSY" }),
  );
  await until("one runs, one waits", () => log.of("limit").length > 0);
  const bytes = () =>
    server.monitor.connections().map(({ bytesIn }) => bytesIn).sort();
  const before = bytes();
  asked.push(other.request({ data: "OTHER" }));
  await until("its request is read", () => `${bytes()}` !== `${before}`);
  for (let turn = 1; turn <= asked.length; turn++) {
    await until("the next turn", () => gates.length === turn);
    gates[turn - 1]!.open();
  }
  await Promise.all(asked);
  const at = begun.indexOf("OTHER");
  assert(at <= 2, `its turn was number ${at}`);
});

Deno.test("more than the window is refused when its turn comes, and no sooner", async () => {
  const gates = [new Gate(), new Gate(), new Gate()];
  const begun: unknown[] = [];
  await using server = await startServer(async ({ data }) => {
    begun.push(data);
    await gates[data as number]!.passed;
    return {};
  }, { wires: ["session"], window: 1, limits: { requests: 2 } });
  using log = new SignalLog(server.monitor);
  const clients = [0, 1].map(() =>
    makeClient(server.address, { wire: "session" })
  );
  const held = clients.map((client, data) => client.request({ data }));
  await until("they are held", () => begun.length === 2);
  using peer = await SessionPeer.dial(server.address);
  const payload = JSON.stringify({
    PATH: "/",
    OPERATION: "NONE",
    DATA: 2,
    METADATA: {},
  });
  await peer.send(FRAME.request, [1, 2], payload);
  gates[0]!.open();
  await until("the first has its turn", () => begun.length === 3);
  assertEquals(log.of("offline"), []);
  gates[1]!.open();
  const [offline] = await log.wait("offline");
  assertEquals(offline!.reason, "protocol-error");
  assertEquals(log.of("limit").at(-1)!.limit, "window");
  gates[2]!.open();
  await Promise.all(held);
  for (const client of clients) await client.close();
});
