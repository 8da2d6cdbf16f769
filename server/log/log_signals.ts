import type { Monitor } from "../monitor.ts";
import { SIGNAL_KINDS } from "../signals.ts";
import { Log, type LogOptions } from "./log.ts";
import { levelOf, lineOf } from "./signal_line.ts";

/**
 * Writes a monitor's signals as a log, from now on; returns what ends that.
 * Neither keys nor payloads are in it, and what a peer chose (its name, paths,
 * operations) can neither forge a line nor reach a terminal unescaped.
 *
 * | level | what is written |
 * |---|---|
 * | `error` | faults of the server's own, notices whose code ends in `_FAILED` |
 * | `warn` | `failure`, `limit`, other notices |
 * | `info` | `online`, `offline`, `timeout` |
 * | `debug` | `request` |
 *
 * Each JSON line has `time` (ISO 8601, UTC), `level` and `event` (the signal's
 * `kind`), then the signal's own fields by the names they have in
 * {@linkcode Signal}: `connection`, `address`, `wire`, `name`, `reason`, ... The
 * event `dropped` says with `lines` how many were left out in the last second.
 *
 * @throws {CypherError} `BAD_OPTION` naming the option that is not right.
 *
 * @example
 * ```ts
 * import { logSignals, Monitor } from "@cypher/protocol";
 *
 * const monitor = new Monitor(); // give it to servers: { monitor, ... }
 * const end = logSignals(monitor, { level: "warn", lines: 20 });
 * end();
 * ```
 */
export function logSignals(
  monitor: Monitor,
  options: LogOptions = {},
): () => void {
  const log = new Log(options);
  const unlisten = addSignals(log, monitor);
  return () => {
    unlisten();
    log[Symbol.dispose]();
  };
}

/** Adds a monitor's signals to a log that others write to as well. */
export function addSignals(log: Log, monitor: Monitor): () => void {
  // Nobody else may want to know of each request.
  const kinds = SIGNAL_KINDS.filter((kind) =>
    kind !== "request" || log.matters("debug")
  );
  return monitor.listen(
    (signal) => log.add(levelOf(signal), () => lineOf(signal)),
    { kinds },
  );
}
