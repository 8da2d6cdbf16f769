import { assertEquals } from "@std/assert";
import { interrupted, type Interruption } from "../server/serve/interrupted.ts";
import { FakeClock } from "./support/fake_clock.ts";

Deno.test("a Ctrl-C that is told twice is one, a later one forces", async () => {
  const clock = new FakeClock();
  const listeners = new Map<Interruption, () => void>();
  const exits: number[] = [];
  const stopping = interrupted({
    listen: (signal, callback) => void listeners.set(signal, callback),
    exit: (code) => void exits.push(code),
  }, clock);
  listeners.get("SIGINT")!();
  await stopping;
  // The terminal signals the whole group, and `deno task` passes it on.
  listeners.get("SIGINT")!();
  assertEquals(exits, []);
  await clock.advance(250);
  listeners.get("SIGINT")!();
  assertEquals(exits, [130]);
});
