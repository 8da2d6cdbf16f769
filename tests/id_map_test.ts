/** The map and the list that hold what is in flight, against obvious models. */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Fifo, type Place } from "../protocol/fifo.ts";
import { IdMap } from "../protocol/id_map.ts";

/** Few places, so that ids collide; some beyond 32 bits. */
const id = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 1, max: 20 }).map((n) => n * 32),
  fc.integer({ min: 1, max: 8 }).map((n) => 2 ** 53 - n),
);
const step = fc.record({ id, remove: fc.boolean() });

Deno.test("an IdMap does what a Map does", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const map = new IdMap<string | undefined>();
    const model = new Map<number, string | undefined>();
    for (const [i, { id, remove }] of steps.entries()) {
      if (remove) assertEquals(map.delete(id), model.delete(id));
      else {
        const value = i % 5 === 0 ? undefined : String(i);
        map.set(id, value);
        model.set(id, value);
      }
      assertEquals(map.size, model.size);
      assertEquals(map.has(id), model.has(id));
    }
    const ascending = (a: number, b: number) => a - b;
    const ids = [...model.keys()].sort(ascending);
    assertEquals(map.ids().sort(ascending), ids);
    for (const id of ids) assertEquals(map.get(id), model.get(id));
    assertEquals(map.values().toSorted(), [...model.values()].toSorted());
  }));
});

Deno.test("an IdMap that was large and is empty goes on", () => {
  const map = new IdMap<number>();
  for (let round = 0; round < 3; round++) {
    for (let id = 1; id <= 5_000; id++) map.set(id, id);
    for (let id = 1; id <= 5_000; id++) assert(map.delete(id), `${id}`);
    assertEquals([map.size, map.get(1), map.has(1)], [0, undefined, false]);
  }
});

Deno.test("a Fifo gives what is left in the order it came", () => {
  const steps = fc.array(fc.option(fc.nat(40), { nil: undefined }));
  fc.assert(fc.property(steps, (steps) => {
    const fifo = new Fifo<number>();
    const places: Place<number>[] = [];
    const model = new Set<number>();
    for (const index of steps) {
      if (index === undefined) {
        model.add(places.length);
        places.push(fifo.add(places.length));
      } else {
        const there = model.delete(index);
        assertEquals(fifo.delete(places[index]), there);
      }
      assertEquals(fifo.values(), [...model]);
      assertEquals(fifo.oldest, [...model][0]);
      assertEquals(fifo.size, model.size);
    }
  }));
});

Deno.test("a place in another Fifo is none of its own", () => {
  const fifo = new Fifo<string>();
  const place = new Fifo<string>().add("elsewhere");
  fifo.add("here");
  assertEquals(fifo.delete(place), false);
  assertEquals(fifo.delete(undefined), false);
  assertEquals(fifo.values(), ["here"]);
});
