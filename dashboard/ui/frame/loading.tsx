import { now } from "../state/clock.ts";
import { link } from "../state/link.ts";
import { server } from "../state/store.ts";

/** From one second on, says what the page waits for. */
export function Loading() {
  const at = link.value;
  // Read for its step each second.
  void now.value;
  const since = at.kind === "connecting" ? at.since : Date.now();
  if (server.value !== null || Date.now() - since < 1000) return null;
  return <p class="loading" role="status">Waiting for the first snapshot.</p>;
}
