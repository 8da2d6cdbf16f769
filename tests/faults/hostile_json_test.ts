/**
 * JSON that is made to do harm, end to end on both wires: each text is either
 * refused, and the connection lives, or arrives as the value that it is. No
 * prototype changes for any of it.
 */

import { assert, assertEquals } from "@std/assert";
import { CypherStatus, type JsonValue } from "../../mod.ts";
import { FRAME } from "../../protocol/frames.ts";
import {
  errorOf,
  HandServer,
  makeClient,
  startServer,
  Wire,
} from "../support/cypher.ts";
import { SessionPeer } from "../support/session_peer.ts";

const REFUSED = Symbol("refused");
const MEBIBYTE = 1024 * 1024;
const WIRES = ["classic", "session"] as const;

/** An object with a key of this name, whatever the name. */
function own(key: string, value: JsonValue): { [key: string]: JsonValue } {
  const object = {};
  Object.defineProperty(object, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return object;
}

function nested(depth: number, open: string, core: string, close: string) {
  return open.repeat(depth) + core + close.repeat(depth);
}

/** Texts in the place of DATA, and what they are. */
const DATA: Record<string, [string, JsonValue | typeof REFUSED]> = {
  "__proto__ with an object": [
    '{"__proto__":{"polluted":1}}',
    own("__proto__", { polluted: 1 }),
  ],
  "__proto__ beside a long number": [
    '{"__proto__":{"polluted":1234567890123456}}',
    own("__proto__", { polluted: 1234567890123456 }),
  ],
  "__proto__ with null": ['{"__proto__":null}', own("__proto__", null)],
  "__proto__ twice": [
    '{"__proto__":{"polluted":1},"__proto__":2}',
    own("__proto__", 2),
  ],
  "__proto__ deeper": [
    '[{"a":{"__proto__":{"__proto__":{"polluted":1}}}}]',
    [{ a: own("__proto__", own("__proto__", { polluted: 1 })) }],
  ],
  "constructor.prototype": [
    '{"constructor":{"prototype":{"polluted":1}}}',
    own("constructor", { prototype: { polluted: 1 } }),
  ],
  "names of methods": [
    '{"toString":1,"valueOf":2,"hasOwnProperty":3,"then":4}',
    { toString: 1, valueOf: 2, hasOwnProperty: 3, then: 4 } as never,
  ],
  "toJSON as a value": ['{"toJSON":1}', { toJSON: 1 }],
  "arrays as deep as may be": [
    nested(62, "[", "1", "]"),
    JSON.parse(nested(62, "[", "1", "]")),
  ],
  "arrays too deep": [nested(65, "[", "1", "]"), REFUSED],
  "objects too deep": [nested(65, '{"a":', "1", "}"), REFUSED],
  "100,000 arrays in each other": [nested(100_000, "[", "", "]"), REFUSED],
  "a million brackets": ["[".repeat(MEBIBYTE), REFUSED],
  "duplicate keys": ['{"a":1,"a":{"b":2},"a":3}', { a: 3 }],
  "a number up to 2^53": ["9007199254740992", 2 ** 53],
  "a number that a double rounds": ["9007199254740993", REFUSED],
  "400 digits": ["9".repeat(400), REFUSED],
  "a million digits": ["9".repeat(MEBIBYTE), REFUSED],
  "1e309": ["1e309", REFUSED],
  "an exponent of many digits": [`1e${"9".repeat(10_000)}`, REFUSED],
  "1e308": ["1e308", 1e308],
  "next to nothing": ["1e-400", 0],
  "NaN": ["NaN", REFUSED],
  "Infinity": ["-Infinity", REFUSED],
  "a lone high surrogate": ['"\\ud800"', "\ud800"],
  "a lone low surrogate": ['"a\\udfffb"', "a\udfffb"],
  "surrogates the wrong way round": ['"\\ude00\\ud83d"', "\ude00\ud83d"],
  "a surrogate as a key": ['{"\\ud800":1}', { "\ud800": 1 }],
  "NUL and controls, escaped": ['"\\u0000\\u001f\\u007f"', "\0\x1f\x7f"],
  "a NUL as it is": ['"\0"', REFUSED],
  "an empty key": ['{"":[]}', { "": [] }],
  "100,000 keys": [
    `{${Array.from({ length: 100_000 }, (_, i) => `"k${i}":0`).join()}}`,
    Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, 0])),
  ],
  "a comment": ["1/**/", REFUSED],
  "no end": ['{"a":', REFUSED],
};

/** Whole messages, which are to be refused. */
const MESSAGES: Record<string, string> = {
  "an array": "[]",
  "null": "null",
  "a text": '"PATH"',
  "nothing": "",
  "PATH as a list": '{"PATH":["/"]}',
  "METADATA as a list": '{"METADATA":[]}',
  "METADATA as null": '{"METADATA":null}',
  "the keys in the prototype": '{"PATH":{"__proto__":{"PATH":"/"}}}',
};

/** A peer that sends texts as they are; gives what the answer is. */
interface Sender extends Disposable {
  ask(text: string): Promise<{ DATA: JsonValue; STATUS?: { code: string } }>;
}

async function dial(
  wire: typeof WIRES[number],
  server: Awaited<ReturnType<typeof startServer>>,
): Promise<Sender> {
  if (wire === "classic") {
    const peer = await Wire.dial(server.address);
    return {
      ask: async (text) => await peer.ask(text) as never,
      [Symbol.dispose]: () => peer.close(),
    };
  }
  const peer = await SessionPeer.dial(server.address);
  let id = 0;
  return {
    ask: async (text) => {
      await peer.send(FRAME.request, [++id], text);
      const frame = await peer.receive(FRAME.response);
      assert(frame !== null && frame.id === id, "the connection lives");
      return JSON.parse(new TextDecoder().decode(frame.payload));
    },
    [Symbol.dispose]: () => peer[Symbol.dispose](),
  };
}

/** Everything that pollution would have changed. */
function assertClean(name: string): void {
  for (const prototype of [Object.prototype, Array.prototype]) {
    assertEquals(Object.keys(prototype), [], name);
  }
  assertEquals(({} as { polluted?: unknown }).polluted, undefined, name);
}

for (const wire of WIRES) {
  Deno.test(`${wire}: hostile requests are refused or arrive as they are`, async () => {
    const received: JsonValue[] = [];
    const paths: string[] = [];
    await using server = await startServer(({ data, path, metadata }) => {
      received.push(data);
      paths.push(path);
      assertEquals(Object.getPrototypeOf(metadata), Object.prototype);
      return { data };
    }, { wires: [wire] });
    using peer = await dial(wire, server);
    for (const [name, [text, value]] of Object.entries(DATA)) {
      const { DATA, STATUS } = await peer.ask(`{"PATH":"/","DATA":${text}}`);
      assertClean(name);
      if (value === REFUSED) {
        assertEquals(STATUS?.code, "BAD_REQUEST", name);
        assertEquals(received.length, 0, name);
      } else {
        assertEquals(STATUS, undefined, name);
        assertEquals(JSON.stringify(DATA), JSON.stringify(value), name);
        const one = received.pop()!;
        assertEquals(JSON.stringify(one), JSON.stringify(value), name);
        if (typeof one !== "object" || one === null) continue;
        const prototype = Array.isArray(one)
          ? Array.prototype
          : Object.prototype;
        assertEquals(Object.getPrototypeOf(one), prototype, name);
      }
    }
    for (const [name, text] of Object.entries(MESSAGES)) {
      const { STATUS } = await peer.ask(text);
      assertEquals(STATUS?.code, "BAD_REQUEST", name);
    }
    assertEquals(new Set(paths), new Set(["/"]));
    assertEquals(server.monitor.connections().length, 1, "all on one");
  });

  Deno.test(`${wire}: values go there and back as they are`, async () => {
    await using server = await startServer(
      ({ data, metadata }) => ({ data, metadata }),
      { wires: [wire] },
    );
    await using client = makeClient(server.address, { wire });
    for (const [name, [, value]] of Object.entries(DATA)) {
      if (typeof value === "symbol") continue;
      const metadata = own("__proto__", { polluted: 1 });
      const answer = await client.request({ data: value, metadata });
      assertEquals(JSON.stringify(answer.data), JSON.stringify(value), name);
      assertEquals(
        JSON.stringify(answer.metadata),
        '{"__proto__":{"polluted":1}}',
      );
      assertClean(name);
    }
  });
}

Deno.test("classic: hostile answers are refused or arrive as they are", async () => {
  await using server = new HandServer();
  await using client = makeClient(server.address);
  let wire: Wire | undefined;
  for (const [name, [text, value]] of Object.entries(DATA)) {
    const asked = client.request<JsonValue>({ path: "/" });
    const settled = asked.catch(() => {});
    wire ??= await server.accept();
    await wire.receive();
    await wire.send(await wire.seal(`{"PATH":"/","DATA":${text}}`));
    if (value === REFUSED) {
      assertEquals((await errorOf(asked)).code, "BAD_MESSAGE", name);
    } else {
      const { data } = await asked;
      assertEquals(JSON.stringify(data), JSON.stringify(value), name);
    }
    await settled;
    assertClean(name);
  }
  // A status of an answer is no prototype's, either.
  const asked = client.request({ path: "/" });
  await wire!.receive();
  await wire!.send(
    await wire!.seal('{"STATUS":{"__proto__":{"code":"FORGED"}}}'),
  );
  assert(!(await asked instanceof CypherStatus));
});
