import { createHash } from "node:crypto";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import type { Role } from "./contract.ts";

/** Tells whose token it is; the time it takes tells nothing. */
export class Tokens {
  #admin: Uint8Array | undefined;
  #read: Uint8Array | undefined;

  constructor(admin: string | undefined, read: string | undefined) {
    this.#admin = admin === undefined ? undefined : digest(admin);
    this.#read = read === undefined ? undefined : digest(read);
  }

  /** Whether a token is needed at all. */
  get needed(): boolean {
    return this.#admin !== undefined;
  }

  /**
   * The role that a token gives, if any. Synchronous, so that no second try
   * of a source slips in before the first one is counted.
   */
  role(token: string): Role | undefined {
    // Digests are of one length, and say nothing about what they are of.
    const given = digest(token);
    const isAdmin = this.#admin !== undefined &&
      timingSafeEqual(given, this.#admin);
    const isRead = this.#read !== undefined &&
      timingSafeEqual(given, this.#read);
    return isAdmin ? "admin" : isRead ? "read-only" : undefined;
  }
}

function digest(token: string): Uint8Array {
  return createHash("sha256").update(token).digest();
}
