import type { Clock } from "../protocol/clock.ts";
import type { ConnectionInfo } from "./monitor.ts";

/** What of a connection's info is counted or timed. */
type Counts = Pick<
  ConnectionInfo,
  | "since"
  | "lastActivity"
  | "requests"
  | "failures"
  | "bytesIn"
  | "bytesOut"
  | "inProgress"
  | "lastLatency"
>;

/** What one connection has done, and when. */
export class Tally {
  /** Bytes received. */
  bytesIn = 0;
  /** Bytes sent. */
  bytesOut = 0;
  /** What went wrong. */
  failures = 0;
  #clock: Clock;
  #since: number;
  /** The same on the clock that never jumps. */
  #began: number;
  #lastActivity: number;
  #requests = 0;
  #inProgress = 0;
  #lastLatency: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = this.#lastActivity = clock.wall();
    this.#began = clock.now();
  }

  /** Requests that have their answer. */
  get requests(): number {
    return this.#requests;
  }

  /** Requests being worked on. */
  get inProgress(): number {
    return this.#inProgress;
  }

  /** How long ago it began, in whole ms. */
  get age(): number {
    return Math.round(this.#clock.now() - this.#began);
  }

  /** The peer gave a sign of life. */
  active(): void {
    this.#lastActivity = this.#clock.wall();
  }

  /** A request is being worked on; gives the clock's time. */
  requestBegins(): number {
    this.#inProgress++;
    this.active();
    return this.#clock.now();
  }

  /** A request has its answer; gives how long that took since `began`, in ms. */
  requestEnds(began: number): number {
    const latency = this.#clock.now() - began;
    this.#inProgress--;
    this.#requests++;
    this.#lastLatency = latency;
    this.active();
    return latency;
  }

  /** A request's work goes on without this connection. */
  requestLeft(): void {
    this.#inProgress--;
  }

  /** All of it. */
  counts(): Counts {
    return {
      since: this.#since,
      lastActivity: this.#lastActivity,
      requests: this.#requests,
      failures: this.failures,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      inProgress: this.#inProgress,
      lastLatency: this.#lastLatency,
    };
  }
}
