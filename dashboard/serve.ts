import type { Monitor } from "../server/monitor.ts";
import {
  DashboardServer,
  type ServeDashboardOptions,
} from "./dashboard_server.ts";

/**
 * Serves the dashboard of a monitor on an address of its own.
 *
 * @throws {CypherError} `BAD_OPTION` naming the option that is not right, among
 * them an address that others can reach without a `token`; `LISTEN_FAILED` if
 * the address is not ours, or its port is taken and `fallbackPort` is not set.
 *
 * @example
 * ```ts
 * import { Monitor } from "@cypher/protocol";
 * import { serveDashboard } from "@cypher/protocol/dashboard";
 *
 * await using sidecar = serveDashboard(new Monitor(), { port: 0 });
 * console.log(`Open ${sidecar.url}`);
 * ```
 */
export function serveDashboard(
  monitor: Monitor,
  options: ServeDashboardOptions = {},
): DashboardServer {
  return new DashboardServer(monitor, options);
}
