import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  BACKOFF_OPTIONS,
  CLIENT_LIMITS,
  CLIENT_OPTIONS,
} from "../client/options.ts";
import {
  CypherClient,
  type CypherClientOptions,
  CypherError,
  CypherServer,
  type CypherServerOptions,
  generateKeys,
  Monitor,
} from "../mod.ts";
import { dashboard } from "../dashboard/mod.ts";
import { PacketClient, PacketServer } from "../packet.ts";
import { SegmentClient, SegmentServer } from "../segment.ts";
import { ANSWERS_OPTIONS } from "../server/answers.ts";
import { SERVER_LIMITS, SERVER_OPTIONS } from "../server/options.ts";

const KEYS = {
  encryptionKey: "client-to-server-key-of-32-chars",
  decryptionKey: "server-to-client-key-of-32-chars",
};
const DAY = 86_400_000;
const TIMER = 2_147_483_647;
const MIB = 2 ** 20;

/** Makes a server or a client of the options given, and closes it. */
type Make = (options: Record<string, unknown>) => Promise<void>;

const makeServer: Make = async (options) => {
  const all = { ...KEYS, handler: () => ({}), ...options };
  const server = new CypherServer(all as unknown as CypherServerOptions);
  await server.stop();
};

const makeClient: Make = async (options) => {
  const all = { ...KEYS, ...options };
  const client = new CypherClient(all as unknown as CypherClientOptions);
  await client.close();
};

const ENDS: [string, Make][] = [["server", makeServer], ["client", makeClient]];

/** The error that must say that an option is bad. */
async function refusal(work: () => unknown): Promise<CypherError> {
  try {
    await work();
  } catch (error) {
    assert(error instanceof CypherError, `${error}`);
    assertEquals(error.code, "BAD_OPTION");
    return error;
  }
  throw new Error("The option was accepted");
}

/** A numeric option: its path, its least and its largest value. */
interface Row {
  readonly make: Make;
  readonly path: string;
  readonly min: number;
  readonly max: number;
  readonly default: number;
  /** Whether `Infinity` is allowed, for "no limit". */
  readonly unlimited?: boolean;
}

function rows(make: Make, table: Record<string, number[]>): Row[] {
  return Object.entries(table).map(([path, [min, max, value, unlimited]]) => ({
    make,
    path,
    min: min!,
    max: max!,
    default: value!,
    unlimited: unlimited === Infinity,
  }));
}

const SERVER_ROWS = rows(makeServer, {
  port: [0, 65_535, 12_345],
  timeout: [1, TIMER, 120_000, Infinity],
  deadline: [1, TIMER, Infinity, Infinity],
  maxAge: [1_000, 2 ** 53 - 1, Infinity, Infinity],
  recvBuffer: [4_096, 64 * MIB, 65_536],
  transmissionBuffer: [1_024, 64 * MIB, 2 * MIB],
  window: [1, 65_536, 256],
  heartbeat: [1, TIMER, 15_000],
  loadTimeout: [1, TIMER, 30_000, Infinity],
  "answers.maxBytes": [0, 2 ** 40, 64 * MIB],
  "answers.tokens": [1_024, 2 ** 24, 1_000_000],
  "answers.maxAge": [1, TIMER, 600_000],
  "answers.clients": [1, 10_000_000, 100_000],
  "limits.connections": [1, 1_000_000, 20_000],
  "limits.connectionsPerAddress": [1, 1_000_000, 15_000, Infinity],
  "limits.badTokens": [1, 1_000_000, 60, Infinity],
  "limits.banTime": [1, TIMER, 60_000],
  "limits.messageTimeout": [1, TIMER, 5_000, Infinity],
  "limits.messageRate": [1, 2 ** 30, 1_024],
  "limits.requests": [1, 10_000_000, 65_536, Infinity],
  "limits.depth": [1, 1_000, 64],
  "limits.messageBytes": [1_024, 256 * MIB, 16 * MIB],
  "limits.unproven": [1, 1_000_000, 20_000],
  "limits.unprovenBytes": [1_024, 2 ** 40, 64 * MIB],
  "limits.handshakes": [1, 100_000, 256],
  "limits.handshakeTimeout": [1, TIMER, 5_000],
  "limits.writeBufferBytes": [1_024, 256 * MIB, 4 * MIB],
  "limits.writeTimeout": [1, TIMER, 10_000],
});

const CLIENT_ROWS = rows(makeClient, {
  port: [1, 65_535, 12_345],
  timeout: [1, TIMER, 60_000],
  connectTimeout: [1, TIMER, 10_000],
  attempts: [1, 1_000_000, Infinity, Infinity],
  maxUnanswered: [1, 1_000_000, 10, Infinity],
  maxAge: [1_000, 2 ** 53 - 1, Infinity, Infinity],
  recvBuffer: [4_096, 64 * MIB, 65_536],
  transmissionBuffer: [1_024, 64 * MIB, 2 * MIB],
  "backoff.first": [1, TIMER, 1_000],
  "backoff.max": [1, TIMER, 10_000],
  "limits.depth": [1, 1_000, 64],
  "limits.messageBytes": [1_024, 256 * MIB, 16 * MIB],
  "limits.queued": [1, 1_000_000, 10_000],
});

/** The options object with one value at a path such as `limits.depth`. */
function at(path: string, value: unknown): Record<string, unknown> {
  const [name, inner] = path.split(".");
  return { [name!]: inner === undefined ? value : { [inner]: value } };
}

/** A message without the commas that group digits. */
function ungrouped(message: string): string {
  return message.replaceAll(/(?<=\d),(?=\d{3})/g, "");
}

/** A bad value must be shown, with the option's name and what is allowed. */
function assertTells(
  { message }: CypherError,
  path: string,
  shown: string,
  allowed: string[],
): void {
  assertStringIncludes(message, `"${path}"`);
  const plain = ungrouped(message);
  for (const part of [shown, ...allowed]) assertStringIncludes(plain, part);
}

Deno.test("every numeric option there is has a row in these tables", () => {
  const server = [
    ...Object.keys(SERVER_OPTIONS),
    ...Object.keys(ANSWERS_OPTIONS).map((name) => `answers.${name}`),
    ...Object.keys(SERVER_LIMITS).map((name) => `limits.${name}`),
  ];
  const client = [
    ...Object.keys(CLIENT_OPTIONS),
    ...Object.keys(BACKOFF_OPTIONS).map((name) => `backoff.${name}`),
    ...Object.keys(CLIENT_LIMITS).map((name) => `limits.${name}`),
  ];
  assertEquals(SERVER_ROWS.map(({ path }) => path), server);
  assertEquals(CLIENT_ROWS.map(({ path }) => path), client);
  const defaults = [
    SERVER_OPTIONS,
    ANSWERS_OPTIONS,
    SERVER_LIMITS,
    CLIENT_OPTIONS,
    BACKOFF_OPTIONS,
    CLIENT_LIMITS,
  ].flatMap((group) => Object.values(group).map((option) => option.default));
  const rows = [...SERVER_ROWS, ...CLIENT_ROWS];
  assertEquals(rows.map((row) => row.default), defaults);
});

for (const row of [...SERVER_ROWS, ...CLIENT_ROWS]) {
  const { make, path, min, max, unlimited } = row;
  const end = make === makeServer ? "server" : "client";

  Deno.test(`${end}, ${path}: the least, the largest and the default`, async () => {
    for (const value of [min, max, undefined, row.default]) {
      await make(at(path, value));
    }
    if (unlimited) await make(at(path, Infinity));
  });

  Deno.test(`${end}, ${path}: what is out of range is refused`, async () => {
    const allowed = [String(min), String(max)];
    if (unlimited) allowed.push("Infinity");
    const values: [unknown, string][] = [
      [min - 1, String(min - 1)],
      [max + 1, String(max + 1)],
      [min + 0.5, String(min + 0.5)],
      [1.5, "1.5"],
      [NaN, "NaN"],
      [-Infinity, "-Infinity"],
      ["1", '"1"'],
      [String(min), `"${min}"`],
      ["", '""'],
      [null, "null"],
      [true, "true"],
      [[min], "array"],
      [{}, "object"],
      [BigInt(min), "bigint"],
      [() => min, "function"],
    ];
    if (!unlimited) values.push([Infinity, "Infinity"]);
    for (const [value, shown] of values) {
      const error = await refusal(() => make(at(path, value)));
      assertTells(error, path, shown, allowed);
    }
  });
}

Deno.test("an option that does not exist is refused by its name", async () => {
  const cases: [Make, string, string[]][] = [
    [makeServer, "prot", ["port", "timeout", "limits", "handler"]],
    [makeServer, "Port", ["port"]],
    [makeServer, "connectTimeout", ["timeout"]],
    [makeServer, "wire", ["port"]],
    [makeServer, "limits.depht", ["depth", "messageBytes", "connections"]],
    [makeServer, "limits.queued", ["depth"]],
    [makeServer, "answers.max", ["maxBytes", "tokens"]],
    [makeServer, "toString", ["port"]],
    [makeClient, "prot", ["port", "timeout", "limits", "onOnline"]],
    [makeClient, "handler", ["dial"]],
    [makeClient, "backoff.min", ["first", "max"]],
    [makeClient, "limits.connections", ["queued", "depth"]],
    [makeClient, "encryptionkey", ["encryptionKey"]],
  ];
  for (const [make, path, known] of cases) {
    for (const value of [1, undefined]) {
      assertTells(await refusal(() => make(at(path, value))), path, "", known);
    }
  }
});

Deno.test("a group of options is an object", async () => {
  for (
    const [make, name] of [
      [makeServer, "limits"],
      [makeServer, "answers"],
      [makeClient, "limits"],
      [makeClient, "backoff"],
    ] as const
  ) {
    await make({ [name]: undefined });
    await make({ [name]: {} });
    const wrong = [[null, "null"], [5, "5"], ["x", '"x"'], [[], "an array"]];
    for (const [value, shown] of wrong) {
      const error = await refusal(() => make({ [name]: value }));
      assertTells(error, name as string, shown as string, ["object"]);
    }
  }
});

Deno.test("the options are an object", async () => {
  const wrong: unknown[] = [undefined, null, 5, "x", true, []];
  for (const options of wrong) {
    for (const Class of [CypherServer, CypherClient]) {
      const { message } = await refusal(() => new Class(options as never));
      assertStringIncludes(message, "they must be an object");
    }
  }
});

Deno.test("a key in place of the options is not shown", async () => {
  const { clientToServer: key } = generateKeys();
  for (const Class of [CypherServer, CypherClient]) {
    const error = await refusal(() => new Class(key as never));
    assert(!Deno.inspect(error).includes(key), "the key is in the error");
  }
});

Deno.test("a key in place of what holds keys is not shown", async () => {
  const { clientToServer: key } = generateKeys();
  const cases: [Make, object][] = [
    [makeServer, { olderKeys: key }],
    [makeServer, { olderKeys: [key] }],
    [makeServer, { tls: key }],
    [makeClient, { tls: key }],
  ];
  for (const [make, options] of cases) {
    const error = await refusal(() => make({ ...options }));
    assertTells(error, Object.keys(options)[0]!, '"string"', []);
    assert(!Deno.inspect(error).includes(key), "the key is in the error");
  }
});

Deno.test("hostname is a string with something in it", async () => {
  for (const [, make] of ENDS) {
    for (const good of [undefined, "localhost", "0.0.0.0", "::1"]) {
      await make({ hostname: good });
    }
    for (const [bad, shown] of [["", '""'], [5, "5"], [null, "null"]]) {
      const error = await refusal(() => make({ hostname: bad }));
      assertTells(error, "hostname", shown as string, ["string"]);
    }
  }
});

Deno.test("hostname is neither a URL nor with a port or white space", async () => {
  for (const [, make] of ENDS) {
    for (const good of ["::1", "[::1]", "fe80::1%eth0", "1.2.3.4", "a.lan."]) {
      await make({ hostname: good });
    }
    for (
      const bad of [
        "localhost:80",
        "127.0.0.1:12345",
        "[::1]:80",
        "tcp://a.lan",
        "http://a.lan:80",
        "a.lan\n",
        " a.lan",
      ]
    ) {
      const error = await refusal(() => make({ hostname: bad }));
      const shown = JSON.stringify(bad);
      assertTells(error, "hostname", shown, ["port is an option of its own"]);
    }
  }
});

Deno.test("a client's name can be printed, and is not long", async () => {
  for (const good of [undefined, "x", "é".repeat(128), "two words"]) {
    await makeClient({ name: good });
  }
  for (const bad of ["", "x".repeat(129), "a\nb", "\ud800", 5, null]) {
    const error = await refusal(() => makeClient({ name: bad }));
    assertTells(error, "name", "", ["printable", "128"]);
  }
});

Deno.test("wire is classic", async () => {
  await makeClient({ wire: "classic" });
  for (const bad of ["Classic", "tcp", "", null, 1]) {
    const error = await refusal(() => makeClient({ wire: bad }));
    assertTells(error, "wire", JSON.stringify(bad), ['"classic"']);
  }
});

Deno.test("functions are functions", async () => {
  const cases: [Make, string][] = [
    [makeServer, "handler"],
    [makeServer, "onHandlerError"],
    [makeClient, "onOnline"],
    [makeClient, "onOffline"],
    [makeClient, "random"],
    [makeClient, "dial"],
  ];
  for (const [make, name] of cases) {
    await make({ [name]: () => 0 });
    if (name !== "handler") await make({ [name]: undefined });
    for (const bad of [null, 5, "handler", {}]) {
      const error = await refusal(() => make({ [name]: bad }));
      assertTells(error, name, "", ["function"]);
    }
  }
  const error = await refusal(() => makeServer({ handler: undefined }));
  assertTells(error, "handler", "undefined", ["function"]);
});

Deno.test("threads that are no number are told, not the handler", async () => {
  for (const [bad, shown] of [["4", '"4"'], [1.5, "1.5"], [null, "null"]]) {
    const error = await refusal(() => makeServer({ threads: bad }));
    assertTells(error, "threads", shown as string, ["0", "256"]);
  }
});

Deno.test("monitor is a Monitor", async () => {
  await makeServer({ monitor: new Monitor() });
  for (const bad of [null, 5, {}, () => {}]) {
    const error = await refusal(() => makeServer({ monitor: bad }));
    assertTells(error, "monitor", "", ["Monitor"]);
  }
});

Deno.test("clock is a clock", async () => {
  const Classes = { server: CypherServer, client: CypherClient };
  for (const [end, Class] of Object.entries(Classes)) {
    for (const bad of [null, 5, "now", {}]) {
      const options = { ...KEYS, clock: bad as never };
      if (end === "server") Object.assign(options, { handler: () => ({}) });
      // Made and not closed: without a clock that would end the test run.
      const error = await refusal(() => new Class(options as never));
      assertTells(error, "clock", "", []);
    }
  }
});

Deno.test("what needs no keys has its clock checked too", async () => {
  const makers: ((options: { clock: never }) => unknown)[] = [
    (options) => new PacketServer(options),
    (options) => new PacketClient(options),
    (options) => new SegmentServer(options),
    (options) => new SegmentClient(options),
    (options) => dashboard(new Monitor(), options),
  ];
  for (const make of makers) {
    for (const bad of [null, 5, "now", {}]) {
      const error = await refusal(() => make({ clock: bad as never }));
      assertTells(error, "clock", "", ["setTimeout"]);
    }
  }
});

/** Of characters whose neighbours are found in no error message. */
const SECRET = "Zq8#Wv2!Xk5@Yj7$Qz9%Vw3^Jx6&Kq1*";

Deno.test("the secret of these tests is a good key", async () => {
  for (const [, make] of ENDS) {
    await make({ encryptionKey: SECRET });
    await make({ decryptionKey: SECRET });
    await make({ encryptionKey: SECRET, decryptionKey: SECRET });
    await make({ encryptionKey: "\0".repeat(31) + "\x7f" });
  }
});

Deno.test("a bad key is told by its option and length, never shown", async () => {
  const bad: [unknown, string][] = [
    ["", "0"],
    [SECRET.slice(0, 31), "31"],
    [SECRET + "Z", "33"],
    [SECRET + SECRET, "64"],
    [SECRET.slice(0, 31) + "é", "ASCII"],
    [SECRET.slice(0, 31) + "\x80", "ASCII"],
    [SECRET.slice(0, 30) + "😀", "ASCII"],
    ["漢" + SECRET.slice(1), "ASCII"],
    [87_654_321, "number"],
    [undefined, "undefined"],
    [null, ""],
    [[SECRET], "object"],
    [{ key: SECRET }, "object"],
    [new TextEncoder().encode(SECRET), "object"],
    [new String(SECRET), "object"],
  ];
  for (const [, make] of ENDS) {
    for (const option of ["encryptionKey", "decryptionKey"]) {
      for (const [key, shown] of bad) {
        const error = await refusal(() => make({ [option]: key }));
        assertTells(error, option, shown, ["32 ASCII characters"]);
        const text = withoutPaths(`${Deno.inspect(error)}${error.stack}`);
        for (let i = 0; i + 2 <= SECRET.length; i++) {
          assert(!text.includes(SECRET.slice(i, i + 2)), text);
        }
        for (const part of ["8765", "😀", "漢", "é"]) {
          assert(!error.message.includes(part), error.message);
        }
      }
    }
  }
});

/** The folder of a checkout may have two letters of the secret in its name. */
function withoutPaths(text: string): string {
  return text.replaceAll(/file:\/\/\S+/g, "");
}

Deno.test("what a file or a .env puts around a key is told", async () => {
  const white = "white space around them";
  const quotes = "quotes around them";
  for (
    const [key, told] of [
      [`${SECRET}\n`, white],
      [` ${SECRET}\r\n`, white],
      [`"${SECRET}"`, quotes],
      [`'${SECRET}'`, quotes],
      [`"${SECRET}'`, "34 characters"],
      [`${SECRET}ZZ`, "34 characters"],
    ]
  ) {
    for (const [, make] of ENDS) {
      const error = await refusal(() => make({ decryptionKey: key }));
      assert(error.message.endsWith(told!), error.message);
    }
  }
});

Deno.test("a good key is in no other option's error", async () => {
  const keys = { encryptionKey: SECRET, decryptionKey: SECRET };
  for (const [, make] of ENDS) {
    for (const bad of [{ port: -1 }, { prot: 1 }, { limits: 5 }]) {
      const error = await refusal(() => make({ ...keys, ...bad }));
      const text = withoutPaths(Deno.inspect(error));
      for (let i = 0; i + 2 <= SECRET.length; i++) {
        assert(!text.includes(SECRET.slice(i, i + 2)), text);
      }
    }
  }
});

Deno.test("the options are left as they were", async () => {
  const limits = Object.freeze({ depth: 10 });
  const options = Object.freeze({ limits, port: 1_000 });
  for (const [, make] of ENDS) await make(options);
  assertEquals(options, { limits: { depth: 10 }, port: 1_000 });
});

Deno.test("stop's grace is from 0 ms on", async () => {
  const server = () =>
    new CypherServer({ ...KEYS, port: 0, handler: () => ({}) });
  for (const grace of [0, TIMER, undefined]) {
    await using one = server();
    await one.stop(grace === undefined ? {} : { grace });
  }
  for (const bad of [-1, TIMER + 1, 1.5, NaN, Infinity, "1", null]) {
    await using one = server();
    const error = await refusal(() => one.stop({ grace: bad as number }));
    const shown = typeof bad === "string" ? `"${bad}"` : String(bad);
    assertTells(error, "grace", shown, ["0", String(TIMER)]);
  }
  await using one = server();
  const unknown = { graec: 5 } as unknown as { grace: number };
  assertTells(await refusal(() => one.stop(unknown)), "graec", "", ["grace"]);
});

Deno.test("a request's deadline is from 1 ms on", async () => {
  await using client = new CypherClient(KEYS);
  const signal = AbortSignal.abort();
  for (const deadline of [1, DAY, TIMER, Infinity, undefined]) {
    // Aborted before it begins, so that nothing is dialled.
    const outcome = await client.request({}, { deadline, signal })
      .catch((error: CypherError) => error);
    assert(outcome instanceof CypherError);
    assertEquals(outcome.code, "ABORTED");
  }
  for (const bad of [0, -1, TIMER + 1, 1.5, NaN, -Infinity, "1", null]) {
    const deadline = bad as number;
    const error = await refusal(() => client.request({}, { deadline, signal }));
    const shown = typeof bad === "string" ? `"${bad}"` : String(bad);
    assertTells(error, "deadline", shown, ["1", String(TIMER), "Infinity"]);
  }
  assertEquals([client.state, client.pending], ["idle", 0]);
});

Deno.test("requests and connects refuse options that do not exist", async () => {
  await using client = new CypherClient(KEYS);
  const typo = { deadlin: 5 } as unknown as { deadline: number };
  const request = await refusal(() => client.request({}, typo));
  assertTells(request, "deadlin", "", ["deadline", "signal"]);
  const connect = await refusal(() => client.connect(typo as never));
  assertTells(connect, "deadlin", "", ["signal"]);
  for (const bad of [null, 5, "x"]) {
    await refusal(() => client.request({}, bad as never));
    await refusal(() => client.connect(bad as never));
  }
  assertEquals([client.state, client.pending], ["idle", 0]);
});

Deno.test("a request's signal is an AbortSignal", async () => {
  const dial = () => Promise.reject(new Error("no dialling here"));
  await using client = new CypherClient({ ...KEYS, dial, attempts: 1 });
  for (const bad of [5, "x", {}, new AbortController()]) {
    const signal = bad as AbortSignal;
    const request = await refusal(() => client.request({}, { signal }));
    assertStringIncludes(request.message, '"signal"');
    const connect = await refusal(() => client.connect({ signal }));
    assertStringIncludes(connect.message, '"signal"');
  }
});

Deno.test("a subscription's capacity is a whole number", async () => {
  await using client = new CypherClient(KEYS);
  const monitor = new Monitor();
  for (const source of [monitor, client]) {
    for (const capacity of [1, 10_000, undefined]) {
      await source.signals({ capacity }).return();
    }
    for (const bad of [-1, 1.5, NaN, "1", null]) {
      const error = await refusal(async () => {
        await source.signals({ capacity: bad as number }).return();
      });
      assertStringIncludes(error.message, '"capacity"');
    }
    const typo = { capcity: 5 } as unknown as { capacity: number };
    const error = await refusal(() => source.signals(typo).return());
    assertStringIncludes(error.message, '"capcity"');
  }
});
