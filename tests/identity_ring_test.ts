import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { IdentityRing } from "../protocol/identity_ring.ts";

const CAPACITY = 1_024;

/** An identity of 32 bytes, as good as random, the same for the same number. */
function identityOf(number: number): Uint8Array {
  const identity = new Uint8Array(32);
  const view = new DataView(identity.buffer);
  let state = number + 0x9e3779b9;
  for (let at = 0; at < 32; at += 4) {
    state = Math.imul(state ^ state >>> 16, 0x21f0aaad);
    state = Math.imul(state ^ state >>> 15, 0x735a2d97) + at;
    view.setUint32(at, state ^ state >>> 15, true);
  }
  return identity;
}

/** Identities of which many begin alike: they meet in the same places. */
function crowdedIdentityOf(number: number, crowds: number): Uint8Array {
  const identity = identityOf(number);
  new DataView(identity.buffer).setUint32(0, number % crowds * 7, true);
  return identity;
}

/** What the ring must do, by the shortest program that does it. */
class Reference {
  #capacity: number;
  #serials = new Map<string, number>();
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get oldest(): number {
    return Math.max(0, this.#next - this.#capacity);
  }

  find(identity: Uint8Array): number {
    return this.#serials.get(identity.toHex()) ?? -1;
  }

  add(identity: Uint8Array): number {
    this.#serials.set(identity.toHex(), this.#next);
    if (this.#serials.size > this.#capacity) {
      const [first] = this.#serials.keys();
      this.#serials.delete(first!);
    }
    return this.#next++;
  }
}

/** Looks an identity up in both, and adds it where it is unknown. */
function meet(ring: IdentityRing, reference: Reference, identity: Uint8Array) {
  const found = ring.find(identity);
  if (found !== reference.find(identity)) {
    assertEquals(found, reference.find(identity));
  }
  if (found === -1) assertEquals(ring.add(identity), reference.add(identity));
}

Deno.test("a new ring knows nothing", () => {
  const ring = new IdentityRing(CAPACITY);
  assertEquals(ring.oldest, 0);
  for (let i = 0; i < 100; i++) assertEquals(ring.find(identityOf(i)), -1);
  assertEquals(ring.find(new Uint8Array(32)), -1);
});

Deno.test("serial numbers count up from 0", () => {
  const ring = new IdentityRing(CAPACITY);
  for (let i = 0; i < 5_000; i++) assertEquals(ring.add(identityOf(i)), i);
});

Deno.test("the last 1,024 are known through many wraps, the others are not", () => {
  const ring = new IdentityRing(CAPACITY);
  for (let i = 0; i < 20 * CAPACITY; i++) {
    ring.add(identityOf(i));
    const oldest = Math.max(0, i + 1 - CAPACITY);
    assertEquals(ring.oldest, oldest);
    assertEquals(ring.find(identityOf(oldest)), oldest);
    assertEquals(ring.find(identityOf(i)), i);
    if (oldest > 0) assertEquals(ring.find(identityOf(oldest - 1)), -1);
    if (i % 997 > 0) continue;
    for (let one = 0; one <= i; one++) {
      const expected = one < oldest ? -1 : one;
      if (ring.find(identityOf(one)) !== expected) {
        assertEquals(ring.find(identityOf(one)), expected, `${one} after ${i}`);
      }
    }
  }
});

Deno.test("repeats among new ones: as a map would do it", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          // New ones, then looks back, from just now to long ago.
          add: fc.integer({ min: 0, max: 700 }),
          back: fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 40 }),
        }),
        { minLength: 5, maxLength: 20 },
      ),
      fc.constantFrom(1, 2, 17, 300, 100_000),
      (steps, crowds) => {
        const ring = new IdentityRing(CAPACITY);
        const reference = new Reference(CAPACITY);
        let made = 0;
        for (const { add, back } of steps) {
          for (let i = 0; i < add; i++) {
            meet(ring, reference, crowdedIdentityOf(made++, crowds));
          }
          for (const far of back) {
            if (far >= made) continue;
            meet(ring, reference, crowdedIdentityOf(made - 1 - far, crowds));
          }
          assertEquals(ring.oldest, reference.oldest);
        }
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("identities that meet at the table's end wrap around it", () => {
  const ring = new IdentityRing(CAPACITY);
  const reference = new Reference(CAPACITY);
  for (let i = 0; i < 6 * CAPACITY; i++) {
    const identity = identityOf(i);
    // The last places of a table of any power of two, and the first ones.
    new DataView(identity.buffer).setUint32(0, 0xffffffff - i % 3, true);
    if (i % 5 === 0) identity.fill(0, 0, 4);
    meet(ring, reference, identity);
    assertEquals(ring.find(identity), i);
  }
  for (let i = 0; i < 6 * CAPACITY; i++) {
    const identity = identityOf(i);
    new DataView(identity.buffer).setUint32(0, 0xffffffff - i % 3, true);
    if (i % 5 === 0) identity.fill(0, 0, 4);
    assertEquals(ring.find(identity), reference.find(identity));
  }
});

Deno.test("identities that differ in one bit are two", () => {
  const ring = new IdentityRing(CAPACITY);
  const base = identityOf(1);
  const serial = ring.add(base);
  for (let bit = 0; bit < 128; bit++) {
    const other = base.slice();
    other[bit >> 3]! ^= 1 << (bit & 7);
    assertEquals(ring.find(other), -1, `bit ${bit}`);
    assertEquals(ring.find(base), serial);
    ring.add(other);
  }
});

Deno.test("a forgotten identity can be remembered again", () => {
  const ring = new IdentityRing(CAPACITY);
  ring.add(identityOf(0));
  for (let i = 1; i <= CAPACITY; i++) ring.add(identityOf(i));
  assertEquals(ring.find(identityOf(0)), -1);
  assertEquals(ring.add(identityOf(0)), CAPACITY + 1);
  assertEquals(ring.find(identityOf(0)), CAPACITY + 1);
});

Deno.test("identities are copied, and need not be aligned", () => {
  const ring = new IdentityRing(CAPACITY);
  const buffer = new Uint8Array(100);
  for (let offset = 0; offset < 40; offset++) {
    const view = buffer.subarray(offset, offset + 32);
    view.set(identityOf(offset));
    assertEquals(ring.add(view), offset);
    view.fill(0);
  }
  for (let i = 0; i < 40; i++) assertEquals(ring.find(identityOf(i)), i);
});

Deno.test("a larger ring grows to its capacity and keeps everything", () => {
  for (const capacity of [1_025, 5_000, 8_192, 70_000]) {
    const ring = new IdentityRing(capacity);
    for (let i = 0; i < 3 * capacity; i++) {
      assertEquals(ring.add(identityOf(i)), i);
      // As many as were asked for, at the least, at any time.
      const needed = Math.max(0, i + 1 - capacity);
      assert(ring.oldest <= needed);
      assertEquals(ring.find(identityOf(needed)), needed);
    }
    for (let i = 0; i < 3 * capacity; i++) {
      const expected = i < ring.oldest ? -1 : i;
      if (ring.find(identityOf(i)) !== expected) {
        assertEquals(ring.find(identityOf(i)), expected, `${i}`);
      }
    }
    // And not without end.
    assert(ring.oldest >= capacity, `${capacity} keeps too many`);
  }
});

Deno.test("everything is found at each step of growing", () => {
  const ring = new IdentityRing(16_384);
  for (let i = 0; i < 16_384; i++) {
    ring.add(crowdedIdentityOf(i, 500));
    // Around each power of two, where it grows.
    const power = 2 ** Math.round(Math.log2(i + 1));
    if (Math.abs(i - power) > 1 || i < 1_000) continue;
    for (let one = 0; one <= i; one++) {
      const found = ring.find(crowdedIdentityOf(one, 500));
      if (found !== one) assertEquals(found, one, `after ${i}`);
    }
  }
});

Deno.test("numbers may begin anywhere, and leave some out", () => {
  const start = 5_000_000_123;
  const ring = new IdentityRing(4 * CAPACITY);
  ring.skipTo(start);
  assertEquals(ring.oldest, start);
  // Each is followed by `gap` numbers that are nobody's.
  const gap = 2;
  const known: number[] = [];
  for (let i = 0; i < 3_000; i++) {
    const serial = start + i * (gap + 1);
    ring.skipTo(serial);
    assertEquals(ring.find(identityOf(i)), -1);
    assertEquals(ring.add(identityOf(i)), serial);
    known.push(serial);
    const end = serial + 1;
    assertEquals(ring.oldest, Math.max(start, end - 4 * CAPACITY));
  }
  for (const [i, serial] of known.entries()) {
    const expected = serial < ring.oldest ? -1 : serial;
    if (ring.find(identityOf(i)) !== expected) {
      assertEquals(ring.find(identityOf(i)), expected, `${i}`);
    }
  }
});
