import type { Monitor } from "../server/monitor.ts";
import { type Dashboard, DashboardApp } from "./dashboard_app.ts";
import type { DashboardOptions } from "./options.ts";

/**
 * Makes the dashboard of a monitor: a Hono app, to be mounted at any path of
 * your own. It collects from this call on, and has no timers while nobody
 * looks.
 *
 * Without a token only this machine is let in, as an admin: pass Deno's
 * connection info on (`app.fetch` does), so that it can tell.
 *
 * An event stream whose client does not say that it still reads (`POST
 * <base>/events/<stream>`, as the page does) ends after `silence` ms; a browser
 * then resumes by itself, without a gap.
 *
 * @throws {CypherError} `BAD_OPTION` naming the option that is not right.
 *
 * @example
 * ```ts
 * import { Hono } from "hono";
 * import { Monitor } from "@cypher/protocol";
 * import { dashboard } from "@cypher/protocol/dashboard";
 *
 * const monitor = new Monitor();
 * const app = new Hono();
 * app.route("/cypher", dashboard(monitor, { name: "press hall" }));
 *
 * const answer = await app.request("/cypher/api/snapshot");
 * console.log((await answer.json()).name); // press hall
 * ```
 */
export function dashboard(
  monitor: Monitor,
  options: DashboardOptions = {},
): Dashboard {
  return new DashboardApp(monitor, options);
}
