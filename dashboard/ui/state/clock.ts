import { signal } from "@preact/signals";

/**
 * The sidecar's clock as this page reckons it, stepping once a second. It
 * stands still while the server is gone: old ages must not look live.
 */
export const now = signal(Date.now());

let offset = 0;
let stopped: number | null = null;

/** The sidecar's clock, to the millisecond. */
export const serverNow = (): number => stopped ?? runningNow();

/** The same even while it stands still here. */
export const runningNow = (): number => Date.now() + offset;

/** Takes over the sidecar's clock, when it differs by more than jitter. */
export function setClock(server: number, force = false): void {
  const measured = server - Date.now();
  if (!force && Math.abs(measured - offset) <= 1000) return;
  offset = measured;
  // Else the first second would show ages by this machine's clock.
  now.value = serverNow();
}

/**
 * Stops the clock, if it runs, at this machine's time `at`; returns the
 * sidecar's, which shows from now on.
 */
export function stopClock(at: number): number {
  return now.value = stopped ??= at + offset;
}

/** Lets the clock run again. */
export function runClock(): void {
  stopped = null;
  now.value = serverNow();
}

/** Steps {@linkcode now} at each full second. */
export function startClock(): void {
  now.value = serverNow();
  setTimeout(startClock, 1000 - Date.now() % 1000);
}
