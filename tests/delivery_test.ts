import { assert, assertEquals } from "@std/assert";
import type { JsonValue } from "../mod.ts";
import {
  codeOf,
  concat,
  Effects,
  Gate,
  makeClient,
  seeded,
  SignalLog,
  startServer,
  until,
  Wire,
} from "./support/cypher.ts";
import { type ConnectionFaults, FaultProxy } from "./support/fault_proxy.ts";

const MEBIBYTE = 1024 * 1024;

/** Tells how many messages passed, and whether one is on its way. */
class Meter {
  messages = 0;
  within = false;

  readonly record = (chunk: Uint8Array): void => {
    for (const byte of chunk) if (byte === 0) this.messages++;
    this.within = chunk.at(-1) !== 0;
  };
}

Deno.test("through 200 cuts and more, 10,000 requests have one effect each", async () => {
  const { seed, random } = seeded();
  const below = (limit: number) => Math.floor(random() * limit);
  const effects = new Effects<JsonValue>();
  const meters: { up: Meter; down: Meter }[] = [];
  /** Cuts the connection if there is one that carries a request. */
  let cutNow = () => {};
  await using server = await startServer(async ({ data }) => {
    effects.add(data);
    const fate = below(300);
    if (fate < 3) await new Promise((resolve) => setTimeout(resolve, fate));
    if (fate < 6) cutNow();
    return { data: { effect: data } };
  });
  await using proxy = FaultProxy.start(server.address, () => {
    const up = new Meter();
    const down = new Meter();
    meters.push({ up, down });
    const faults: ConnectionFaults = {
      up: { record: up.record },
      down: { record: down.record },
    };
    switch (below(3)) {
      case 0:
        return { ...faults, up: { ...faults.up, cutAt: below(5_000) } };
      case 1:
        return { ...faults, down: { ...faults.down, cutAt: below(5_000) } };
      default:
        return {
          up: { ...faults.up, slice: 50, cutAt: below(5_000) },
          down: { ...faults.down, slice: 50 },
        };
    }
  });
  await using client = makeClient(proxy.address, { maxUnanswered: Infinity });
  cutNow = () => {
    const { up, down } = meters.at(-1)!;
    if (up.messages > down.messages) proxy.cutAll();
  };

  const total = 10_000;
  let next = 0;
  const work = async () => {
    while (next < total) {
      const data = next++;
      const answer = await client.request({ data });
      assertEquals(answer.data, { effect: data }, `seed ${seed}`);
    }
  };
  await Promise.all([work(), work(), work(), work()]);

  const cuts =
    meters.filter(({ up, down }) =>
      up.within || down.within || up.messages > down.messages
    ).length;
  assert(cuts >= 200, `only ${cuts} cuts hit a request; seed ${seed}`);
  assertEquals(effects.counts.size, total, `seed ${seed}`);
  for (const [id, count] of effects.counts) {
    assertEquals(count, 1, `request ${id}; seed ${seed}`);
  }
});

/** A server that counts, behind a proxy that faults one connection. */
async function setUp(): Promise<
  AsyncDisposable & {
    effects: Effects<JsonValue>;
    log: SignalLog;
    proxy: FaultProxy;
    /** Asks through a connection with these faults, with a new client. */
    ask(faults: ConnectionFaults, data: JsonValue): Promise<JsonValue>;
    /** How large a request and its answer are on the wire, with their NUL. */
    sizes(data: JsonValue): Promise<{ up: number; down: number }>;
  }
> {
  const effects = new Effects<JsonValue>();
  const server = await startServer(({ data }) => {
    effects.add(data);
    return { data: { effect: data } };
  }, { limits: { badTokens: Infinity } });
  const log = new SignalLog(server.monitor);
  let next: ConnectionFaults = {};
  const proxy = FaultProxy.start(server.address, () => {
    const faults = next;
    next = {};
    return faults;
  });
  const ask = async (faults: ConnectionFaults, data: JsonValue) => {
    next = faults;
    const client = makeClient(proxy.address);
    try {
      return (await client.request({ data })).data;
    } finally {
      await client.close();
      await until(
        "the end of all connections",
        () => server.monitor.connections().length === 0,
      );
    }
  };
  return {
    effects,
    log,
    proxy,
    ask,
    async sizes(data) {
      const { up, down } = proxy.bytes;
      await ask({}, data);
      return { up: proxy.bytes.up - up, down: proxy.bytes.down - down };
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await server.stop();
      log[Symbol.dispose]();
    },
  };
}

Deno.test("cut at every byte of a request: one effect, one answer", async () => {
  await using all = await setUp();
  const { effects, proxy, ask } = all;
  const size = (await all.sizes(1_000)).up;
  for (let cutAt = 0; cutAt <= size; cutAt++) {
    const before = proxy.connections;
    const data = 2_000 + cutAt;
    const answer = await ask({ up: { cutAt } }, data);
    assertEquals(answer, { effect: data });
    assertEquals(effects.of(data), 1, `cut at ${cutAt}`);
    assertEquals(proxy.connections - before, 2, `cut at ${cutAt}`);
  }
});

Deno.test("cut at every byte of an answer: one effect, one answer", async () => {
  await using all = await setUp();
  const { effects, proxy, ask } = all;
  const size = (await all.sizes(1_000)).down;
  for (let cutAt = 0; cutAt < size; cutAt++) {
    const before = proxy.connections;
    const data = 2_000 + cutAt;
    const answer = await ask({ down: { cutAt } }, data);
    assertEquals(answer, { effect: data });
    assertEquals(effects.of(data), 1, `cut at ${cutAt}`);
    assertEquals(proxy.connections - before, 2, `cut at ${cutAt}`);
  }
  // Cut right behind it, the answer is whole: nothing is sent again.
  assertEquals(await ask({ down: { cutAt: size } }, 1), { effect: 1 });
  assertEquals(effects.of(1), 1);
});

Deno.test("byte by byte, in both directions", async () => {
  await using all = await setUp();
  const faults = { up: { slice: 1 }, down: { slice: 1 } };
  for (let data = 0; data < 10; data++) {
    assertEquals(await all.ask(faults, data), { effect: data });
    assertEquals(all.effects.of(data), 1);
  }
  assertEquals(all.proxy.connections, 10);
});

Deno.test("delayed longer than `timeout`: sent again, one effect", async () => {
  const effects = new Effects<JsonValue>();
  await using server = await startServer(({ data }) => {
    effects.add(data);
    return { data };
  });
  await using proxy = FaultProxy.start(
    server.address,
    // Each connection is twice as quick as the one before.
    (index) => ({ up: { delay: 400 / 2 ** index } }),
  );
  const reasons: string[] = [];
  await using client = makeClient(proxy.address, {
    timeout: 100,
    onOffline: (reason) => reasons.push(reason),
  });
  assertEquals((await client.request({ data: 5 })).data, 5);
  assert(reasons.length >= 1);
  assertEquals(new Set(reasons), new Set(["timeout"]));
  assertEquals(effects.of(5), 1);
});

Deno.test("a swallowed request is sent again, and a swallowed answer", async () => {
  for (const direction of ["up", "down"] as const) {
    const effects = new Effects<JsonValue>();
    await using server = await startServer(({ data }) => {
      effects.add(data);
      return { data };
    });
    await using proxy = FaultProxy.start(
      server.address,
      (index) => index === 0 ? { [direction]: { swallowFrom: 50 } } : {},
    );
    await using client = makeClient(proxy.address, { timeout: 50 });
    assertEquals((await client.request({ data: 5 })).data, 5, direction);
    assertEquals(effects.of(5), 1, direction);
  }
});

Deno.test("one altered byte in a request: refused, sent again, executed once", async () => {
  await using all = await setUp();
  const { effects, log, proxy } = all;
  const size = (await all.sizes(1_000)).up;
  // Its last byte is the NUL, without which it never ends.
  for (let corruptAt = 0; corruptAt < size - 1; corruptAt++) {
    const seen = log.all.length;
    const connections = proxy.connections;
    const data = 2_000 + corruptAt;
    const answer = await all.ask({ up: { corruptAt } }, data);
    assertEquals(answer, { effect: data }, `byte ${corruptAt}`);
    assertEquals(effects.of(data), 1, `byte ${corruptAt}`);
    assertEquals(proxy.connections - connections, 2, `byte ${corruptAt}`);
    await until(
      "two connections gone",
      () =>
        log.all.slice(seen).filter(({ kind }) => kind === "offline")
          .length === 2,
    );
    const signals = log.all.slice(seen);
    const [online] = signals;
    assertEquals(
      signals.filter(({ connection }) => connection === online?.connection)
        .map((one) =>
          one.kind === "failure"
            ? one.code
            : one.kind === "offline"
            ? one.reason
            : one.kind
        ),
      ["online", "BAD_TOKEN", "bad-token"],
      `byte ${corruptAt}`,
    );
  }
});

Deno.test("a request without its NUL is sent again after `timeout`", async () => {
  await using all = await setUp();
  const corruptAt = (await all.sizes(1_000)).up - 1;
  await using proxy = FaultProxy.start(
    all.proxy.address,
    (index) => index === 0 ? { up: { corruptAt } } : {},
  );
  await using client = makeClient(proxy.address, { timeout: 50 });
  const answer = await client.request({ data: 2_000 });
  assertEquals(answer.data, { effect: 2_000 });
  assertEquals(all.effects.of(2_000), 1);
  assert(proxy.connections >= 2);
});

Deno.test("one altered byte in an answer: BAD_TOKEN, and the client goes on", async () => {
  await using all = await setUp();
  const size = (await all.sizes(1_000)).down;
  for (let corruptAt = 0; corruptAt < size - 1; corruptAt++) {
    const reasons: string[] = [];
    await using proxy = FaultProxy.start(
      all.proxy.address,
      (index) => index === 0 ? { down: { corruptAt } } : {},
    );
    await using client = makeClient(proxy.address, {
      onOffline: (reason) => reasons.push(reason),
    });
    const data = 2_000 + corruptAt;
    assertEquals(await codeOf(client.request({ data })), "BAD_TOKEN");
    assertEquals(all.effects.of(data), 1);
    const answer = await client.request({ data: "next" });
    assertEquals(answer.data, { effect: "next" });
    assertEquals(reasons, ["bad-token"], `byte ${corruptAt}`);
  }
});

Deno.test("the same bytes while the first execution runs: one execution", async () => {
  const effects = new Effects<JsonValue>();
  const gate = new Gate();
  await using server = await startServer(async ({ data }) => {
    effects.add(data);
    await gate.passed;
    return { data: { effect: data, made: crypto.randomUUID() } };
  });
  using log = new SignalLog(server.monitor);
  using first = await Wire.dial(server.address);
  using second = await Wire.dial(server.address);
  using third = await Wire.dial(server.address);
  const token = await first.seal({ PATH: "/ONCE", DATA: 7 });
  await first.send(token);
  await until("the first execution", () => effects.of(7) === 1);
  await second.send(token);
  await third.send(token);
  await until(
    "three requests in progress",
    () => server.monitor.connections().every((one) => one.inProgress === 1),
  );
  gate.open();
  const answers = [
    await first.receive(),
    await second.receive(),
    await third.receive(),
  ];
  assertEquals(effects.of(7), 1);
  assertEquals(answers[1], answers[0]);
  assertEquals(answers[2], answers[0]);

  // And after it has finished: on another connection, and on the same ones.
  using fourth = await Wire.dial(server.address);
  for (const wire of [first, second, fourth]) {
    await wire.send(token);
    assertEquals(await wire.receive(), answers[0]);
  }
  assertEquals(effects.of(7), 1);
  await log.wait("request", 6);
  assertEquals(
    log.of("request").map(({ repeated }) => repeated).sort(),
    [false, true, true, true, true, true],
  );
});

Deno.test("the same bytes after the connection was lost: one execution", async () => {
  const effects = new Effects<JsonValue>();
  const gate = new Gate();
  await using server = await startServer(async ({ data }) => {
    effects.add(data);
    await gate.passed;
    return { data: crypto.randomUUID() };
  });
  using log = new SignalLog(server.monitor);
  using first = await Wire.dial(server.address);
  const token = await first.seal({ DATA: 7 });
  await first.send(token);
  await until("the execution", () => effects.of(7) === 1);
  first.close();
  const [offline] = await log.wait("offline");
  assertEquals(offline?.inProgress, 1);
  using second = await Wire.dial(server.address);
  await second.send(token);
  await until(
    "the repeat",
    () => server.monitor.connections().some((one) => one.inProgress === 1),
  );
  gate.open();
  const answer = await second.receive();
  using third = await Wire.dial(server.address);
  await third.send(token);
  assertEquals(await third.receive(), answer);
  assertEquals(effects.of(7), 1);
});

Deno.test("another sealing of the same content is another request", async () => {
  const identities: string[] = [];
  await using server = await startServer((_, { identity }) => {
    identities.push(identity);
    return {};
  });
  using wire = await Wire.dial(server.address);
  await wire.ask({ DATA: 7 });
  await wire.ask({ DATA: 7 });
  assertEquals(identities.length, 2);
  assertEquals(new Set(identities).size, 2);
});

Deno.test("another spelling of a token is never another execution", async () => {
  const effects = new Effects<JsonValue>();
  await using server = await startServer(({ data }) => {
    effects.add(data);
    return { data };
  });
  using log = new SignalLog(server.monitor);
  using wire = await Wire.dial(server.address);
  // One block of ciphertext: 73 bytes, 98 characters and two of padding.
  const token = await wire.seal('{"DATA":"7890"}');
  await wire.send(token);
  const answer = await wire.receive();
  const text = new TextDecoder().decode(token.subarray(0, -1));
  assert(text.endsWith("=="), "a token whose last character has spare bits");
  const last = text.at(-3)!;
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" +
    "0123456789-_";
  const spare = alphabet[alphabet.indexOf(last) + 1]!;
  const spellings = {
    "without padding": text.slice(0, -2),
    "with half the padding": text.slice(0, -1),
    "with spare bits set": `${text.slice(0, -3)}${spare}==`,
    "with a line break": `${text.slice(0, 76)}\n${text.slice(76)}`,
    "with junk": `!${text}`,
    "with a space behind": `${text} `,
  };
  let refused = 0;
  for (const [name, spelling] of Object.entries(spellings)) {
    using other = await Wire.dial(server.address);
    await other.send(new TextEncoder().encode(`${spelling}\0`));
    assertEquals((await other.end()).bytes, 0, name);
    refused++;
    const failures = await log.wait("failure", refused);
    assertEquals(failures.at(-1)?.code, "BAD_TOKEN", name);
  }
  assertEquals(effects.total, 1);
  // Encoded anew, it is the same, and has the same answer.
  using other = await Wire.dial(server.address);
  const decoded = Uint8Array.fromBase64(text, { alphabet: "base64url" });
  const encoded = decoded.toBase64({ alphabet: "base64url" });
  await other.send(new TextEncoder().encode(`${encoded}\0`));
  assertEquals(await other.receive(), answer);
  assertEquals(effects.total, 1);
});

Deno.test("requests written all at once are answered in their order", async () => {
  const running = new Set<JsonValue>();
  let most = 0;
  await using server = await startServer(async ({ data }) => {
    running.add(data);
    most = Math.max(most, running.size);
    // The later ones would overtake the earlier ones, if they could.
    for (let turn = Number(data); turn < 64; turn++) await Promise.resolve();
    running.delete(data);
    return { data };
  });
  using wire = await Wire.dial(server.address);
  const numbers = Array.from({ length: 64 }, (_, i) => i);
  const tokens = await Promise.all(
    numbers.map((i) => wire.seal({ DATA: i })),
  );
  // The last one ends in a write of its own.
  const bytes = concat(tokens);
  await wire.send(bytes.subarray(0, -30));
  const answered: JsonValue[] = [];
  for (const i of numbers.slice(0, -1)) {
    answered.push(await wire.receive());
    assertEquals((answered[i] as { DATA: JsonValue }).DATA, i);
  }
  await wire.send(bytes.subarray(-30));
  assertEquals((await wire.receive() as { DATA: JsonValue }).DATA, 63);
  assertEquals(most, 1, "one connection has one request at a time");
});

Deno.test("large and small requests written all at once keep their order", async () => {
  await using server = await startServer(({ data }) => ({ data }));
  using wire = await Wire.dial(server.address);
  const datas = [1, "x".repeat(MEBIBYTE), 2, "y".repeat(100_000), 3];
  const tokens = await Promise.all(
    datas.map((data) => wire.seal({ DATA: data })),
  );
  const sending = wire.send(concat(tokens));
  for (const data of datas) {
    const { DATA } = await wire.receive() as { DATA: JsonValue };
    assert(DATA === data, "not the answer whose turn it is");
  }
  await sending;
});

Deno.test("1 MiB streamed slowly, there and back", async () => {
  const effects = new Effects<number>();
  await using server = await startServer(({ data }) => {
    effects.add(String(data).length);
    return { data };
  });
  const slow = { bytesPerSecond: 4 * MEBIBYTE, slice: 4_000 };
  await using proxy = FaultProxy.start(
    server.address,
    () => ({ up: slow, down: slow }),
  );
  await using client = makeClient(proxy.address);
  const data = "0123456789abcdef".repeat(MEBIBYTE / 16);
  const answer = await client.request({ data });
  assert(answer.data === data, "the answer is not what was sent");
  assertEquals(effects.total, 1);
  assertEquals(proxy.connections, 1);
});

Deno.test("a cut within 1 MiB, there and back: one effect", async () => {
  const effects = new Effects<number>();
  await using server = await startServer(({ data }) => {
    effects.add(String(data).length);
    return { data };
  });
  const cuts: ConnectionFaults[] = [
    { up: { cutAt: 1_000_000 } },
    { down: { cutAt: 1_000_000 } },
    { down: { cutAt: 0 } },
  ];
  await using proxy = FaultProxy.start(
    server.address,
    (index) => cuts[index] ?? {},
  );
  await using client = makeClient(proxy.address);
  const data = "0123456789abcdef".repeat(MEBIBYTE / 16);
  const answer = await client.request({ data });
  assert(answer.data === data, "the answer is not what was sent");
  assertEquals(effects.total, 1);
  assertEquals(proxy.connections, 4);
});
