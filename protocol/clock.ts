import { badOption } from "./options.ts";

/** A running timer, as the clock that started it knows it. */
export type Timer = number | object;

/**
 * Time, passed in wherever something waits, so that tests can run on a clock of
 * their own.
 */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back or jumps. */
  now(): number;
  /** Milliseconds since the Unix epoch; jumps when somebody sets the clock. */
  wall(): number;
  /** Calls `callback` once after `delay` ms; returns what cancels it. */
  setTimeout(callback: () => void, delay: number): Timer;
  /** Cancels a timer; does nothing when it has run or was cancelled. */
  clearTimeout(timer: Timer): void;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimeout: (callback, delay) => setTimeout(callback, delay),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/**
 * Returns a clock, or the machine's when it was left out.
 *
 * @throws {CypherError} `BAD_OPTION` if it lacks a method.
 */
export function checkClock(clock: Clock | undefined): Clock {
  if (clock === undefined) return systemClock;
  const methods = ["now", "wall", "setTimeout", "clearTimeout"] as const;
  if (methods.every((name) => typeof clock?.[name] === "function")) {
    return clock;
  }
  throw badOption("clock", `a Clock with ${methods.join(", ")}`, clock);
}

/**
 * Waits `delay` ms.
 *
 * @throws The signal's reason, once it aborts.
 */
export function sleep(
  clock: Clock,
  delay: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const abort = () => {
      clock.clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, delay);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
