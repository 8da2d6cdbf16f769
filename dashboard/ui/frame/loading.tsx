import { useEffect, useState } from "preact/hooks";
import { server } from "../state/store.ts";

/** From one second on, says what the page waits for. */
export function Loading() {
  // Not by the page's clock, which stands still until there is a server.
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 1000);
    return () => clearTimeout(timer);
  }, []);
  if (server.value !== null || !late) return null;
  return <p class="loading" role="status">Waiting for the first snapshot.</p>;
}
