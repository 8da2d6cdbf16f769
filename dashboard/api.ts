import { Hono } from "hono";
import type { Monitor } from "../server/monitor.ts";
import type { Env } from "./auth.ts";
import type { Collector } from "./collector.ts";
import { refuse } from "./guard.ts";
import { applyQuery, readQuery } from "./query.ts";
import type { Snapshots } from "./snapshot.ts";

/** The JSON endpoints, for those who may look. */
export function api(
  monitor: Monitor,
  collector: Collector,
  snapshots: Snapshots,
): Hono<Env> {
  const app = new Hono<Env>();

  app.get("/snapshot", (c) => c.json(snapshots.full(c.get("visitor"))));

  app.get("/connections", (c) => {
    const query = readQuery(new URL(c.req.url).searchParams);
    if (typeof query === "string") return refuse(c, 400, query);
    const { page, limit } = query;
    const rows = [...collector.live(), ...collector.closed()];
    return c.json({ page, limit, ...applyQuery(rows, query) });
  });

  // Ids start anew with each instance: the one that is meant may be told.
  app.use("/connections/:id", async (c, next) => {
    const meant = c.req.query("instance") ?? collector.instance;
    if (meant !== collector.instance) {
      return refuse(c, 404, "The server was restarted since");
    }
    return await next();
  });

  app.get("/connections/:id", (c) => {
    const detail = collector.detail(c.req.param("id"));
    return detail ? c.json(detail) : refuse(c, 404, "No such connection");
  });

  app.delete("/connections/:id", (c) => {
    if (c.get("visitor").role !== "admin") {
      return refuse(c, 403, "Read-only: only an admin may disconnect");
    }
    const id = c.req.param("id");
    // What has ended may still be listed for a moment.
    const live = monitor.connection(id)?.state.kind;
    if (live === undefined || live === "closed" || !monitor.disconnect(id)) {
      return refuse(c, 404, "It has already left");
    }
    return c.body(null, 204);
  });

  return app;
}
