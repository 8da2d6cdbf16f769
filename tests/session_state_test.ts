/** What a session's client knows of its requests, across connections. */

import { assert, assertEquals } from "@std/assert";
import { Pending } from "../client/pending.ts";
import { SessionState } from "../client/session/session_state.ts";
import { FakeClock } from "./support/fake_clock.ts";

Deno.test("a goodbye takes back what no server can have run, and no more", () => {
  const pending = new Pending(new FakeClock(), 10, () => {});
  // All may be executed twice.
  const state = new SessionState(pending, true);
  const ask = () => {
    pending.add({}, "{}", {}, (request) => state.add(request)).catch(() => {});
  };
  const next = () => {
    const next = state.next(10);
    assert(next?.kind === "request");
    return { id: next.id, again: next.again };
  };
  ask();
  state.connected("one", true);
  assertEquals(next(), { id: 1, again: false });
  state.goodbye(0);
  state.connected("one", true);
  assertEquals(next(), { id: 1, again: false });
  // This one has forgotten us, and what the one before ran with it.
  state.connected("two", false);
  state.goodbye(0);
  state.connected("two", true);
  assertEquals(next(), { id: 1, again: true });
});
