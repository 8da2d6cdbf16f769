import type { Clock } from "../protocol/clock.ts";
import type { Role } from "./contract.ts";

/** A viewer who signed in. */
export interface Session {
  readonly id: string;
  readonly role: Role;
  /** When it ends, on the clock that never jumps. */
  readonly expires: number;
}

/** Who is signed in. The ids are random, and kept in memory alone. */
export class Sessions {
  #clock: Clock;
  #time: number;
  #limit: number;
  /** Oldest first. */
  #sessions = new Map<string, Session>();

  /** Makes sessions that last `time` ms, `limit` at most. */
  constructor(clock: Clock, time: number, limit: number) {
    this.#clock = clock;
    this.#time = time;
    this.#limit = limit;
  }

  /** Signs somebody in. */
  start(role: Role): Session {
    const id = crypto.getRandomValues(new Uint8Array(32))
      .toBase64({ alphabet: "base64url", omitPadding: true });
    const session = { id, role, expires: this.#clock.now() + this.#time };
    this.#sessions.set(id, session);
    if (this.#sessions.size > this.#limit) {
      this.#sessions.delete(this.#sessions.keys().next().value!);
    }
    return session;
  }

  /** The session of an id, if it is not over. */
  find(id: string): Session | undefined {
    const session = this.#sessions.get(id);
    if (session && session.expires > this.#clock.now()) return session;
    this.#sessions.delete(id);
    return undefined;
  }

  /** Signs out. */
  end(id: string): void {
    this.#sessions.delete(id);
  }
}
