import { assert, assertEquals } from "@std/assert";
import { ReadSize } from "../server/session/read_size.ts";

const MOST = 65_536;

/** Reads a message as a socket gives it; resolves to how many reads it took. */
function readAll(size: ReadSize, message: number): number {
  let reads = 0;
  for (let left = message; left > 0; reads++) {
    const count = Math.min(left, size.bytes);
    left -= count;
    size.took(count);
  }
  return reads;
}

Deno.test("an idle connection reads little", () => {
  assertEquals(new ReadSize(MOST).bytes, 1_024);
});

Deno.test("messages of any one size soon take one read each", () => {
  for (const message of [100, 1_500, 5_000, 16_500, 40_000, 65_000]) {
    const size = new ReadSize(MOST);
    for (let warm = 0; warm < 6; warm++) readAll(size, message);
    for (let i = 0; i < 10; i++) {
      assertEquals(readAll(size, message), 1, `${message} bytes`);
    }
  }
});

Deno.test("it never reads more than it may", () => {
  for (const most of [4_096, 5_000, MOST]) {
    const size = new ReadSize(most);
    for (let i = 0; i < 20; i++) readAll(size, 1_000_000);
    assertEquals(size.bytes, most);
  }
});

Deno.test("a connection that falls idle reads little again", () => {
  for (const most of [4_099, MOST]) {
    const size = new ReadSize(most);
    for (let i = 0; i < 5; i++) readAll(size, 1_000_000);
    assertEquals(size.bytes, most);
    for (let pongs = 0; pongs < 8; pongs++) readAll(size, 39);
    assertEquals(size.bytes, 1_024);
  }
});

Deno.test("one small read among large ones does not shrink it", () => {
  const size = new ReadSize(MOST);
  for (let i = 0; i < 5; i++) readAll(size, 1_000_000);
  for (let i = 0; i < 10; i++) {
    size.took(100);
    size.took(size.bytes);
    assert(size.bytes === MOST);
  }
});
