import type { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Monitor } from "../server/monitor.ts";
import { api } from "./api.ts";
import { Auth, type Env } from "./auth.ts";
import type { Collector } from "./collector.ts";
import type { Events } from "./events.ts";
import { HEADERS, hostGuard, originGuard, refuse } from "./guard.ts";
import { health } from "./health.ts";
import { metrics } from "./metrics.ts";
import type { DashboardSettings } from "./options.ts";
import { Page } from "./page.ts";
import type { Snapshots } from "./snapshot.ts";

/** The most a sign-in may send, in bytes. */
const LOGIN_BYTES = 1_024;

/** What the routes are made of. */
export interface Parts {
  readonly monitor: Monitor;
  readonly collector: Collector;
  readonly events: Events;
  readonly snapshots: Snapshots;
  readonly settings: DashboardSettings;
  /** Whether a `Host` is one of ours. */
  readonly hosts: (host: string) => boolean;
}

/** Adds all routes to an app. */
export function addRoutes(app: Hono<Env>, parts: Parts): void {
  const { monitor, collector, events, snapshots, settings, hosts } = parts;
  const auth = new Auth(settings);
  const page = new Page();
  const registry = metrics(monitor, collector, events);

  app.onError((error, c) => {
    settings.onError?.(error);
    return refuse(c, 500, "The dashboard failed; the server's log says why");
  });
  app.use("*", HEADERS);
  health(app, monitor, settings.ready);
  app.use("*", hostGuard(hosts), originGuard);
  app.use("/api/*", async (c, next) => {
    await next();
    c.res.headers.set("Cache-Control", "no-store");
  });

  app.post(
    "/api/login",
    bodyLimit({
      maxSize: LOGIN_BYTES,
      onError: (c) => refuse(c, 413, `At most ${LOGIN_BYTES} bytes`),
    }),
    (c) => auth.login(c),
  );
  app.post("/api/logout", (c) => {
    const answer = auth.logout(c);
    events.expire();
    return answer;
  });

  for (const path of ["/api/*", "/events", "/events/*", "/metrics"]) {
    app.use(path, auth.guard);
  }
  app.route("/api", api(monitor, collector, snapshots));

  app.get("/events", (c) => {
    c.header("Content-Type", "text/event-stream; charset=utf-8");
    c.header("Cache-Control", "no-store, no-transform");
    // Nginx would collect events until its buffer is full.
    c.header("X-Accel-Buffering", "no");
    if (c.req.method === "HEAD") return c.body(null);
    const viewer = c.get("visitor");
    const body = events.open({
      viewer,
      valid: viewer.valid,
      requests: c.req.query("requests") === "1",
      after: c.req.header("last-event-id") || c.req.query("after"),
    });
    if (body) return c.body(body);
    c.header("Content-Type", "application/json");
    c.header("Retry-After", "10");
    return refuse(c, 503, "There are too many streams");
  });
  app.post("/events/:stream", (c) => {
    return events.keep(c.req.param("stream"))
      ? c.body(null, 204)
      : refuse(c, 404, "This stream is over");
  });

  app.get("/metrics", async (c) => {
    c.header("Cache-Control", "no-store");
    c.header("Content-Type", registry.contentType);
    return c.body(await registry.metrics());
  });

  app.get("*", (c) => page.answer(c));
  app.all("*", (c) => refuse(c, 404, "There is nothing here"));
}
