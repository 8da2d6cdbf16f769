/**
 * The session wire against an implementation of it that shares no line with
 * ours, nor its author: what both of our ends have wrong alike shows here.
 */

import { assert, assertEquals } from "@std/assert";
import type { CypherServerOptions } from "../mod.ts";
import { FRAME } from "../protocol/frames.ts";
import {
  codeOf,
  concat,
  Effects,
  errorOf,
  makeClient,
  serverKeys,
  startServer,
  until,
} from "./support/cypher.ts";
import { pythonAvailable } from "./support/python_peer.ts";
import { SessionPeer } from "./support/session_peer.ts";
import { PythonSession } from "./support/session_python.ts";

const available = await pythonAvailable() !== undefined;
if (!available) {
  // deno-lint-ignore no-console
  console.warn(
    "Skipped: the session wire's tests with Python peers, as there is no " +
      "python3 with the cryptography package (Debian: python3-cryptography)",
  );
}

function testWithPython(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: `Python session ${name}`, ignore: !available, fn });
}

const hostname = "127.0.0.1";
const MEBIBYTE = 1024 * 1024;
/** One that UTF-8 writes in several bytes, and so may be cut in two. */
const LARGE = "a\u00e4\u65e5\ud83d\ude00".repeat(MEBIBYTE / 10);
/** After so many records a direction's key is replaced. */
const REKEY = 65_536;

/** A server of ours, with its handlers' effects counted. */
async function serve(options: Partial<CypherServerOptions> = {}) {
  const effects = new Effects<string>();
  const held = Promise.withResolvers<void>();
  const aborted = Promise.withResolvers<void>();
  const server = await startServer(async ({ path, data }, { signal }) => {
    effects.add(path);
    signal.addEventListener("abort", () => aborted.resolve());
    if (path === "/HELD") await Promise.race([held.promise, aborted.promise]);
    if (path === "/FAIL") throw new Error("on purpose");
    return { data };
  }, { wires: ["session"], onHandlerError() {}, ...options });
  return { server, effects, held, aborted: aborted.promise };
}

function clientOf(port: number) {
  return makeClient({ hostname, port }, { wire: "session" });
}

for (const slice of [65_519, 7]) {
  testWithPython(
    `client: 1,000 requests, records of ${slice} bytes`,
    async () => {
      const { server, effects } = await serve({ window: 64 });
      await using _ = server;
      await using peer = await PythonSession.client(server.address.port, {
        args: [`--slice=${slice}`],
      });
      await peer.order("dial");
      assertEquals(await peer.told("online"), { online: false, window: 64 });
      for (let i = 0; i < 1_000; i++) {
        const body = { PATH: `/${i}`, OPERATION: "READ", DATA: [i, "\u00e4"] };
        await peer.request(`${i}`, body);
      }
      for (let i = 0; i < 1_000; i++) {
        const { id, answer } = await peer.told("name", `${i}`);
        assertEquals(id, i + 1);
        assertEquals(answer, {
          PATH: `/${i}`,
          OPERATION: "READ",
          DATA: [i, "\u00e4"],
          METADATA: {},
        });
        assertEquals(effects.of(`/${i}`), 1);
      }
    },
  );
}

testWithPython(
  "client: a MiB each way, failures, frames of no known type",
  async () => {
    await using served = (await serve()).server;
    await using peer = await PythonSession.client(served.address.port);
    await peer.order("dial");
    await peer.request("large", { PATH: "/", DATA: LARGE });
    const { DATA } = await peer.ending("large") as { DATA: string };
    assert(DATA === LARGE, "the same text");
    await peer.request("fail", { PATH: "/FAIL" });
    const { STATUS } = await peer.ending("fail") as {
      STATUS: { code: string };
    };
    assertEquals(STATUS.code, "HANDLER_FAILED");
    for (const type of [0x80, 0xff]) {
      await peer.order("frame", { type, id: 5, size: 100_000 });
    }
    await peer.order("empty", { count: 5 });
    await peer.order("ping", { payload: "8 bytes." });
    assertEquals(await peer.told("pong"), { pong: "8 bytes." });
    // Reserved for pushes: what has a meaning is not to be skipped.
    await peer.order("frame", { type: 0x08 });
    assertEquals(await peer.told("ended"), { ended: "by the server" });
  },
);

testWithPython(
  "client: cancels what runs, and what the server has not seen",
  async () => {
    const { server, effects, aborted } = await serve();
    await using _ = server;
    await using peer = await PythonSession.client(server.address.port);
    await peer.order("dial");
    await peer.request("held", { PATH: "/HELD" });
    await until("it runs", () => effects.of("/HELD") === 1);
    await peer.order("cancel", { name: "held" });
    assertEquals(await peer.ending("held"), "CANCELLED");
    await aborted;
    await peer.order("frame", { type: 0x07, id: 2 });
    assertEquals(await peer.told("stray"), { stray: 2 });
    await peer.request("cancelled before", { PATH: "/NEVER" });
    assertEquals(await peer.ending("cancelled before"), "CANCELLED");
    assertEquals(effects.of("/NEVER"), 0);
  },
);

testWithPython(
  "client: comes back to a stored answer",
  async () => {
    const { server, effects, held } = await serve();
    await using _ = server;
    await using peer = await PythonSession.client(server.address.port);
    await peer.order("dial");
    await peer.told("online");
    await peer.request("held", { PATH: "/HELD", DATA: "kept" });
    await until("it runs", () => effects.of("/HELD") === 1);
    await peer.order("lose");
    await until(
      "it is gone",
      () => server.monitor.connections().length === 0,
    );
    held.resolve();
    await peer.order("dial");
    assertEquals(await peer.told("online"), { online: true, window: 256 });
    const { DATA } = await peer.ending("held") as { DATA: string };
    assertEquals(DATA, "kept");
    assertEquals(effects.of("/HELD"), 1);
  },
);

testWithPython("client: with other keys it is refused", async () => {
  await using served = (await serve()).server;
  await using peer = await PythonSession.client(served.address.port, {
    keys: serverKeys,
  });
  await peer.order("dial");
  assertEquals(await peer.told("refused"), { refused: 1, rest: 0 });
});

testWithPython("client: goes on after 65,536 records", async () => {
  await using served = (await serve()).server;
  await using peer = await PythonSession.client(served.address.port);
  await peer.order("dial");
  await peer.told("online");
  // The hello was one, and so is each request: the second has the new key.
  await peer.order("empty", { count: REKEY - 2 });
  for (const name of ["old key", "new key"]) {
    await peer.request(name, { PATH: "/", DATA: name });
    const { DATA } = await peer.ending(name) as { DATA: string };
    assertEquals(DATA, name);
  }
});

for (const args of [[], ["--slice=7", "--strange=100"]]) {
  testWithPython(`server: 1,000 requests ${args.join(" ")}`, async () => {
    const [peer, port] = await PythonSession.server(...args);
    await using _ = peer;
    await using client = clientOf(port);
    const answers = await Promise.all(
      Array.from(
        { length: 1_000 },
        (_, i) =>
          client.request({ path: "/", operation: "READ", data: [i, "\u00e4"] }),
      ),
    );
    assertEquals(
      answers.map(({ data }) => data),
      Array.from({ length: 1_000 }, (_, i) => [i, "\u00e4"]),
    );
    const { data } = await client.request({ path: "/COUNT" });
    assertEquals(data, 1_001);
    // A server that ends a connection at a request over its window is content.
    const { known, answered } = await peer.told("client");
    assertEquals({ known, answered }, {
      known: false,
      answered: { floor: 0, ranges: [] },
    });
  });
}

testWithPython(
  "server: a MiB each way, a status, a cancelled request",
  async () => {
    const [peer, port] = await PythonSession.server();
    await using _ = peer;
    await using client = clientOf(port);
    const { data } = await client.request({ path: "/", data: LARGE });
    assert(data === LARGE, "the same text");
    const status = await errorOf(client.request({ path: "/STATUS" }));
    assertEquals(status.message, "short and stout");
    const abort = new AbortController();
    const { signal } = abort;
    const held = client.request({ path: "/HELD" }, { signal });
    const after = client.request({ path: "/" });
    await after;
    abort.abort();
    assertEquals(await codeOf(held), "ABORTED");
    assertEquals(await peer.told("cancelled"), { cancelled: 3 });
  },
);

testWithPython(
  "server: an answer that was lost is asked for again",
  async () => {
    const [peer, port] = await PythonSession.server();
    await using _ = peer;
    await using client = clientOf(port);
    await client.request({ path: "/" });
    const { data } = await client.request({ path: "/LOST", data: "kept" });
    assertEquals(data, "kept");
    await peer.told("known", false);
    const { answered } = await peer.told("known", true);
    assertEquals(answered, { floor: 1, ranges: [] });
    assertEquals((await client.request({ path: "/COUNT" })).data, 3);
  },
);

testWithPython("server: it has forgotten the client", async () => {
  const [peer, port] = await PythonSession.server();
  await using _ = peer;
  await using client = clientOf(port);
  await client.connect();
  const written = codeOf(client.request({ path: "/HELD" }));
  const again = client.request({ path: "/HELD", data: 7 }, {
    idempotent: true,
  });
  await client.request({ path: "/" }); // so the two before are there
  await peer.told("known", false);
  await peer.order("forget");
  assertEquals(await written, "OUTCOME_UNKNOWN");
  const { answered } = await peer.told("known", false);
  assertEquals(answered, { floor: 1, ranges: [[3, 3]] });
  await peer.order("release");
  assertEquals((await again).data, 7);
});

testWithPython("server: with other keys it is refused", async () => {
  const [peer, port] = await PythonSession.server();
  await using _ = peer;
  await using client = makeClient({ hostname, port }, {
    wire: "session",
    ...serverKeys,
  });
  assertEquals(await codeOf(client.connect()), "UNAUTHORIZED");
});

testWithPython("server: goes on after 65,536 records", async () => {
  const [peer, port] = await PythonSession.server();
  await using _ = peer;
  await using client = clientOf(port);
  await client.connect();
  await peer.order("empty", { count: REKEY - 2 });
  for (const data of ["old key", "new key"]) {
    assertEquals((await client.request({ path: "/", data })).data, data);
  }
  // Our client has a record for each tick: to be quick, its sealer by itself.
  using sealing = await SessionPeer.dial({ hostname, port });
  const seal = (payload: string) => sealing.seal(FRAME.ping, [0], payload);
  const skipped = () => sealing.seal(FRAME.pong, [0], "not used");
  await sealing.write(concat([
    ...Array.from({ length: REKEY - 2 }, skipped),
    seal("last old"),
    seal("1st new."),
  ]));
  for (const payload of ["last old", "1st new."]) {
    const pong = await sealing.receive(FRAME.pong);
    assertEquals(new TextDecoder().decode(pong!.payload), payload);
  }
});
