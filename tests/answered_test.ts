import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { AnsweredSet } from "../protocol/answered.ts";
import { CypherError } from "../protocol/errors.ts";
import type { JsonValue } from "../protocol/json.ts";

function setOf(ids: Iterable<number>, window = 1_000): AnsweredSet {
  const set = new AnsweredSet(window);
  for (const id of ids) set.add(id);
  return set;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert(error instanceof CypherError, `${error}`);
    return error.code;
  }
  return "nothing was thrown";
}

/** The only form that a set of these ids can have. */
function modelOf(ids: ReadonlySet<number>) {
  let floor = 0;
  while (ids.has(floor + 1)) floor++;
  const ranges: [number, number][] = [];
  for (const id of [...ids].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (id <= floor) continue;
    if (last && last[1] === id - 1) last[1] = id;
    else ranges.push([id, id]);
  }
  return { floor, ranges };
}

Deno.test("ids in order are a floor alone", () => {
  const set = setOf([1, 2, 3]);
  assertEquals(set.toJSON(), { floor: 3, ranges: [] });
  assertEquals([0, 1, 3, 4].map((id) => set.has(id)), [
    true,
    true,
    true,
    false,
  ]);
  assertEquals(set.highest, 3);
});

Deno.test("ids above a gap are ranges until it is filled", () => {
  const set = setOf([1, 3, 4, 7]);
  assertEquals(set.toJSON(), { floor: 1, ranges: [[3, 4], [7, 7]] });
  assertEquals([set.floor, set.highest], [1, 7]);
  set.add(5);
  set.add(6);
  assertEquals(set.toJSON(), { floor: 1, ranges: [[3, 7]] });
  set.add(2);
  assertEquals(set.toJSON(), { floor: 7, ranges: [] });
});

const ids = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 60 });

Deno.test("what two sets lack is counted as one by one", () => {
  fc.assert(fc.property(ids, ids, (some, others) => {
    const [one, other] = [setOf(some), setOf(others)];
    const highest = Math.max(one.highest, other.highest) + 3;
    let both = 0;
    let alone = 0;
    for (let id = 1; id <= highest; id++) {
      if (!one.has(id)) alone++;
      if (!one.has(id) && !other.has(id)) both++;
    }
    assertEquals(one.countMissing(highest), alone);
    assertEquals(one.countMissing(highest, other), both);
  }));
});

Deno.test("a set is what a plain set of the same ids is", () => {
  fc.assert(fc.property(ids, (ids) => {
    const set = new AnsweredSet(60);
    const model = new Set<number>();
    for (const id of ids) {
      set.add(id);
      model.add(id);
      assertEquals(set.toJSON(), modelOf(model));
    }
    for (let id = 1; id <= 61; id++) assertEquals(set.has(id), model.has(id));
    assertEquals(set.highest, Math.max(0, ...model));
  }));
});

Deno.test("merging is the union, and leaves the other as it was", () => {
  fc.assert(fc.property(ids, ids, (a, b) => {
    const set = setOf(a);
    const other = setOf(b);
    const before = other.toJSON();
    set.merge(other);
    assertEquals(set.toJSON(), modelOf(new Set([...a, ...b])));
    assertEquals(other.toJSON(), before);
    // No range is shared: each goes on by itself.
    for (let id = 1; id <= 61; id++) set.add(id);
    assertEquals(other.toJSON(), before);
  }));
});

Deno.test("a set comes out of JSON as it went in", () => {
  fc.assert(fc.property(ids, (ids) => {
    const set = setOf(ids);
    const json = JSON.parse(JSON.stringify(set));
    assertEquals(AnsweredSet.fromJson(json, 60).toJSON(), set.toJSON());
  }));
});

Deno.test("the highest ids are ids like all others", () => {
  const top = Number.MAX_SAFE_INTEGER;
  const set = setOf([top, top - 2]);
  assertEquals(set.ranges, [[top - 2, top - 2], [top, top]]);
  set.add(top - 1);
  assertEquals(set.ranges, [[top - 2, top]]);
  const json = { floor: top, ranges: [] };
  const full = AnsweredSet.fromJson(json, 1);
  full.merge(set);
  assertEquals(full.toJSON(), json);
});

Deno.test("only ids can be added", () => {
  const set = setOf([1]);
  for (const id of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
    assertEquals(codeOf(() => set.add(id)), "BAD_MESSAGE");
  }
  assertEquals(set.toJSON(), { floor: 1, ranges: [] });
});

Deno.test("a set never has more than window + 1 ranges", () => {
  const set = new AnsweredSet(2);
  for (const id of [2, 4, 6]) set.add(id);
  assertEquals(codeOf(() => set.add(8)), "BAD_MESSAGE");
  assertEquals(set.ranges.length, 3);
  // What makes no further range is welcome, and makes room.
  set.add(7);
  set.add(3);
  set.add(9);
  assertEquals(set.toJSON(), { floor: 0, ranges: [[2, 4], [6, 7], [9, 9]] });

  const more = setOf([20, 22]);
  assertEquals(codeOf(() => set.merge(more)), "BAD_MESSAGE");
  assertEquals(set.ranges.length, 3);
});

Deno.test("JSON that is not in the form of a set is refused", () => {
  const wrong: (JsonValue | undefined)[] = [
    undefined,
    null,
    1,
    [],
    {},
    { floor: 0 },
    { ranges: [] },
    { floor: -1, ranges: [] },
    { floor: 0.5, ranges: [] },
    { floor: 2 ** 53, ranges: [] },
    { floor: "0", ranges: [] },
    { floor: 0, ranges: {} },
    { floor: 0, ranges: [2] },
    { floor: 0, ranges: [[]] },
    { floor: 0, ranges: [[2]] },
    { floor: 0, ranges: [[2, 3, 4]] },
    { floor: 0, ranges: [["2", 3]] },
    { floor: 0, ranges: [[2, null]] },
    { floor: 0, ranges: [[2, 2 ** 53]] },
    { floor: 0, ranges: [[3, 2]] },
    // Part of the floor, or next to it.
    { floor: 5, ranges: [[4, 7]] },
    { floor: 5, ranges: [[6, 7]] },
    // Out of order, overlapping, or next to each other.
    { floor: 0, ranges: [[5, 6], [2, 3]] },
    { floor: 0, ranges: [[2, 5], [4, 7]] },
    { floor: 0, ranges: [[2, 3], [4, 7]] },
    // One range too many.
    { floor: 0, ranges: [[2, 2], [4, 4], [6, 6], [8, 8]] },
  ];
  for (const value of wrong) {
    assertEquals(
      codeOf(() => AnsweredSet.fromJson(value, 2)),
      "BAD_MESSAGE",
      JSON.stringify(value),
    );
  }
  const most = { floor: 0, ranges: [[2, 2], [4, 4], [6, 6]] };
  assertEquals(AnsweredSet.fromJson(most, 2).ranges.length, 3);
});
