/** What the fuzz tests share: seeded mutations, and a run of many of them. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert } from "@std/assert";
import { CypherError } from "../../protocol/errors.ts";

/** How much a run may grow the process, in bytes. */
const MEMORY = 50 * 2 ** 20;

/** Garbage is no growth: hashes and ciphers hold memory that V8 cannot see. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
}

/** A seeded random source: mulberry32, by Tommy Ettinger, public domain. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * end);
  }

  bytes(size: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length: size }, () => this.below(256));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

/** One to three small changes; the result differs from `bytes`. */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let mutated = bytes;
  do {
    for (let n = random.below(3); n >= 0; n--) {
      mutated = change(mutated, random);
    }
  } while (equal(mutated, bytes));
  return mutated;
}

function change(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + random.below(20));
  switch (random.below(7)) {
    case 0:
    case 1: {
      const flipped = bytes.slice();
      if (at < bytes.length) flipped[at]! ^= 1 << random.below(8);
      return flipped;
    }
    case 2: {
      const set = bytes.slice();
      const value = random.pick([0x00, 0x01, 0x7f, 0x80, 0xff, 0x22, 0x7b]);
      if (at < bytes.length) set[at] = value;
      return set;
    }
    case 3:
      return concat(bytes.subarray(0, at), bytes.subarray(end));
    case 4:
      return concat(
        bytes.subarray(0, at),
        random.bytes(1 + random.below(8)),
        bytes.subarray(at),
      );
    case 5:
      return concat(bytes.subarray(0, end), bytes.subarray(at));
    default:
      return bytes.subarray(0, at);
  }
}

/** Cuts bytes into chunks as a network may. */
export function* chunksOf(
  bytes: Uint8Array,
  random: Random,
): Generator<Uint8Array> {
  const most = random.pick([1, 3, 50, 1_000, 100_000]);
  // Byte by byte is for what is small.
  const least = bytes.length > 1_000 ? 500 : 1;
  for (let at = 0; at < bytes.length;) {
    const end = at + least + random.below(most);
    yield bytes.subarray(at, end);
    at = end;
  }
}

/** The parts, one after the other. */
export function concat(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether two are the same. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Runs what may end in one of the errors for bad input, and in no other. */
export function codeOf(run: () => void): string {
  try {
    run();
    return "";
  } catch (error) {
    const codes = ["BAD_TOKEN", "BAD_MESSAGE", "TOO_LARGE"];
    if (error instanceof CypherError && codes.includes(error.code)) {
      return error.code;
    }
    throw error;
  }
}

/** Takes one mutated input; gives what it came to, `""` if it was taken. */
export type Kind = (random: Random) => string;

/**
 * Takes `inputs` inputs, the kinds in turn; gives how often each kind came to
 * what. Fails if the process grows, and says how to see a failure again.
 */
export async function fuzz(
  inputs: number,
  seed: number,
  kinds: readonly Kind[],
): Promise<Map<string, number>> {
  const outcomes = new Map<string, number>();
  let memory = Infinity;
  let growth = 0;
  for (let input = 0; input < inputs; input++) {
    const kind = kinds[input % kinds.length]!;
    try {
      const code = kind(new Random(Math.imul(seed, 0x9e3779b1) ^ input));
      const outcome = `${kind.name}: ${code || "taken"}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    } catch (cause) {
      throw new Error(
        `Input ${input} (${kind.name}) of CYPHER_SEED=${seed} failed`,
        { cause },
      );
    }
    // The engine frees what its ciphers and hashes hold between tasks only.
    if (input % 100 === 0) await new Promise((done) => setTimeout(done, 0));
    if (input % (inputs / 20) !== 0) continue;
    collectGarbage();
    const { rss } = Deno.memoryUsage();
    // In the first quarter the allocator gets to its working size.
    if (input <= inputs / 4) memory = rss;
    growth = Math.max(growth, rss - memory);
  }
  if (inputs >= 1_000_000) {
    // deno-lint-ignore no-console
    console.log(`${inputs} inputs: memory grew by ${growth} bytes`, outcomes);
  }
  assert(growth < MEMORY, `memory grew by ${growth} bytes`);
  return outcomes;
}
