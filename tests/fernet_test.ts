import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { createCipheriv, createHmac } from "node:crypto";
import { CypherError } from "../protocol/errors.ts";
import { Fernet, type FernetOptions, tokenSize } from "../protocol/fernet.ts";
import { generateKeys, keyBytes, parseKeys } from "../protocol/keys.ts";
import { FakeClock } from "./support/fake_clock.ts";
import generate from "./vectors/fernet_generate.json" with { type: "json" };
import invalid from "./vectors/fernet_invalid.json" with { type: "json" };
import verify from "./vectors/fernet_verify.json" with { type: "json" };

const KEY_TEXT = "0123456789abcdefABCDEFGHIJKLMNOP";
const KEY = bytes(KEY_TEXT);
const MINUTE = 60_000;

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Equality by content: what is opened may be any kind of byte array. */
function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  assertEquals(actual.length, expected.length);
  const differs = actual.findIndex((byte, i) => byte !== expected[i]);
  assertEquals(differs, -1, "the bytes differ");
}

function secretOf(vector: { secret: string }): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(vector.secret, { alphabet: "base64url" });
}

function clockAt(iso: string): FakeClock {
  return new FakeClock({ wall: Date.parse(iso) });
}

async function open(fernet: Fernet, token: string | Uint8Array) {
  return await fernet.open(typeof token === "string" ? bytes(token) : token);
}

/** The message with which a token is refused; fails if it opens. */
async function refusal(
  fernet: Fernet,
  token: string | Uint8Array,
): Promise<string> {
  try {
    await open(fernet, token);
  } catch (error) {
    assert(error instanceof CypherError, String(error));
    assertEquals(error.code, "BAD_TOKEN");
    return error.message;
  }
  throw new Error(`The token was accepted: ${token}`);
}

function pattern(length: number): Uint8Array<ArrayBuffer> {
  const plain = new Uint8Array(length);
  for (let i = 0; i < length; i++) plain[i] = (i * 31 + (i >> 8)) & 0xff;
  return plain;
}

/** A token made by the specification's text, with nothing of the library. */
function independent(
  { key = KEY, version = 0x80, seconds = 1_700_000_000n, iv, plain, raw }: {
    key?: Uint8Array;
    version?: number;
    seconds?: bigint;
    iv?: Uint8Array;
    plain?: Uint8Array;
    /** The ciphertext as it is, instead of a plaintext to encrypt. */
    raw?: Uint8Array;
  },
): Uint8Array<ArrayBuffer> {
  iv ??= crypto.getRandomValues(new Uint8Array(16));
  let ciphertext = raw;
  if (!ciphertext) {
    const cipher = createCipheriv("aes-128-cbc", key.subarray(16), iv);
    const blocks = cipher.update(plain ?? new Uint8Array(0));
    ciphertext = new Uint8Array([...blocks, ...cipher.final()]);
  }
  const head = new Uint8Array(25);
  head[0] = version;
  new DataView(head.buffer).setBigUint64(1, seconds);
  head.set(iv, 9);
  const signed = new Uint8Array([...head, ...ciphertext]);
  const tag = createHmac("sha256", key.subarray(0, 16)).update(signed).digest();
  return new Uint8Array([...signed, ...tag]);
}

function spell(body: Uint8Array): string {
  return body.toBase64({ alphabet: "base64url" });
}

for (const [i, vector] of generate.entries()) {
  Deno.test(`official vector, generate ${i + 1}`, async () => {
    using fernet = new Fernet(secretOf(vector), {
      clock: clockAt(vector.now),
      makeIv: () => Uint8Array.from(vector.iv),
    });
    assertEquals(await fernet.seal(bytes(vector.src)), vector.token);
  });
}

for (const [i, vector] of verify.entries()) {
  Deno.test(`official vector, verify ${i + 1}`, async () => {
    for (const maxAge of [vector.ttl_sec * 1000, Infinity]) {
      const clock = clockAt(vector.now);
      using fernet = new Fernet(secretOf(vector), { clock, maxAge });
      const { plain } = await open(fernet, vector.token);
      assertEquals(text(plain), vector.src);
    }
  });
}

/** Authentic tokens whose time alone is wrong. */
const TIME_DEPENDENT = [
  "far-future TS (unacceptable clock skew)",
  "expired TTL",
];

for (const vector of invalid) {
  Deno.test(`official vector, invalid: ${vector.desc}`, async () => {
    const key = secretOf(vector);
    const clock = clockAt(vector.now);
    const maxAge = vector.ttl_sec * 1000;
    using judging = new Fernet(key, { clock, maxAge });
    await refusal(judging, vector.token);
    using timeless = new Fernet(key, { clock });
    if (!TIME_DEPENDENT.includes(vector.desc)) {
      await refusal(timeless, vector.token);
    } else {
      const { plain } = await open(timeless, vector.token);
      // What Python's cryptography finds in the two.
      assertEquals(text(plain), "");
    }
  });
}

Deno.test("the official vectors are all there", () => {
  assertEquals([generate.length, verify.length, invalid.length], [1, 1, 8]);
  for (const desc of TIME_DEPENDENT) {
    assert(invalid.some((vector) => vector.desc === desc), desc);
  }
});

Deno.test("maxAge bounds a token's time in both directions", async () => {
  const clock = new FakeClock({ wall: 1_700_000_000_000 });
  using fernet = new Fernet(KEY, { clock, maxAge: MINUTE });
  const token = await fernet.seal(bytes("x"));
  const offsets = { 0: true, 60_000: true, 60_001: false, 1e9: false };
  for (const [offset, accepted] of Object.entries(offsets)) {
    for (const sign of [1, -1]) {
      clock.step(sign * Number(offset));
      if (accepted) assertEquals(text((await open(fernet, token)).plain), "x");
      else await refusal(fernet, token);
      clock.step(-sign * Number(offset));
    }
  }
});

Deno.test("a token's time is the wall clock's, in whole seconds", async () => {
  const clock = new FakeClock({ wall: 1_700_000_000_999 });
  using fernet = new Fernet(KEY, { clock });
  const token = await fernet.seal(bytes("x"));
  const body = Uint8Array.fromBase64(token, { alphabet: "base64url" });
  assertEquals(new DataView(body.buffer).getBigUint64(1), 1_700_000_000n);
});

Deno.test("any time is right without maxAge", async () => {
  using fernet = new Fernet(KEY, { clock: new FakeClock() });
  for (const seconds of [0n, 1n, 2n ** 53n, 2n ** 64n - 1n]) {
    const body = independent({ seconds, plain: bytes("x") });
    assertEquals(text((await open(fernet, spell(body))).plain), "x");
  }
});

Deno.test("no time is near with maxAge where the time is absurd", async () => {
  using fernet = new Fernet(KEY, { clock: new FakeClock(), maxAge: MINUTE });
  for (const seconds of [0n, 1n, 2n ** 53n, 2n ** 64n - 1n]) {
    await refusal(fernet, spell(independent({ seconds })));
  }
});

Deno.test("tokens of another implementation open, ours are of its form", async () => {
  const iv = pattern(16);
  const clock = new FakeClock({ wall: 1_700_000_000_000 });
  using fernet = new Fernet(KEY, { clock, makeIv: () => iv.slice() });
  for (const size of [0, 1, 15, 16, 17, 64, 1_000, 65_535, 65_536, 70_000]) {
    const plain = pattern(size);
    const token = spell(independent({ iv, plain }));
    assertEquals(await fernet.seal(plain), token, `${size} bytes`);
    assertSame((await open(fernet, token)).plain, plain);
  }
});

Deno.test("sizes round trip, and tokenSize tells each token's size", async () => {
  using fernet = new Fernet(KEY);
  const sizes = [...Array(101).keys(), 65_535, 65_536, 65_537, 2 ** 20];
  for (const size of sizes) {
    const plain = pattern(size);
    const before = plain.slice();
    const token = await fernet.seal(plain);
    assertEquals(token.length, tokenSize(size), `${size} bytes`);
    assertSame((await open(fernet, token)).plain, plain);
    assertSame(plain, before);
  }
});

Deno.test("the sizes around the switch of ciphers open, whichever side", async () => {
  using fernet = new Fernet(KEY);
  const sizes = Array.from({ length: 70 }, (_, i) => 65_500 + i);
  for (const size of sizes) {
    const plain = pattern(size);
    assertSame((await open(fernet, await fernet.seal(plain))).plain, plain);
  }
});

Deno.test("tokens sealed and opened at the same time do not mix", async () => {
  using fernet = new Fernet(KEY);
  const plains = Array.from(
    { length: 60 },
    (_, i) => pattern((i % 2) * 7e4 + i),
  );
  const tokens = await Promise.all(plains.map((plain) => fernet.seal(plain)));
  const opened = await Promise.all(tokens.map((token) => open(fernet, token)));
  for (const [i, { plain }] of opened.entries()) assertSame(plain, plains[i]!);
});

Deno.test("any bytes round trip", async () => {
  using fernet = new Fernet(KEY);
  await fc.assert(fc.asyncProperty(
    fc.uint8Array({ maxLength: 300 }),
    async (plain) => {
      const { plain: back } = await open(fernet, await fernet.seal(plain));
      assertSame(back, plain);
    },
  ));
});

Deno.test("a token changed in any one bit is refused", async () => {
  using fernet = new Fernet(KEY);
  const token = bytes(await fernet.seal(bytes("Attack at dawn!!")));
  for (let bit = 0; bit < token.length * 8; bit++) {
    const changed = token.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    await refusal(fernet, changed);
  }
});

Deno.test("a token whose decoded bytes differ in any one bit is refused", async () => {
  using fernet = new Fernet(KEY);
  const token = await fernet.seal(bytes("Attack at dawn!!"));
  const body = Uint8Array.fromBase64(token, { alphabet: "base64url" });
  for (let bit = 0; bit < body.length * 8; bit++) {
    const changed = body.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    await refusal(fernet, spell(changed));
  }
});

Deno.test("a large token changed anywhere is refused", async () => {
  using fernet = new Fernet(KEY);
  const token = bytes(await fernet.seal(pattern(70_000)));
  for (let i = 0; i < 200; i++) {
    const changed = token.slice();
    const at = Math.floor(i * (token.length - 1) / 199);
    changed[at] = changed[at] === 0x41 ? 0x42 : 0x41;
    await refusal(fernet, changed);
  }
});

Deno.test("a token cut short or lengthened anywhere is refused", async () => {
  using fernet = new Fernet(KEY);
  const token = await fernet.seal(bytes("hello"));
  for (let end = 0; end < token.length; end++) {
    await refusal(fernet, token.slice(0, end));
    await refusal(fernet, token.slice(end + 1));
  }
  for (const more of ["A", "AA==", "AAA=", "AAAA", "=", "====", "\0", token]) {
    await refusal(fernet, token + more);
    await refusal(fernet, more + token);
  }
});

Deno.test("authentic tokens of the wrong form are refused", async () => {
  using fernet = new Fernet(KEY);
  const block = pattern(16);
  await refusal(fernet, spell(independent({ version: 0x81 })));
  await refusal(fernet, spell(independent({ version: 0 })));
  await refusal(fernet, spell(independent({ raw: new Uint8Array(0) })));
  await refusal(fernet, spell(independent({ raw: pattern(15) })));
  await refusal(fernet, spell(independent({ raw: pattern(17) })));
  await refusal(fernet, spell(independent({ raw: pattern(65_536 + 15) })));
  // A block of which the last byte is no padding, whatever the others are.
  const iv = new Uint8Array(16);
  for (const [last, before] of [[0, 0], [17, 17], [255, 255], [3, 2]]) {
    const padded = new Uint8Array(16).fill(before!);
    padded[15] = last!;
    const cipher = createCipheriv("aes-128-cbc", KEY.subarray(16), iv);
    cipher.setAutoPadding(false);
    const raw = new Uint8Array([...cipher.update(padded), ...cipher.final()]);
    await refusal(fernet, spell(independent({ iv, raw })));
    const large = new Uint8Array([...pattern(65_536), ...block, ...raw]);
    await refusal(fernet, spell(independent({ iv, raw: large })));
  }
});

Deno.test("the other half of the key, or another key, opens nothing", async () => {
  using fernet = new Fernet(KEY);
  const token = await fernet.seal(bytes("hello"));
  for (let i = 0; i < 32; i++) {
    const other = KEY.slice();
    other[i]! ^= 1;
    // A key whose second half differs verifies, and decrypts to something else.
    using stranger = new Fernet(other);
    try {
      const { plain } = await open(stranger, token);
      assert(i >= 16);
      assertNotEquals(text(plain), "hello");
    } catch (error) {
      assert(error instanceof CypherError, String(error));
      assertEquals(error.code, "BAD_TOKEN");
    }
  }
});

Deno.test("a key changed after it was given changes nothing", async () => {
  const key = KEY.slice();
  using fernet = new Fernet(key);
  key.fill(0);
  const small = await fernet.seal(pattern(10));
  const large = await fernet.seal(pattern(70_000));
  using whole = new Fernet(KEY);
  assertSame((await open(whole, small)).plain, pattern(10));
  assertSame((await open(whole, large)).plain, pattern(70_000));
});

/** Tokens with no, one and two characters of padding. */
const PADDED = [2, 18, 34].map((size) => ({
  plain: pattern(size),
  token: spell(independent({ plain: pattern(size) })),
}));

Deno.test("base64: the three kinds of ends are among the tokens tried", () => {
  const ends = PADDED.map(({ token }) => /=*$/.exec(token)![0].length);
  assertEquals(ends.sort(), [0, 1, 2]);
});

Deno.test("base64: white space anywhere is refused", async () => {
  using fernet = new Fernet(KEY);
  for (const { plain, token } of PADDED) {
    assertSame((await open(fernet, token)).plain, plain);
    for (const space of [" ", "\n", "\r", "\t", "\f", "\r\n", "    "]) {
      for (const at of [0, 1, 50, token.length - 2, token.length]) {
        await refusal(fernet, token.slice(0, at) + space + token.slice(at));
      }
    }
    // White space in place of padding keeps the length.
    if (!token.endsWith("=")) continue;
    await refusal(fernet, token.replaceAll("=", " "));
    await refusal(fernet, token.slice(0, -1) + "\n");
  }
});

Deno.test("base64: missing and surplus padding is refused", async () => {
  using fernet = new Fernet(KEY);
  for (const { token } of PADDED) {
    const bare = token.replace(/=+$/, "");
    for (const padding of ["", "=", "==", "===", "===="]) {
      if (bare + padding === token) continue;
      await refusal(fernet, bare + padding);
    }
  }
});

Deno.test("base64: padding in the middle is refused", async () => {
  using fernet = new Fernet(KEY);
  for (const { token } of PADDED) {
    await refusal(fernet, token.slice(0, 4) + "AA==" + token.slice(4));
    await refusal(fernet, "====" + token);
  }
});

Deno.test("base64: the alphabet with + and / is refused", async () => {
  using fernet = new Fernet(KEY);
  let tried = 0;
  while (tried < 20) {
    const token = await fernet.seal(pattern(40));
    const other = token.replaceAll("-", "+").replaceAll("_", "/");
    if (other === token) continue;
    tried++;
    await refusal(fernet, other);
    // One character alone will do.
    await refusal(fernet, token.replace(/[-_]/, (c) => c === "-" ? "+" : "/"));
  }
});

Deno.test("base64: trailing bits that carry nothing must be zero", async () => {
  using fernet = new Fernet(KEY);
  const alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let spellings = 0;
  for (const { token } of PADDED) {
    const end = /=*$/.exec(token)![0];
    const last = token.length - end.length - 1;
    const unused = 2 ** (2 * end.length);
    const value = alphabet.indexOf(token[last]!);
    assertEquals(value % unused, 0);
    for (let junk = 1; junk < unused; junk++) {
      const other = token.slice(0, last) + alphabet[value + junk] + end;
      // A lenient decoder takes it for the very same bytes.
      assertEquals(
        Uint8Array.fromBase64(other, { alphabet: "base64url" }).toHex(),
        Uint8Array.fromBase64(token, { alphabet: "base64url" }).toHex(),
      );
      await refusal(fernet, other);
      spellings++;
    }
  }
  assertEquals(spellings, 3 + 15);
});

Deno.test("base64: junk is refused", async () => {
  using fernet = new Fernet(KEY);
  const { token } = PADDED[0]!;
  const junk = [
    "\0",
    "!",
    "%",
    ".",
    "~",
    "\x7f",
    "\x80",
    "\xff",
    "é",
    "\ufeff",
  ];
  for (const one of [...junk, "\u2028", "😀"]) {
    for (const at of [0, 7, token.length]) {
      await refusal(fernet, token.slice(0, at) + one + token.slice(at));
      await refusal(fernet, token.slice(0, at) + one + token.slice(at + 1));
    }
  }
  // Bytes that are no UTF-8 at all.
  for (const byte of [0x80, 0xc3, 0xff]) {
    const changed = bytes(token);
    changed[20] = byte;
    await refusal(fernet, changed);
  }
  await refusal(fernet, "");
});

Deno.test("a token's identity is its decoded HMAC", async () => {
  using fernet = new Fernet(KEY);
  for (const size of [0, 5, 70_000]) {
    const token = await fernet.seal(pattern(size));
    const body = Uint8Array.fromBase64(token, { alphabet: "base64url" });
    const { identity } = await open(fernet, token);
    assertSame(identity, body.slice(-32));
    const tag = createHmac("sha256", KEY.subarray(0, 16))
      .update(body.slice(0, -32)).digest();
    assertSame(identity, tag);
  }
});

Deno.test("two spellings of one token are one: one identity, or no opening", async () => {
  using fernet = new Fernet(KEY);
  const token = PADDED.find(({ token }) => token.endsWith("=="))!.token;
  const { identity } = await open(fernet, token);
  const spellings = [
    token,
    token.replaceAll("-", "+").replaceAll("_", "/"),
    token.replace(/=+$/, ""),
    token + "\n",
    token.replace(
      /(.)==$/,
      (_, c) => String.fromCharCode(c.charCodeAt(0) + 1) + "==",
    ),
  ];
  let opened = 0;
  for (const spelling of spellings) {
    const again = await Promise.resolve()
      .then(() => open(fernet, spelling))
      .catch(() => undefined);
    if (!again) continue;
    opened++;
    assertSame(again.identity, identity);
  }
  assert(opened >= 1);
});

Deno.test("one plaintext sealed twice makes two tokens with two identities", async () => {
  using fernet = new Fernet(KEY, { clock: new FakeClock() });
  for (const size of [10, 70_000]) {
    const seen = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const token = await fernet.seal(pattern(size));
      const { identity } = await open(fernet, token);
      seen.add(identity.toHex());
      const body = Uint8Array.fromBase64(token, { alphabet: "base64url" });
      seen.add(body.slice(9, 25).toHex());
    }
    assertEquals(seen.size, 200);
  }
});

Deno.test("the HMAC is verified before anything else of the token counts", async () => {
  let judged = 0;
  const options: FernetOptions = { acceptIv: () => ++judged > 0 };
  using fernet = new Fernet(KEY, options);
  const body = independent({ plain: bytes("x") });
  body[body.length - 1]! ^= 1;
  await refusal(fernet, spell(body));
  assertEquals(judged, 0);
  // Bad padding under a bad HMAC is told as nothing but a bad HMAC.
  const forged = independent({ raw: pattern(16) });
  forged[forged.length - 1]! ^= 1;
  assertEquals(
    await refusal(fernet, spell(forged)),
    await refusal(fernet, spell(body)),
  );
});

Deno.test("a refusal says nothing of the key, the token or what it holds", async () => {
  const clock = new FakeClock();
  using fernet = new Fernet(KEY, { clock, maxAge: 1_000 });
  using reflecting = new Fernet(KEY, { acceptIv: () => false });
  const secret = "the-plaintext-of-the-token";
  const token = await fernet.seal(bytes(secret));
  clock.step(1e9);
  const altered = token.slice(0, -6) + "AAAAA=";
  const messages = [
    await refusal(fernet, token),
    await refusal(fernet, altered),
    await refusal(fernet, token.slice(1)),
    await refusal(reflecting, token),
    await refusal(fernet, spell(independent({ raw: pattern(16) }))),
  ];
  for (const message of messages) {
    for (const taboo of [KEY_TEXT, secret, token.slice(20, 40)]) {
      for (let at = 0; at + 6 <= taboo.length; at++) {
        assert(!message.includes(taboo.slice(at, at + 6)), message);
      }
    }
  }
});

/** The error of a key that must be refused. */
function badKey(option: string, key: unknown): CypherError {
  try {
    keyBytes(option, key as string);
  } catch (error) {
    assert(error instanceof CypherError, String(error));
    assertEquals(error.code, "BAD_OPTION");
    return error;
  }
  throw new Error("The key was accepted");
}

Deno.test("a key is 32 ASCII characters, each one byte", () => {
  assertEquals(keyBytes("k", KEY_TEXT), KEY);
  const odd = "\0\x01\x7f\n\t " + KEY_TEXT.slice(6);
  assertEquals(keyBytes("k", odd), bytes(odd));
});

Deno.test("a bad key is told by its option and length, never shown", () => {
  const secret = "Zq8#Wv2!Xk5@Yj7$Qz9%Vw3^Jx6&Kq1*";
  const length = [0, 1, 16, 31, 33, 44, 64];
  const keys = length.map((n) => secret.repeat(2).slice(0, n));
  keys.push(secret.slice(0, 31) + "é", "\u{1f600}" + secret.slice(2));
  keys.push(secret.slice(0, 31) + "\x80");
  for (const key of keys) {
    const { message, cause } = badKey("encryptionKey", key);
    assert(message.includes("encryptionKey"), message);
    assert(message.includes("32"), message);
    if (key.length !== 32) assert(message.includes(String(key.length)));
    assertEquals(cause, undefined);
    for (let at = 0; at + 3 <= key.length; at++) {
      assert(!message.includes(key.slice(at, at + 3)), message);
    }
  }
  for (const key of [undefined, null, 12_345_678, {}, [secret], KEY]) {
    const { message } = badKey("decryptionKey", key);
    assert(message.includes("decryptionKey"), message);
    assert(!message.includes("12345678") && !message.includes("Zq8"), message);
  }
});

Deno.test("generated keys are keys, and never the same", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 100; i++) {
    const { clientToServer, serverToClient } = generateKeys();
    for (const key of [clientToServer, serverToClient]) {
      assertEquals(keyBytes("k", key).length, 32);
      seen.add(key);
    }
  }
  assertEquals(seen.size, 200);
});

Deno.test("a keys file that lacks a key says which, and what it must have", () => {
  const { clientToServer, serverToClient } = generateKeys();
  const lacking: Record<string, unknown[]> = {
    clientToServer: [
      {},
      null,
      [],
      7,
      "word",
      { serverToClient },
      { clienttoServer: clientToServer, serverToClient },
    ],
    serverToClient: [{ clientToServer }, { clientToServer, toString: "" }],
  };
  for (const [name, files] of Object.entries(lacking)) {
    for (const file of files) {
      const { message } = assertThrows(
        () => parseKeys(JSON.stringify(file), "keys.json"),
        CypherError,
      );
      assertEquals(
        message,
        `keys.json: Cannot read the keys: "${name}" is missing; it must have ` +
          '"clientToServer" and "serverToClient"',
      );
    }
  }
});

Deno.test("a keys file is read back, and refused without being quoted", () => {
  const keys = generateKeys();
  assertEquals(parseKeys(JSON.stringify(keys)), keys);
  const { clientToServer, serverToClient } = keys;
  const files = [
    "",
    "null",
    "[]",
    "7",
    `"${clientToServer}"`,
    clientToServer,
    JSON.stringify({ clientToServer }),
    JSON.stringify({ serverToClient }),
    JSON.stringify({ clientToServer, serverToClient: clientToServer + "x" }),
    JSON.stringify({ clientToServer: 7, serverToClient }),
    JSON.stringify({ clientToServer: null, serverToClient }),
    JSON.stringify(keys).slice(0, -2),
  ];
  for (const file of files) {
    let error: unknown;
    try {
      parseKeys(file);
    } catch (thrown) {
      error = thrown;
    }
    assert(error instanceof CypherError, `accepted, or else: ${error}`);
    assertEquals(error.code, "BAD_OPTION");
    assert(!Deno.inspect(error).includes(clientToServer.slice(0, 6)));
    assert(!Deno.inspect(error).includes(serverToClient.slice(0, 6)));
  }
});
