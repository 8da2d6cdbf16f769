import { CypherError } from "./errors.ts";
import { isJsonObject, type JsonValue } from "./json.ts";

/** Ids from the first to the last, both included. */
export type IdRange = readonly [first: number, last: number];

/** An {@linkcode AnsweredSet} as JSON carries it. */
export interface AnsweredJson {
  /** Every id up to this one is in the set. */
  readonly floor: number;
  /** The ids above, ascending, with a gap before each range. */
  readonly ranges: readonly IdRange[];
}

const EMPTY: AnsweredJson = { floor: 0, ranges: [] };

/**
 * A set of request ids that are done with. As ids are used in ascending order
 * and end in almost the same one, it is a floor, up to which all are in it, and
 * a few ranges above it.
 *
 * With `window` requests in flight there are at most as many gaps, and so no
 * more than `window` + 1 ranges: a set never grows beyond these.
 */
export class AnsweredSet {
  #limit: number;
  #floor = 0;
  #ranges: [first: number, last: number][] = [];

  /** Makes an empty set; `window` bounds it. */
  constructor(window: number) {
    this.#limit = window + 1;
  }

  /**
   * Makes a set of what {@linkcode toJSON} made.
   *
   * @throws {CypherError} `BAD_MESSAGE` if it is not in that very form, or has
   * more than `window` + 1 ranges.
   */
  static fromJson(value: JsonValue | undefined, window: number): AnsweredSet {
    const set = new AnsweredSet(window);
    if (!isJsonObject(value)) throw badSet("it is not an object");
    const { floor, ranges } = value;
    if (floor !== 0 && !isId(floor)) throw badSet("its floor is no id");
    if (!Array.isArray(ranges)) throw badSet("its ranges are no array");
    if (ranges.length > set.#limit) throw tooManyRanges(set.#limit);
    set.#floor = floor;
    let previous = floor;
    for (const range of ranges) {
      if (!Array.isArray(range) || range.length !== 2) {
        throw badSet("a range is not a pair");
      }
      const [first, last] = range;
      if (!isId(first) || !isId(last)) throw badSet("a range is not of ids");
      // One form for each set: a range next to another would be part of it.
      if (first <= previous + 1 || last < first) {
        throw badSet("its ranges are not ascending, with gaps before them");
      }
      set.#ranges.push([first, last]);
      previous = last;
    }
    return set;
  }

  /** Every id up to this one is in the set; 0: there is none such. */
  get floor(): number {
    return this.#floor;
  }

  /** The ids above the floor, ascending, with a gap before each range. */
  get ranges(): readonly IdRange[] {
    return this.#ranges;
  }

  /** The highest id in the set, or 0. */
  get highest(): number {
    return this.#ranges.at(-1)?.[1] ?? this.#floor;
  }

  /** Whether an id is in the set. */
  has(id: number): boolean {
    if (id <= this.#floor) return true;
    const range = this.#ranges[this.#search(id)];
    return range !== undefined && range[0] <= id;
  }

  /**
   * How many ids up to `id` are neither in this set nor in another; `id` is not
   * below the highest of either.
   */
  countMissing(id: number, other: AnsweredJson = EMPTY): number {
    let missing = 0;
    let reached = Math.max(this.#floor, other.floor);
    let [mine, others] = [0, 0];
    for (;;) {
      const a = this.#ranges[mine];
      const b = other.ranges[others];
      if (!a && !b) return missing + id - reached;
      const next = !b || (a && a[0] < b[0]) ? (mine++, a!) : (others++, b);
      missing += Math.max(0, next[0] - reached - 1);
      reached = Math.max(reached, next[1]);
    }
  }

  /**
   * Adds an id; no harm if it is in the set already.
   *
   * @throws {CypherError} `BAD_MESSAGE` if it is not a whole number from 1 to
   * 2^53 - 1, or one range too many; the set is as it was then.
   */
  add(id: number): void {
    if (!isId(id)) throw badSet(`${id} is no id`);
    this.#include(id, id);
  }

  /**
   * Adds every id of another set.
   *
   * @throws {CypherError} `BAD_MESSAGE` if that makes one range too many; what
   * was added by then stays.
   */
  merge(other: AnsweredJson): void {
    if (other.floor > this.#floor) this.#include(1, other.floor);
    for (const [first, last] of other.ranges) this.#include(first, last);
  }

  /** The set for JSON, or for a copy. */
  toJSON(): AnsweredJson {
    return {
      floor: this.#floor,
      ranges: this.#ranges.map(([first, last]) => [first, last]),
    };
  }

  /** The set as sets of at most so many ranges each: merged, they are it. */
  parts(most: number): AnsweredJson[] {
    const { floor, ranges } = this.toJSON();
    const parts: AnsweredJson[] = [];
    for (let at = 0; at === 0 || at < ranges.length; at += most) {
      parts.push({ floor, ranges: ranges.slice(at, at + most) });
    }
    return parts;
  }

  #include(first: number, last: number): void {
    if (first <= this.#floor + 1) {
      if (last > this.#floor) this.#raise(last);
      return;
    }
    const ranges = this.#ranges;
    // The ranges that touch the new one: those it overlaps or is next to.
    const from = this.#search(first - 1);
    let to = from;
    while (to < ranges.length && ranges[to]![0] <= last + 1) to++;
    if (from === to) {
      if (ranges.length === this.#limit) throw tooManyRanges(this.#limit);
      ranges.splice(from, 0, [first, last]);
      return;
    }
    const touched = ranges[from]!;
    touched[0] = Math.min(touched[0], first);
    touched[1] = Math.max(ranges[to - 1]![1], last);
    if (to - from > 1) ranges.splice(from + 1, to - from - 1);
  }

  /** Raises the floor, and on over the ranges that it reaches. */
  #raise(floor: number): void {
    const ranges = this.#ranges;
    let reached = 0;
    while (reached < ranges.length && ranges[reached]![0] <= floor + 1) {
      floor = Math.max(floor, ranges[reached]![1]);
      reached++;
    }
    if (reached > 0) ranges.splice(0, reached);
    this.#floor = floor;
  }

  /** The index of the first range that does not end below `id`. */
  #search(id: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]![1] < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isId(value: JsonValue | undefined): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function tooManyRanges(limit: number): CypherError {
  return badSet(`it may have ${limit} ranges`);
}

function badSet(problem: string): CypherError {
  return new CypherError(
    "BAD_MESSAGE",
    `Cannot keep the answered ids: ${problem}`,
  );
}
