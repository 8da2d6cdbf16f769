import type { Clock } from "./clock.ts";
import { Deadline } from "./deadline.ts";
import { PING_BYTES } from "./frames.ts";

/** Whom a {@linkcode Heartbeat} tells. */
export interface HeartbeatEvents {
  /** A ping is due. */
  ping(payload: Uint8Array): void;
  /** The peer has not given a sign of life. */
  dead(): void;
}

/**
 * Finds peers that are gone without a word: a ping after so much silence, and
 * nothing within as much again. Any byte received is a sign of life.
 */
export class Heartbeat {
  #clock: Clock;
  #interval: number;
  #events: HeartbeatEvents;
  #deadline: Deadline;
  #running = false;
  /** Whether a ping was sent and nothing came since. */
  #pinged = false;
  /** When the last ping was sent, until its pong comes. */
  #sentAt: number | undefined;
  #count = 0;
  /** When the peer was last given a sign of life. */
  #shownAt = 0;

  /** `interval` is in ms. */
  constructor(clock: Clock, interval: number, events: HeartbeatEvents) {
    this.#clock = clock;
    this.#interval = interval;
    this.#events = events;
    this.#deadline = new Deadline(clock, () => this.#silent());
  }

  /** Begins to listen for silence. */
  start(): void {
    this.#running = true;
    this.#shownAt = this.#clock.now();
    this.alive();
  }

  /** Passes no verdict from now on. */
  stop(): void {
    this.#running = false;
    this.#deadline.stop();
  }

  /** Something was received. */
  alive(): void {
    this.#pinged = false;
    if (this.#running) this.#deadline.set(this.#interval);
  }

  /**
   * Something was received of a message that is not complete. The peer's pings
   * wait behind the rest of it, so that it hears nothing from here: it is given
   * a sign of life now and then.
   */
  arriving(): void {
    if (!this.#running) return;
    if (this.#clock.now() - this.#shownAt >= this.#interval) this.show();
  }

  /** Gives the peer a sign of life. */
  show(): void {
    this.#shownAt = this.#clock.now();
    this.#events.ping(new Uint8Array(PING_BYTES));
  }

  /** A pong was received; gives the round trip in ms, if it is of our ping. */
  pong(payload: Uint8Array): number | undefined {
    const view = new DataView(payload.buffer, payload.byteOffset);
    if (view.getUint32(4) !== this.#count || this.#sentAt === undefined) {
      return undefined;
    }
    const time = this.#clock.now() - this.#sentAt;
    this.#sentAt = undefined;
    return time;
  }

  #silent(): void {
    if (this.#pinged) return this.#events.dead();
    this.#pinged = true;
    this.#sentAt = this.#shownAt = this.#clock.now();
    const payload = new Uint8Array(PING_BYTES);
    new DataView(payload.buffer).setUint32(4, ++this.#count);
    this.#deadline.set(this.#interval);
    this.#events.ping(payload);
  }
}
