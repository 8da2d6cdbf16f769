import { type Clock, systemClock } from "../../protocol/clock.ts";

/** By convention 128 and the signal's number. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/** The signals that end a server. */
export type Interruption = keyof typeof EXIT_CODES;

/**
 * For so long after the first, in ms, another is the same one told again: of a
 * Ctrl-C both the terminal and `deno task` tell the process that it started.
 */
const ECHO = 250;

/** What interrupts, and what is ended by it; default: this process. */
export interface Process {
  /** Calls back at every such signal. */
  listen(signal: Interruption, callback: () => void): void;
  /** Ends it at once. */
  exit(code: number): void;
}

const THIS: Process = {
  listen: (signal, callback) => Deno.addSignalListener(signal, callback),
  exit: (code) => Deno.exit(code),
};

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process. */
export function interrupted(
  { listen, exit } = THIS,
  clock: Clock = systemClock,
): Promise<void> {
  return new Promise((resolve) => {
    let heard = false;
    let forces = false;
    const hear = (signal: Interruption) =>
      listen(signal, () => {
        if (forces) exit(EXIT_CODES[signal]);
        if (heard) return;
        heard = true;
        // A process that was busy hears late what was told in time: after its
        // timers, so that only the second of two has all of it behind it.
        clock.setTimeout(
          () => clock.setTimeout(() => forces = true, 0),
          ECHO,
        );
        resolve();
      });
    hear("SIGINT");
    // Windows knows no other.
    if (Deno.build.os !== "windows") hear("SIGTERM");
  });
}
