/**
 * The packages under links/ stand in for `@std/assert` and `@std/crypto` where
 * the JSR registry cannot be reached. These tests pass with the real ones too:
 * they say what the two have in common.
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  AssertionError,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import * as crypto from "@std/crypto";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";

/** The message of the assertion that must fail. */
function failing(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    if (error.name !== "AssertionError") throw error;
    return error.message;
  }
  throw new Error("The assertion should have failed");
}

/** The same for an assertion that is a promise. */
async function failingLater(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    return error.message;
  }
  throw new Error("The assertion should have failed");
}

function raise(error: unknown): never {
  throw error;
}

Deno.test("assert takes what is truthy", () => {
  for (const value of [true, 1, "x", [], {}, 1n]) assert(value);
  for (const value of [false, 0, "", null, undefined, NaN, 0n]) {
    failing(() => assert(value));
  }
  assertEquals(failing(() => assert(false, "why")), "why");
});

/** Pairs that are deeply equal. */
const EQUAL: [unknown, unknown][] = [
  [1, 1],
  [NaN, NaN],
  [null, null],
  ["a", "a"],
  [{ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }],
  [new Uint8Array([1, 2]), Uint8Array.of(1, 2)],
  [new Uint8Array([0, 1, 2]).subarray(1), Uint8Array.of(1, 2)],
  [new Map([["a", [1]]]), new Map([["a", [1]]])],
  [new Set([1, 2]), new Set([2, 1])],
  [new Date(5), new Date(5)],
  [/a/g, /a/g],
  [[undefined], [undefined]],
];

/** Pairs that are not. */
const UNEQUAL: [unknown, unknown][] = [
  [1, 2],
  [1, "1"],
  [0, false],
  [null, undefined],
  [null, {}],
  [{ a: 1 }, { a: 1, b: undefined }],
  [{ a: undefined }, { b: undefined }],
  [{ a: 1 }, { a: "1" }],
  [[1, 2], [2, 1]],
  [[1], { 0: 1 }],
  [new Uint8Array([1]), [1]],
  [new Uint8Array([1]), new Int8Array([1])],
  [new Uint8Array([1]), new Uint8Array([2])],
  [new Map([["a", 1]]), new Map([["a", 2]])],
  [new Set([1]), new Set([2])],
  [new Date(5), new Date(6)],
  [/a/g, /a/i],
  [new (class A {})(), new (class B {})()],
];

Deno.test("assertEquals and assertNotEquals compare deeply", () => {
  for (const [a, b] of EQUAL) {
    assertEquals(a, b);
    assertEquals(b, a);
    failing(() => assertNotEquals(a, b));
  }
  for (const [a, b] of UNEQUAL) {
    assertNotEquals(a, b);
    assertNotEquals(b, a);
    failing(() => assertEquals(a, b));
  }
  assertStringIncludes(failing(() => assertEquals(1, 2, "why")), "why");
  assertStringIncludes(failing(() => assertNotEquals(1, 1, "why")), "why");
});

Deno.test("assertStrictEquals compares as Object.is does", () => {
  const object = {};
  for (const value of [1, NaN, "a", null, undefined, object, -0]) {
    assertStrictEquals(value, value);
  }
  failing(() => assertStrictEquals(object, {}));
  failing(() => assertStrictEquals(0, -0));
  failing(() => assertStrictEquals<unknown>(1, "1"));
  const message = failing(() => assertStrictEquals(1, 2, "why"));
  assertStringIncludes(message, "why");
});

Deno.test("assertStringIncludes and assertMatch look into strings", () => {
  assertStringIncludes("Hello", "ell");
  assertStringIncludes("Hello", "");
  assertMatch("Hello", /^h/i);
  failing(() => assertStringIncludes("Hello", "elo"));
  failing(() => assertMatch("Hello", /^e/));
  const messages = [
    failing(() => assertStringIncludes("a", "b", "why")),
    failing(() => assertMatch("a", /b/, "why")),
  ];
  for (const message of messages) assertStringIncludes(message, "why");
});

Deno.test("assertInstanceOf looks at the class", () => {
  assertInstanceOf(new TypeError("x"), TypeError);
  assertInstanceOf(new TypeError("x"), Error);
  assertInstanceOf([], Array);
  for (const value of [new Error("x"), null, undefined, 5, "x", {}]) {
    const message = failing(() => assertInstanceOf(value, TypeError));
    assertStringIncludes(message, "TypeError");
  }
  const message = failing(() => assertInstanceOf(5, Date, "why"));
  assertStringIncludes(message, "why");
});

Deno.test("assertThrows checks the class and the message, and returns the error", () => {
  const error = new TypeError("a long message");
  const work = () => raise(error);
  assertStrictEquals(assertThrows(work), error);
  assertStrictEquals(assertThrows(work, TypeError), error);
  assertStrictEquals(assertThrows(work, Error, "long"), error);
  failing(() => assertThrows(() => 1));
  failing(() => assertThrows(() => 1, TypeError));
  failing(() => assertThrows(work, RangeError));
  failing(() => assertThrows(work, TypeError, "short"));
  failing(() => assertThrows(() => raise("a string"), Error));
  const message = failing(() => assertThrows(() => 1, Error, "", "why"));
  assertStringIncludes(message, "why");
});

Deno.test("assertThrows without a class takes whatever is thrown", () => {
  assertEquals<unknown>(assertThrows(() => raise("a string")), "a string");
  assertEquals<unknown>(assertThrows(() => raise(undefined)), undefined);
});

Deno.test("assertRejects checks the class and the message, and returns the error", async () => {
  const error = new TypeError("a long message");
  const work = () => Promise.reject(error);
  const fine = () => Promise.resolve(1);
  assertStrictEquals(await assertRejects(work), error);
  assertStrictEquals(await assertRejects(work, TypeError), error);
  assertStrictEquals(await assertRejects(work, Error, "long"), error);
  await failingLater(() => assertRejects(fine));
  await failingLater(() => assertRejects(fine, TypeError));
  await failingLater(() => assertRejects(work, RangeError));
  await failingLater(() => assertRejects(work, TypeError, "short"));
  const text = () => Promise.reject("a string");
  await failingLater(() => assertRejects(text, Error));
  const message = await failingLater(() =>
    assertRejects(fine, Error, "", "why")
  );
  assertStringIncludes(message, "why");
});

Deno.test("assertRejects without a class takes whatever is rejected with", async () => {
  const text = () => Promise.reject("a string");
  assertEquals<unknown>(await assertRejects(text), "a string");
});

Deno.test("assertRejects fails where the function itself throws", async () => {
  const work = () => raise(new TypeError("thrown, not rejected"));
  await failingLater(() => assertRejects(work, TypeError));
  await failingLater(() => assertRejects(work));
});

Deno.test("an AssertionError is made from its message", () => {
  const Class = AssertionError as unknown as new (message: string) => Error;
  const error = new Class("why");
  assertInstanceOf(error, Error);
  assertEquals([error.name, error.message], ["AssertionError", "why"]);
});

Deno.test("timingSafeEqual compares the bytes of whatever holds them", () => {
  const bytes = Uint8Array.of(0, 1, 2, 3, 4);
  const inner = Uint8Array.of(1, 2, 3, 4);
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  shared.set(inner);
  const same = [
    inner,
    inner.buffer,
    bytes.subarray(1),
    new DataView(bytes.buffer, 1, 4),
    new Uint16Array(inner.buffer),
    shared,
    shared.buffer,
  ];
  for (const a of same) {
    for (const b of same) assertEquals(timingSafeEqual(a, b), true);
    assertEquals(timingSafeEqual(a, bytes), false);
    assertEquals(timingSafeEqual(bytes, a), false);
    for (let i = 0; i < 4; i++) {
      const other = inner.slice();
      other[i]! ^= 0x80;
      assertEquals(timingSafeEqual(a, other), false);
      assertEquals(timingSafeEqual(other, a), false);
    }
  }
  const empty = new Uint8Array(0);
  assertEquals(timingSafeEqual(empty, empty.buffer), true);
  assertEquals(timingSafeEqual(empty, Uint8Array.of(0)), false);
});

Deno.test("timingSafeEqual is in the package's main module too", () => {
  assertStrictEquals(crypto.timingSafeEqual, timingSafeEqual);
});
