import { sleep, systemClock } from "../../protocol/clock.ts";
import { milliseconds } from "../../protocol/options.ts";
import type { Log } from "../log/log.ts";
import type { Monitor } from "../monitor.ts";

/** What `--shutdown-delay` allows. */
export const SHUTDOWN_DELAY = milliseconds(0, { min: 0 });

/** A server, as far as it can be stopped. */
export interface Stoppable {
  stop(options: { grace: number }): Promise<void>;
}

/** How servers are stopped. Times in ms. */
export interface ShutDownOptions {
  monitor: Monitor;
  log: Log;
  /** How long they go on accepting before that. */
  delay: number;
  /** How long requests in progress may take. */
  grace: number;
}

/**
 * Stops servers that share a monitor. Gives the exit code: 0 if every request
 * in progress had its answer, 1 if the grace was too short for some.
 */
export async function shutDown(
  servers: readonly Stoppable[],
  { monitor, log, delay, grace }: ShutDownOptions,
): Promise<0 | 1> {
  if (delay > 0) {
    log.say("leaving", `Stopping in ${delay} ms. Ctrl-C forces`, { delay });
    await sleep(systemClock, delay);
  }
  log.say(
    "stopping",
    "Stopping: requests in progress may finish. Ctrl-C forces",
    { grace },
  );
  let cutOff = 0;
  const unlisten = monitor.listen((signal) => {
    // Its last request is not among those that it told of.
    if (signal.kind === "notice" && signal.code === "THREAD_STUCK") cutOff++;
    if (signal.kind !== "offline" || signal.reason !== "stopped") return;
    cutOff += signal.inProgress;
  }, { kinds: ["notice", "offline"] });
  await Promise.all(servers.map((server) => server.stop({ grace })));
  unlisten();
  log.say("stopped", "Stopped");
  if (cutOff === 0) return 0;
  log.say(
    "cut-off",
    `${cutOff} requests took longer than the grace of ${grace} ms`,
    { requests: cutOff },
    "warn",
  );
  return 1;
}
