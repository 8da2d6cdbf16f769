/**
 * What `deno task serve` runs, with a handler that takes its time: it answers
 * once this process gets SIGUSR2, and says what it sees. Ended by whoever
 * started it.
 */

import type { Handler } from "../../mod.ts";
import { serve } from "../../server/main.ts";

let running = 0;
const released = Promise.withResolvers<void>();

/** `/AT-ONCE` is answered at once, everything else with its own number. */
const handler: Handler = async ({ path }, { signal }) => {
  if (path === "/AT-ONCE") return { data: "here" };
  const number = ++running;
  say({ running });
  signal.addEventListener("abort", () => {
    say({ aborted: number, code: signal.reason.code });
  });
  await released.promise;
  return { data: number };
};

function say(what: Record<string, unknown>): void {
  // deno-lint-ignore no-console
  console.log(JSON.stringify(what));
}

Deno.addSignalListener("SIGUSR2", () => released.resolve());
const code = await serve(Deno.args, handler);
Deno.exit(code);
