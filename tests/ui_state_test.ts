import { assertEquals } from "@std/assert";
import { backMessage, retryDelay } from "../dashboard/ui/state/back.ts";

Deno.test("the way back says what was missed", () => {
  const missed = "Back. Nothing was missed.";
  const restarted = "Back. The server was restarted; counts start anew.";
  const lost = "Back. Some signals were lost; the view is fresh.";
  assertEquals(backMessage("snapshot", null, "a", false), null);
  assertEquals(backMessage("resume", "a", "a", true), missed);
  assertEquals(backMessage("resume", "a", "a", false), null);
  assertEquals(backMessage("reset", "a", "a", true), lost);
  assertEquals(backMessage("reset", "a", "a", false), lost);
  assertEquals(backMessage("reset", "a", "b", true), restarted);
  assertEquals(backMessage("snapshot", "a", "b", false), restarted);
});

Deno.test("tries grow rarer, to a limit", () => {
  assertEquals([1, 2, 3, 4, 5, 99].map(retryDelay), [
    1000,
    2000,
    3000,
    5000,
    8000,
    8000,
  ]);
});
