import { type Clock, systemClock, type Timer } from "../../protocol/clock.ts";

/** A clock that is set by hand, then runs. */
export class StoryClock implements Clock {
  #wall: number;
  #running: number | undefined;

  /** `wall` is the time in ms since the epoch. */
  constructor(wall: number) {
    this.#wall = wall;
  }

  set(wall: number): void {
    this.#wall = wall;
  }

  run(): void {
    this.#running = performance.now();
  }

  wall(): number {
    return this.#running === undefined
      ? this.#wall
      : this.#wall + Math.floor(performance.now() - this.#running);
  }

  now(): number {
    return this.wall();
  }

  setTimeout(callback: () => void, after: number): Timer {
    return systemClock.setTimeout(callback, after);
  }

  clearTimeout(timer: Timer): void {
    systemClock.clearTimeout(timer);
  }
}
