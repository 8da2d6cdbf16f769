import type { Hono } from "hono";
import type { Monitor } from "../server/monitor.ts";
import type { Env } from "./auth.ts";

/**
 * For load balancers and orchestrators, which have no token and go by the
 * address: the answers say one word and nothing else.
 */
export function health(
  app: Hono<Env>,
  monitor: Monitor,
  mayBeReady: () => boolean,
): void {
  app.get("/healthz", (c) => {
    c.header("Cache-Control", "no-store");
    return c.text("ok");
  });
  app.get("/readyz", (c) => {
    c.header("Cache-Control", "no-store");
    const listeners = monitor.listeners();
    const ready = mayBeReady() && listeners.length > 0 &&
      listeners.every(({ state }) => state === "listening");
    return ready ? c.text("ready") : c.text("not ready", 503);
  });
}
