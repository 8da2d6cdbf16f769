import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { createDecipheriv } from "node:crypto";
import { ClassicEnvelope } from "../protocol/classic.ts";
import type { Role } from "../protocol/direction.ts";
import { CypherError } from "../protocol/errors.ts";
import { Fernet, tokenSize } from "../protocol/fernet.ts";
import { FakeClock } from "./support/fake_clock.ts";

const TO_SERVER = "client-to-server-key-of-32-chars";
const TO_CLIENT = "server-to-client-key-of-32-chars";
/** From this size on the work is done off the thread. */
const SIZES = [0, 1, 15, 16, 100, 70_000];

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

/** Equality by content: what is opened may be any kind of byte array. */
function assertSame(actual: Uint8Array, expected: Uint8Array): void {
  assertEquals(actual.length, expected.length);
  const differs = actual.findIndex((byte, i) => byte !== expected[i]);
  assertEquals(differs, -1, "the bytes differ");
}

/** The ends of a test, freed with it. */
class Ends implements Disposable {
  #made = new DisposableStack();

  envelope(
    role: Role,
    encryptionKey: string,
    decryptionKey: string,
    { maxAge = Infinity, clock = new FakeClock() } = {},
  ): ClassicEnvelope {
    return this.#made.use(
      new ClassicEnvelope({
        role,
        encryptionKey,
        decryptionKey,
        maxAge,
        clock,
      }),
    );
  }

  /** Two ends that use one key for both directions. */
  equalPair(key = TO_SERVER) {
    return {
      client: this.envelope("client", key, key),
      server: this.envelope("server", key, key),
    };
  }

  /** As a Python peer seals: plain Fernet, random IVs, no marks. */
  python(key = TO_SERVER): Fernet {
    return this.#made.use(new Fernet(bytes(key)));
  }

  [Symbol.dispose](): void {
    this.#made.dispose();
  }
}

/** The token of a message: all of it but its NUL. */
function tokenOf(message: Uint8Array): Uint8Array {
  return message.subarray(0, -1);
}

async function seal(end: ClassicEnvelope, plain: Uint8Array) {
  return await end.seal(plain);
}

async function open(end: ClassicEnvelope, message: Uint8Array) {
  return await end.open(tokenOf(message));
}

async function assertRefused(
  end: ClassicEnvelope,
  message: Uint8Array,
): Promise<void> {
  try {
    await open(end, message);
  } catch (error) {
    assert(error instanceof CypherError, String(error));
    return assertEquals(error.code, "BAD_TOKEN");
  }
  throw new Error("The token was accepted");
}

function ivOf(message: Uint8Array): Uint8Array {
  const token = new TextDecoder().decode(tokenOf(message));
  return Uint8Array.fromBase64(token, { alphabet: "base64url" }).slice(9, 25);
}

Deno.test("a message is a token in ASCII and one NUL", async () => {
  using ends = new Ends();
  for (const [a, b] of [[TO_SERVER, TO_CLIENT], [TO_SERVER, TO_SERVER]]) {
    const client = ends.envelope("client", a!, b!);
    for (const size of SIZES) {
      const message = await seal(client, new Uint8Array(size));
      assertEquals(message.length, tokenSize(size) + 1);
      assertEquals(message.indexOf(0), message.length - 1);
      const token = new TextDecoder().decode(tokenOf(message));
      assert(/^gAAAAA[\w-]+={0,2}$/.test(token), token.slice(0, 100));
    }
  }
});

Deno.test("each end opens what the other sealed, with two keys and with one", async () => {
  using ends = new Ends();
  const pairs = [
    {
      client: ends.envelope("client", TO_SERVER, TO_CLIENT),
      server: ends.envelope("server", TO_CLIENT, TO_SERVER),
    },
    ends.equalPair(),
  ];
  for (const { client, server } of pairs) {
    for (const size of SIZES) {
      const plain = crypto.getRandomValues(
        new Uint8Array(Math.min(size, 65e3)),
      );
      const asked = await open(server, await seal(client, plain));
      assertSame(asked.plain, plain);
      assertEquals(asked.identity.length, 32);
      assertSame((await open(client, await seal(server, plain))).plain, plain);
    }
  }
});

Deno.test("equalKeys tells whether one key serves both directions", () => {
  using ends = new Ends();
  assertEquals(ends.envelope("client", TO_SERVER, TO_SERVER).equalKeys, true);
  assertEquals(ends.envelope("client", TO_SERVER, TO_CLIENT).equalKeys, false);
});

Deno.test("with two keys what comes back does not open", async () => {
  using ends = new Ends();
  const client = ends.envelope("client", TO_SERVER, TO_CLIENT);
  const server = ends.envelope("server", TO_CLIENT, TO_SERVER);
  for (const size of SIZES) {
    const plain = new Uint8Array(size);
    await assertRefused(client, await seal(client, plain));
    await assertRefused(server, await seal(server, plain));
  }
});

Deno.test("with one key what comes back is refused, in both roles", async () => {
  using ends = new Ends();
  const { client, server } = ends.equalPair();
  for (const size of SIZES) {
    for (let i = 0; i < 20; i++) {
      const plain = new Uint8Array(size);
      await assertRefused(client, await seal(client, plain));
      await assertRefused(server, await seal(server, plain));
    }
  }
});

Deno.test("another instance of the same end refuses the reflection too", async () => {
  using ends = new Ends();
  const { client, server } = ends.equalPair();
  const later = ends.equalPair();
  await assertRefused(later.client, await seal(client, bytes("{}")));
  await assertRefused(later.server, await seal(server, bytes("{}")));
  assertSame(
    (await open(later.server, await seal(client, bytes("{}")))).plain,
    bytes("{}"),
  );
});

Deno.test("with one key other peers' tokens open at both ends", async () => {
  using ends = new Ends();
  const python = ends.python();
  const { client, server } = ends.equalPair();
  for (const size of SIZES) {
    for (let i = 0; i < 20; i++) {
      const plain = new Uint8Array(size).fill(i);
      const message = bytes(await python.seal(plain) + "\0");
      assertSame((await open(client, message)).plain, plain);
      assertSame((await open(server, message)).plain, plain);
    }
  }
});

Deno.test("other peers open what either end sealed, with one key and with two", async () => {
  using ends = new Ends();
  const plain = bytes('{"PATH":"/"}');
  for (const other of [TO_SERVER, TO_CLIENT]) {
    for (const role of ["client", "server"] as const) {
      const end = ends.envelope(role, TO_SERVER, other);
      const message = await seal(end, plain);
      const python = ends.python();
      assertSame((await python.open(tokenOf(message))).plain, plain);
    }
  }
});

Deno.test("no IV is made twice", async () => {
  using ends = new Ends();
  const { client, server } = ends.equalPair();
  const all = [client, server, ends.envelope("client", TO_SERVER, TO_CLIENT)];
  const ivs = new Set<string>();
  for (const end of all) {
    for (let i = 0; i < 1_000; i++) {
      ivs.add(ivOf(await seal(end, bytes("the same"))).toHex());
    }
  }
  assertEquals(ivs.size, 3_000);
});

Deno.test("to those without the key a mark looks like random bytes", async () => {
  using ends = new Ends();
  const { client, server } = ends.equalPair();
  for (const end of [client, server]) {
    const ones = new Array<number>(128).fill(0);
    const firsts = new Set<number>();
    const rounds = 2_000;
    for (let i = 0; i < rounds; i++) {
      const iv = ivOf(await seal(end, bytes("{}")));
      firsts.add(iv[0]!);
      for (let bit = 0; bit < 128; bit++) {
        ones[bit]! += iv[bit >> 3]! >> (bit & 7) & 1;
      }
    }
    // Seven standard deviations: once in 10^9 runs by chance.
    const slack = 7 * Math.sqrt(rounds) / 2;
    for (const count of ones) assert(Math.abs(count - rounds / 2) < slack);
    assert(firsts.size > 240, `${firsts.size} first bytes`);
  }
});

Deno.test("a mark is AES-128-ECB(K, role ‖ CYPHR ‖ 10 random bytes)", async () => {
  using ends = new Ends();
  const base = await crypto.subtle.importKey(
    "raw",
    bytes(TO_SERVER),
    "HKDF",
    false,
    ["deriveBits"],
  );
  const k = new Uint8Array(
    await crypto.subtle.deriveBits(
      {
        name: "HKDF",
        hash: "SHA-256",
        salt: new Uint8Array(0),
        info: bytes("cypher direction"),
      },
      base,
      128,
    ),
  );
  const { client, server } = ends.equalPair();
  const roles: number[] = [];
  for (const end of [client, server]) {
    const seen = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const cipher = createDecipheriv("aes-128-ecb", k, null);
      cipher.setAutoPadding(false);
      const iv = ivOf(await seal(end, bytes("{}")));
      const mark = new Uint8Array([...cipher.update(iv), ...cipher.final()]);
      assertSame(mark.slice(1, 6), bytes("CYPHR"));
      seen.add(mark[0]!);
    }
    assertEquals(seen.size, 1);
    roles.push(...seen);
  }
  assertNotEquals(roles[0], roles[1]);
});

Deno.test("maxAge is judged of what arrives, in both directions", async () => {
  using ends = new Ends();
  const clock = new FakeClock();
  const client = ends.envelope("client", TO_SERVER, TO_CLIENT, { clock });
  const server = ends.envelope("server", TO_CLIENT, TO_SERVER, {
    clock,
    maxAge: 5_000,
  });
  const message = await seal(client, bytes("{}"));
  for (const sign of [1, -1]) {
    clock.step(sign * 5_000);
    assertSame((await open(server, message)).plain, bytes("{}"));
    clock.step(sign * 1_000);
    await assertRefused(server, message);
    clock.step(sign * -6_000);
  }
  assertSame((await open(server, message)).plain, bytes("{}"));
  const answer = await seal(server, bytes("{}"));
  clock.step(1e9);
  assertSame((await open(client, answer)).plain, bytes("{}"));
});

Deno.test("a bad key is refused by its option's name", () => {
  using ends = new Ends();
  const cases = [
    ["encryptionKey", "short", TO_CLIENT],
    ["decryptionKey", TO_SERVER, "short"],
  ] as const;
  for (const [name, a, b] of cases) {
    try {
      ends.envelope("client", a, b);
    } catch (error) {
      assert(error instanceof CypherError, String(error));
      assertEquals(error.code, "BAD_OPTION");
      assert(error.message.includes(name), error.message);
      continue;
    }
    throw new Error("The key was accepted");
  }
});
