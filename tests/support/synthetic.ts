/** Connections that are not there, for more of them than sockets are cheap. */
import type { ConnectionInfo, Monitor, Watched } from "../../mod.ts";

/** Adds connections `c-0000` and on to a monitor; returns them. */
export function addSynthetic(monitor: Monitor, count: number): Watched[] {
  const now = Date.now();
  return Array.from({ length: count }, (_, i) => {
    const id = monitor.nextId();
    const name = `c-${String(i).padStart(4, "0")}`;
    const facts: ConnectionInfo = {
      id,
      address: `10.${i >> 12}.${(i >> 6) & 63}.${i & 63}:${20_000 + i}`,
      name,
      wire: i % 3 ? "session" : "classic",
      state: { kind: "open" },
      since: now - (count - i) * 1_000,
      lastActivity: now,
      timeout: i % 3 ? Infinity : 120_000,
      requests: i * 7,
      failures: i % 50 ? 0 : 3,
      bytesIn: i * 900,
      bytesOut: i * 1_300,
      inProgress: 0,
      lastLatency: 0.3 + (i % 17) / 10,
    };
    const watched: Watched = {
      id,
      // A tenth of them is at work, so that each batch has much to tell.
      info: () => ({
        ...facts,
        lastActivity: i % 10 ? now : Date.now(),
        requests: i % 10 ? facts.requests : Math.floor(Date.now() / 100),
      }),
      close: () => monitor.remove(watched),
    };
    monitor.add(watched);
    return watched;
  });
}
