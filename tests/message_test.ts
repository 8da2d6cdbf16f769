import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import fc from "fast-check";
import { CypherError, type CypherErrorCode } from "../protocol/errors.ts";
import type { Reply, RequestInit } from "../protocol/message.ts";
import {
  failureOf,
  readAnswer,
  readRequest,
} from "../protocol/read_message.ts";
import {
  writeFailure,
  writeReply,
  writeRequest,
} from "../protocol/write_message.ts";

const DEPTH = 64;
const REQUEST = { path: "/p", operation: "READ", metadata: { m: 1 } };

function failure(code: CypherErrorCode, work: () => unknown): CypherError {
  let result: unknown;
  try {
    result = work();
  } catch (error) {
    assert(error instanceof CypherError, `${error}`);
    assertEquals(error.code, code);
    return error;
  }
  throw new Error(`It should have failed, it gave ${Deno.inspect(result)}`);
}

function read(text: string) {
  return readRequest(text, DEPTH);
}

function answer(text: string, request: RequestInit = REQUEST) {
  return readAnswer(request, text, DEPTH);
}

/** What cannot be sent, whatever it is put into. */
function unsendables(): unknown[] {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  return [1n, { n: 1n }, [[1n]], cycle, [cycle]];
}

/** What JSON.stringify would write as `{}`. */
const LOST = [new Map([["a", 1]]), new Set([1]), Promise.resolve(1)];

// What the caller writes.

Deno.test("a request's bytes: the four keys in their order", () => {
  const request = {
    metadata: { b: 2, a: 1 },
    data: 42,
    operation: "UPDATE",
    path: "/NUMBER",
  };
  assertEquals(
    writeRequest(request),
    '{"PATH":"/NUMBER","OPERATION":"UPDATE","DATA":42,"METADATA":{"b":2,"a":1}}',
  );
});

Deno.test("a request's defaults", () => {
  const text = '{"PATH":"/","OPERATION":"NONE","DATA":{},"METADATA":{}}';
  assertEquals(writeRequest({}), text);
  const left = {
    path: undefined,
    operation: undefined,
    data: undefined,
    metadata: undefined,
    extra: undefined,
  };
  assertEquals(writeRequest(left), text);
});

Deno.test("a request's data may be any JSON, null included", () => {
  for (
    const data of [null, false, 0, "", [], {}, [1, { a: [] }], "é😀\ud800"]
  ) {
    const text = writeRequest({ data });
    assertEquals(JSON.parse(text).DATA, data);
    assert(/^[ -\x7f]*$/.test(text), text);
  }
});

Deno.test("a request's further keys are sent after the four", () => {
  const extra = { TRACE: "x", STATUS: [1], path: "lower", __proto__: null };
  assertEquals(
    writeRequest({ path: "/a", extra }),
    '{"PATH":"/a","OPERATION":"NONE","DATA":{},"METADATA":{},' +
      '"TRACE":"x","STATUS":[1],"path":"lower"}',
  );
});

Deno.test("a request of the wrong types is refused before it is sent", () => {
  const wrong: unknown[] = [{ path: 5 }, { path: null }, { path: ["/"] }];
  wrong.push({ operation: 5 }, { operation: null }, { operation: {} });
  wrong.push({ metadata: null }, { metadata: [] }, { metadata: "x" });
  wrong.push({ metadata: 7 }, { extra: null }, { extra: [] }, { extra: "x" });
  for (const key of ["PATH", "OPERATION", "DATA", "METADATA"]) {
    wrong.push({ extra: { [key]: 1 } });
  }
  for (const request of wrong) {
    failure("UNSENDABLE", () => writeRequest(request as RequestInit));
  }
});

const SPARE: unknown[] = ["x", null, { a: 1 }];

Deno.test("a request's unknown key is refused, and those that exist named", () => {
  for (const key of ["dta", "PATH", "OPERATION", "DATA", "status", "body"]) {
    for (const spare of SPARE) {
      const request = { path: "/NUMBER", data: 4, [key]: spare };
      const bare = Object.assign(Object.create(null), request);
      for (const given of [request, bare]) {
        assertEquals(
          failure("UNSENDABLE", () => writeRequest(given)).message,
          `Cannot send the message: there is no "${key}" in a request, only ` +
            "path, operation, data, metadata, extra",
        );
      }
    }
  }
  const odd = JSON.parse('{"__proto__":1}');
  assertStringIncludes(
    failure("UNSENDABLE", () => writeRequest(odd)).message,
    'no "__proto__"',
  );
  const long = failure(
    "UNSENDABLE",
    () => writeRequest({ ["\n".repeat(9_000)]: 1 } as RequestInit),
  );
  assert(long.message.length < 300 && !long.message.includes("\n"));
});

Deno.test("a message of a class, or of none, has the keys that are its own", () => {
  class Reading {
    path = "/a";
    data = 1;
    #secret = 2;
    get secret() {
      return this.#secret;
    }
  }
  Object.defineProperty(Reading.prototype, "inherited", { enumerable: true });
  const text = '{"PATH":"/a","OPERATION":"READ","DATA":1,"METADATA":{}}';
  const bare = Object.assign(Object.create(null), { path: "/a", data: 1 });
  for (const given of [new Reading(), bare]) {
    assertEquals(writeRequest(given), text.replace("READ", "NONE"));
    assertEquals(writeReply({ ...REQUEST, metadata: {} }, given), text);
  }
  const hidden = Object.defineProperty({ path: "/a" }, "dta", { value: 1 });
  Object.assign(hidden, { [Symbol("s")]: 1 });
  assertStringIncludes(writeRequest(hidden), '"/a"');
});

/** Each of these arrived as null. */
const NUMBERS = [NaN, Infinity, -Infinity];

Deno.test("a number that JSON lacks is refused, in whatever part", () => {
  for (const value of NUMBERS) {
    const parts: Reply[] = [{ data: value }, { metadata: { value } }];
    parts.push({ extra: { value } });
    for (const part of parts) {
      const works = [
        () => writeRequest(part),
        () => writeReply(REQUEST, part),
      ];
      for (const work of works) {
        assertEquals(
          failure("UNSENDABLE", work).message,
          `Cannot send the value: JSON has no ${value}; give null or a text`,
        );
      }
    }
    failure("UNSENDABLE", () => writeReply(REQUEST, { body: value }));
    failure("UNSENDABLE", () => writeFailure(REQUEST, { code: "X" }, value));
  }
});

Deno.test("a request that JSON cannot carry is refused", () => {
  for (const value of unsendables()) {
    failure("UNSENDABLE", () => writeRequest({ data: value }));
    failure("UNSENDABLE", () => writeRequest({ metadata: { value } }));
    failure("UNSENDABLE", () => writeRequest({ extra: { value } }));
  }
});

Deno.test("what would be lost is refused, in whatever part of a request", () => {
  for (const value of LOST) {
    const requests: unknown[] = [value, { data: value }, { metadata: value }];
    requests.push({ metadata: { value } }, { extra: { value } });
    requests.push({ extra: value });
    for (const request of requests) {
      failure("UNSENDABLE", () => writeRequest(request as RequestInit));
    }
  }
  const { message } = failure(
    "UNSENDABLE",
    () => writeRequest({ metadata: { at: LOST[2] } }),
  );
  assertStringIncludes(message, "did you forget to await it?");
});

Deno.test("metadata with a toJSON of their own decide what is in them", () => {
  const metadata = { tags: new Set(["a"]), toJSON: () => ({ tags: ["a"] }) };
  assertEquals(JSON.parse(writeRequest({ metadata })).METADATA, {
    tags: ["a"],
  });
});

Deno.test("metadata that throw when they are read are refused", () => {
  const metadata = {
    get at(): never {
      throw new Error("a secret");
    },
  };
  const error = failure("UNSENDABLE", () => writeRequest({ metadata }));
  assert(!error.message.includes("secret"));
});

Deno.test("data that is a function or a symbol is refused, not left out", () => {
  for (const data of [() => 1, Symbol("s"), class {}]) {
    failure("UNSENDABLE", () => writeRequest({ data }));
  }
});

Deno.test("no request goes out without its DATA", () => {
  const data = { toJSON: () => undefined };
  let text = "";
  try {
    text = writeRequest({ data });
  } catch (error) {
    assert(error instanceof CypherError && error.code === "UNSENDABLE");
    return;
  }
  assert(Object.hasOwn(JSON.parse(text), "DATA"), text);
});

Deno.test("writing leaves the request as it was", () => {
  const request = {
    path: "/a",
    data: { list: [1] },
    metadata: { m: 1 },
    extra: { x: {} },
  };
  const before = structuredClone(request);
  for (const part of [request.data.list, request.data, request.metadata]) {
    Object.freeze(part);
  }
  Object.freeze(request.extra);
  Object.freeze(request);
  writeRequest(request);
  assertEquals(request, before);
});

// What the handler gets.

Deno.test("a request is read with its defaults", () => {
  const expected = {
    path: "/",
    operation: "NONE",
    data: {},
    metadata: {},
    extra: {},
  };
  assertEquals(read("{}"), expected);
  assertEquals(read('{"PATH":"/a"}'), { ...expected, path: "/a" });
  assertEquals(read('{"OPERATION":""}'), { ...expected, operation: "" });
  assertEquals(read('{"DATA":null}'), { ...expected, data: null });
  assertEquals(read('{"METADATA":{"a":[]}}'), {
    ...expected,
    metadata: { a: [] },
  });
});

Deno.test("a request is read whatever the order and the spacing", () => {
  const text = '{ "METADATA" : {"m":1}, "X": 2,\n"DATA":[1],"OPERATION":"o",' +
    '"PATH":"p" }';
  assertEquals(read(text), {
    path: "p",
    operation: "o",
    data: [1],
    metadata: { m: 1 },
    extra: { X: 2 },
  });
});

Deno.test("keys are told apart by case", () => {
  const { path, operation, extra } = read('{"path":"/x","Operation":"y"}');
  assertEquals([path, operation], ["/", "NONE"]);
  assertEquals(extra, { path: "/x", Operation: "y" });
});

Deno.test("a request of the wrong types is no request", () => {
  const texts = ["null", "true", "1", '"x"', "[]", '[{"PATH":"/"}]', ""];
  for (const wrong of ["null", "1", "true", "[]", "{}"]) {
    texts.push(`{"PATH":${wrong}}`, `{"OPERATION":${wrong}}`);
  }
  for (const wrong of ["null", "1", "true", "[]", '"x"']) {
    texts.push(`{"METADATA":${wrong}}`);
  }
  texts.push('{"DATA":NaN}', '{"DATA":Infinity}', '{"DATA":1e400}');
  texts.push('{"DATA":12345678901234567890}', '{"X":9007199254740993}');
  for (const text of texts) {
    failure("BAD_MESSAGE", () => read(text));
  }
});

Deno.test("a request deeper than the limit is no request", () => {
  const deep = (levels: number) =>
    `{"DATA":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
  assertEquals(read(deep(DEPTH)).path, "/");
  failure("BAD_MESSAGE", () => read(deep(DEPTH + 1)));
  failure("BAD_MESSAGE", () => read(deep(100_000)));
});

Deno.test("of duplicate keys in a request the last wins", () => {
  const { path, data, extra } = read(
    '{"PATH":"/1","DATA":1,"X":1,"PATH":"/2","DATA":{"a":1,"a":2},"X":2}',
  );
  assertEquals([path, data, extra], ["/2", { a: 2 }, { X: 2 }]);
  assertEquals(read('{"PATH":5,"PATH":"/ok"}').path, "/ok");
  failure("BAD_MESSAGE", () => read('{"PATH":"/ok","PATH":5}'));
});

Deno.test("one request's parts are not another's", () => {
  const first = read("{}");
  const second = read("{}");
  try {
    (first.data as Record<string, unknown>).leak = 1;
    (first.metadata as Record<string, unknown>).leak = 1;
    (first.extra as Record<string, unknown>).leak = 1;
  } catch (error) {
    // Frozen is as good.
    assert(error instanceof TypeError);
  }
  for (const request of [second, read("{}")]) {
    assertEquals([request.data, request.metadata, request.extra], [{}, {}, {}]);
  }
});

Deno.test("__proto__ in a request is a key, at the top as anywhere", () => {
  const long = "1234567890123456";
  for (
    const value of ['{"PATH":"/evil","polluted":1}', `{"polluted":${long}}`]
  ) {
    const top = read(`{"__proto__":${value},"DATA":1}`);
    assertEquals([top.path, top.data], ["/", 1]);
    assertEquals(Object.keys(top.extra), ["__proto__"]);
    assertEquals("polluted" in top.extra, false);
    assertEquals("polluted" in top, false);
    assertEquals(
      writeRequest({ extra: top.extra }),
      '{"PATH":"/","OPERATION":"NONE","DATA":{},"METADATA":{},' +
        `"__proto__":${value}}`,
    );
    const inner = read(
      `{"DATA":{"__proto__":${value}},"METADATA":{"__proto__":${value}}}`,
    );
    assertEquals(Object.keys(inner.data as object), ["__proto__"]);
    assertEquals(Object.keys(inner.metadata), ["__proto__"]);
    assertEquals("polluted" in inner.metadata, false);
    assertEquals("polluted" in (inner.data as object), false);
  }
  assertEquals("polluted" in {}, false);
  const only = read('{"__proto__":{"PATH":"/evil","METADATA":{"a":1}}}');
  assertEquals([only.path, only.metadata], ["/", {}]);
  read('{"__proto__":null}');
  read('{"constructor":1,"toString":2,"hasOwnProperty":3,"valueOf":4}');
});

const anyText = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
  .map((units) => String.fromCharCode(...units));
const anyKey = fc.oneof(anyText, fc.constantFrom("__proto__", "STATUS", "0"))
  .filter((key) => !["PATH", "OPERATION", "DATA", "METADATA"].includes(key));
/** JSON without the large whole numbers, which json_test.ts looks after. */
const anyData = fc.jsonValue(
  { noUnicodeString: false } as fc.JsonSharedConstraints,
)
  .map((value) =>
    JSON.parse(
      JSON.stringify(value),
      (_, item) => typeof item === "number" ? item % 1e9 || 0 : item,
    )
  );
const anyObject = fc.dictionary(anyKey, anyData, {
  maxKeys: 4,
  noNullPrototype: true,
});

Deno.test("what a caller writes is what a handler gets", () => {
  fc.assert(fc.property(
    fc.record({
      path: anyText,
      operation: anyText,
      data: anyData,
      metadata: anyObject,
      extra: anyObject,
    }),
    (request) => {
      const text = writeRequest(request);
      const keys = Object.keys(JSON.parse(text))
        .filter((key) => !Object.hasOwn(request.extra, key));
      assertEquals(keys, ["PATH", "OPERATION", "DATA", "METADATA"]);
      const back = read(text);
      assertEquals(back.path, request.path);
      assertEquals(back.operation, request.operation);
      for (const part of ["data", "metadata", "extra"] as const) {
        assertEquals(
          JSON.stringify(back[part]),
          JSON.stringify(request[part]),
        );
      }
    },
  ));
});

// What the handler answers.

Deno.test("a reply's bytes: what it leaves out comes from the request", () => {
  const cases: [Reply, string][] = [
    [{}, '{"PATH":"/p","OPERATION":"READ","DATA":null,"METADATA":{"m":1}}'],
    [
      { data: "UPDATED" },
      '{"PATH":"/p","OPERATION":"READ","DATA":"UPDATED","METADATA":{"m":1}}',
    ],
    [
      { metadata: {}, data: [], operation: "", path: "/q" },
      '{"PATH":"/q","OPERATION":"","DATA":[],"METADATA":{}}',
    ],
    [
      {
        path: undefined,
        operation: undefined,
        data: undefined,
        metadata: undefined,
        status: undefined,
        extra: undefined,
      },
      '{"PATH":"/p","OPERATION":"READ","DATA":null,"METADATA":{"m":1}}',
    ],
    [
      { data: 1, extra: { X: "é", y: null } },
      '{"PATH":"/p","OPERATION":"READ","DATA":1,"METADATA":{"m":1},' +
      '"X":"\\u00e9","y":null}',
    ],
    [
      { status: { code: "GONE", message: "No more" } },
      '{"PATH":"/p","OPERATION":"READ","DATA":null,"METADATA":{"m":1},' +
      '"STATUS":{"code":"GONE","message":"No more"}}',
    ],
    [
      { data: 1, status: { code: "OK" } },
      '{"PATH":"/p","OPERATION":"READ","DATA":1,"METADATA":{"m":1},' +
      '"STATUS":{"code":"OK"}}',
    ],
  ];
  for (const [reply, text] of cases) {
    assertEquals(writeReply(REQUEST, reply), text);
  }
});

Deno.test("a success has no STATUS unless the handler set one", () => {
  for (const reply of [{}, { data: 1 }, { data: { STATUS: 1 } }]) {
    const text = writeReply(REQUEST, reply);
    assertEquals(Object.hasOwn(JSON.parse(text), "STATUS"), false);
  }
});

Deno.test("a STATUS among the further keys is sent as it is", () => {
  const { extra } = read('{"STATUS":{"battery":80},"X":1}');
  assertEquals(extra, { STATUS: { battery: 80 }, X: 1 });
  const text = writeReply(REQUEST, { data: 1, extra });
  assertEquals(JSON.parse(text).STATUS, { battery: 80 });
});

Deno.test("a body is the whole answer, whatever it is", () => {
  const bodies = [null, false, 0, -1.5, "", "text", [], [1, [2]], {}];
  for (const body of [...bodies, { STATUS: "x" }, { PATH: 1 }]) {
    assertEquals(writeReply(REQUEST, { body }), JSON.stringify(body));
    const more = { body, path: "/q", data: 7, status: { code: "X" } };
    assertEquals(writeReply(REQUEST, more), JSON.stringify(body));
  }
  assertEquals(writeReply(REQUEST, { body: "é" }), '"\\u00e9"');
});

Deno.test("what is no reply is refused", () => {
  const replies = [undefined, null, 42, "x", true, [], [1], () => 1, 1n];
  for (const reply of [...replies, Symbol("s")]) {
    failure("UNSENDABLE", () => writeReply(REQUEST, reply as Reply));
  }
});

Deno.test("what is no reply is told by its kind, never by its value", () => {
  const replies: [unknown, string][] = [
    [undefined, "undefined"],
    [null, "null"],
    ["a secret", "a string"],
    [42, "a number"],
    [true, "a boolean"],
    [1n, "a bigint"],
    [() => "a secret", "a function"],
    [Symbol("a secret"), "a symbol"],
    [["a secret"], "an array"],
    [new Response("a secret"), "a Response"],
    [new Map([["a secret", 1]]), "a Map"],
    [new CypherError("CLOSED", "a secret"), "an Error"],
    [Uint8Array.of(1), "a Uint8Array"],
  ];
  for (const [reply, kind] of replies) {
    assertEquals(
      failure("UNSENDABLE", () => writeReply(REQUEST, reply as Reply)).message,
      `The handler returned ${kind}; it must return an object, such as ` +
        "{ data: 42 }",
    );
  }
});

Deno.test("a reply's unknown key is refused, a body's company too", () => {
  for (const key of ["dta", "DATA", "STATUS", "statusText"]) {
    for (const spare of SPARE) {
      for (const reply of [{ [key]: spare }, { body: 1, [key]: spare }]) {
        assertEquals(
          failure("UNSENDABLE", () => writeReply(REQUEST, reply)).message,
          `Cannot send the answer: there is no "${key}" in a reply, only ` +
            "path, operation, data, metadata, status, extra, body",
        );
      }
    }
  }
});

Deno.test("a request is a reply, and so is an answer that came from elsewhere", () => {
  const text = '{"PATH":"/p","OPERATION":"o","DATA":[1],"METADATA":{},"X":2}';
  const request = read(text);
  assertEquals(writeReply(request, request), text);
  assertEquals(
    writeReply(request, { ...request, data: 1 }),
    text.replace("[1]", "1"),
  );
  assertEquals(writeRequest(request), text);
  const failed = text.replace('"X":2', '"STATUS":{"code":"GONE"}');
  for (const elsewhere of [text, failed, "7"]) {
    assertEquals(
      writeReply(request, answer(elsewhere) as unknown as Reply),
      elsewhere,
    );
  }
});

Deno.test("a reply that JSON cannot carry is refused", () => {
  for (const value of [...unsendables(), () => 1, Symbol("s")]) {
    failure("UNSENDABLE", () => writeReply(REQUEST, { data: value }));
    failure("UNSENDABLE", () => writeReply(REQUEST, { body: value }));
  }
  for (const value of unsendables()) {
    failure("UNSENDABLE", () => writeReply(REQUEST, { metadata: { value } }));
    failure("UNSENDABLE", () => writeReply(REQUEST, { extra: { value } }));
  }
});

Deno.test("what would be lost is refused, in whatever part of a reply", () => {
  for (const value of [...LOST, new Error("a")]) {
    const replies: unknown[] = [value, { data: value }, { metadata: value }];
    replies.push({ metadata: { value } }, { extra: { value } });
    replies.push({ extra: value }, { body: value });
    replies.push({ status: Object.assign(value, { code: "GONE" }) });
    for (const reply of replies) {
      failure("UNSENDABLE", () => writeReply(REQUEST, reply as Reply));
    }
  }
});

Deno.test("no answer goes out without its DATA", () => {
  const data = { toJSON: () => undefined };
  let text = "";
  try {
    text = writeReply(REQUEST, { data });
  } catch (error) {
    assert(error instanceof CypherError && error.code === "UNSENDABLE");
    return;
  }
  assert(Object.hasOwn(JSON.parse(text), "DATA"), text);
});

Deno.test("a reply of the wrong types is refused", () => {
  const wrong: unknown[] = [{ path: 1 }, { path: null }, { operation: [] }];
  wrong.push({ metadata: [] }, { metadata: null }, { metadata: "x" });
  wrong.push({ extra: [] }, { extra: { PATH: "/" } }, { extra: { DATA: 1 } });
  wrong.push({ status: {} }, { status: { code: 5 } }, { status: "GONE" });
  wrong.push({ status: { code: "GONE", message: 5 } }, { status: 5 });
  wrong.push({ status: null }, { status: false }, { status: "" });
  for (const reply of wrong) {
    failure("UNSENDABLE", () => writeReply(REQUEST, reply as Reply));
  }
});

Deno.test("a reply's text does not change when the reply does", () => {
  const data = { list: [1] };
  const reply = Object.freeze({ data });
  const text = writeReply(REQUEST, reply);
  data.list.push(2);
  assertEquals(JSON.parse(text).DATA, { list: [1] });
  assertEquals(REQUEST, { path: "/p", operation: "READ", metadata: { m: 1 } });
});

Deno.test("a failure's bytes", () => {
  assertEquals(
    writeFailure(REQUEST, { code: "HANDLER_FAILED", message: "Ref é" }),
    '{"PATH":"/p","OPERATION":"READ","DATA":null,"METADATA":{},' +
      '"STATUS":{"code":"HANDLER_FAILED","message":"Ref \\u00e9"}}',
  );
  assertEquals(
    JSON.parse(writeFailure(REQUEST, { code: "X" }, { sensor: 7 })).DATA,
    { sensor: 7 },
  );
});

// What the caller gets.

Deno.test("an answer with the four keys", () => {
  const text = '{"PATH":"/q","OPERATION":"o","DATA":[1],"METADATA":{"a":1}}';
  assertEquals(answer(text), {
    path: "/q",
    operation: "o",
    data: [1],
    metadata: { a: 1 },
    body: JSON.parse(text),
  });
});

Deno.test("an answer of any other form is its own data", () => {
  const texts = ["null", "true", "7", '"text"', "[]", '[1,{"PATH":"/"}]', "{}"];
  texts.push(
    '{"result":1}',
    '{"path":"/x","data":2}',
    '{"__proto__":{"DATA":1}}',
  );
  for (const text of texts) {
    const { path, operation, data, metadata, body, status } = answer(text);
    assertEquals([path, operation], ["/p", "READ"]);
    assertEquals(JSON.stringify(data), text);
    assertEquals(JSON.stringify(body), text);
    assertEquals([metadata, status], [{}, undefined]);
    assertEquals(failureOf(answer(text)), undefined);
  }
});

Deno.test("what an answer lacks comes from the request or its defaults", () => {
  const request = { path: "/r" };
  const found = answer('{"DATA":0}', request);
  assertEquals([found.path, found.operation], ["/r", "NONE"]);
  assertEquals([found.data, found.metadata], [0, {}]);
  const bare = answer("5", {});
  assertEquals([bare.path, bare.operation], ["/", "NONE"]);
});

Deno.test("an answer's parts of the wrong type do not break it", () => {
  for (const wrong of ["null", "5", "[]", '{"a":1}']) {
    const { path, operation, data } = answer(
      `{"PATH":${wrong},"OPERATION":${wrong},"DATA":"x"}`,
    );
    assertEquals([path, operation, data], ["/p", "READ", "x"]);
  }
  for (const wrong of ["null", "5", "[]", '"x"']) {
    assertEquals(answer(`{"METADATA":${wrong}}`).metadata, {});
  }
});

Deno.test("an answer's further keys are in its body", () => {
  const { body } = answer('{"DATA":1,"TRACE":"x","__proto__":{"STATUS":1}}');
  assertEquals(
    JSON.stringify(body),
    '{"DATA":1,"TRACE":"x","__proto__":{"STATUS":1}}',
  );
});

Deno.test("a STATUS is a failure if it is an object with another code than OK", () => {
  const failures = {
    '{"code":"GONE","message":"No more"}': { code: "GONE", message: "No more" },
    '{"code":"GONE"}': { code: "GONE" },
    '{"code":"ok"}': { code: "ok" },
    '{"code":"","message":5}': { code: "" },
    '{"message":null,"code":"X","more":1}': { code: "X" },
  };
  for (const [status, expected] of Object.entries(failures)) {
    const found = answer(`{"DATA":1,"STATUS":${status}}`);
    assertEquals(failureOf(found), expected);
    assertEquals(found.status, JSON.parse(status));
  }
});

Deno.test("any other STATUS is the program's own", () => {
  const others = ["null", "0", "500", '"ERROR"', '"GONE"', "true", "[]"];
  others.push('["code"]', "{}", '{"code":"OK"}', '{"code":"OK","message":"x"}');
  others.push('{"code":404}', '{"code":null}', '{"Code":"X"}', '{"error":"X"}');
  others.push('{"__proto__":{"code":"X"}}', '{"code":["X"]}');
  for (const status of others) {
    const found = answer(`{"DATA":1,"STATUS":${status}}`);
    assertEquals(failureOf(found), undefined, status);
    assertEquals(JSON.stringify(found.status), status);
    assertEquals(found.data, 1);
  }
  const none = answer('{"DATA":1,"__proto__":{"STATUS":{"code":"X"}}}');
  assertEquals([none.status, failureOf(none)], [undefined, undefined]);
});

Deno.test("a STATUS counts in an answer without the four keys too", () => {
  const found = answer('{"STATUS":{"code":"DENIED","message":"Not you"}}');
  assertEquals(found.status, { code: "DENIED", message: "Not you" });
  assertEquals(failureOf(found), { code: "DENIED", message: "Not you" });
});

Deno.test("an answer that is no JSON, or too deep, is refused", () => {
  const deep = "[".repeat(DEPTH + 1) + "]".repeat(DEPTH + 1);
  for (const text of ["", "NaN", "{", "1e400", "9007199254740993", deep]) {
    failure("BAD_MESSAGE", () => answer(text));
  }
});

Deno.test("a reply reaches its caller as it was", () => {
  fc.assert(fc.property(
    fc.record({
      path: anyText,
      operation: anyText,
      data: anyData,
      metadata: anyObject,
    }),
    (reply) => {
      const found = answer(writeReply(REQUEST, reply));
      assertEquals(found.path, reply.path);
      assertEquals(found.operation, reply.operation);
      assertEquals(JSON.stringify(found.data), JSON.stringify(reply.data));
      assertEquals(
        JSON.stringify(found.metadata),
        JSON.stringify(reply.metadata),
      );
      assertStrictEquals(failureOf(found), undefined);
    },
  ));
});
