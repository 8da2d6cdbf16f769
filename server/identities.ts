import { IdentityRing } from "../protocol/identity_ring.ts";

/** What became of the claim to an identity. */
export interface Claimed {
  /** The identity's number. */
  readonly serial: number;
  /** Whether it was not known, and is the caller's now. */
  readonly fresh: boolean;
  /** The other thread that has it; undefined: it is this one's. */
  readonly owner?: number | undefined;
}

/** The identities that were executed, under numbers that count up. */
export interface Identities {
  /** How many are remembered. */
  readonly capacity: number;
  /** The oldest number still remembered. */
  readonly oldest: number;
  /** Looks an identity up and, if it is not known, takes it for the caller. */
  claim(identity: Uint8Array): Claimed;
  /** An identity that was on record is known, under its number. */
  restore(serial: number, identity: Uint8Array): void;
  /** The execution of one of the caller's is over. */
  done(serial: number): void;
}

/** Identities of a server that has one thread. */
export class OwnIdentities implements Identities {
  #ring: IdentityRing;

  /** `tokens`: how many are to be remembered at least. */
  constructor(tokens: number) {
    this.#ring = new IdentityRing(tokens);
  }

  get capacity(): number {
    return this.#ring.capacity;
  }

  get oldest(): number {
    return this.#ring.oldest;
  }

  claim(identity: Uint8Array): Claimed {
    const serial = this.#ring.find(identity);
    return serial === -1
      ? { serial: this.#ring.add(identity), fresh: true }
      : { serial, fresh: false };
  }

  restore(serial: number, identity: Uint8Array): void {
    this.#ring.skipTo(serial);
    this.#ring.add(identity);
  }

  done(): void {}
}
