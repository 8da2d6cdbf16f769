import type { Clock } from "../protocol/clock.ts";
import { badOption } from "../protocol/options.ts";
import { Monitor } from "./monitor.ts";

/**
 * Returns the option `monitor`, or a monitor of the server's own when it was
 * left out.
 *
 * @throws {CypherError} `BAD_OPTION` if it is not a {@linkcode Monitor}.
 */
export function checkMonitor(
  monitor: Monitor | undefined,
  clock: Clock,
): Monitor {
  if (monitor === undefined) return new Monitor({ clock });
  if (monitor instanceof Monitor) return monitor;
  throw badOption("monitor", "a Monitor", monitor);
}
