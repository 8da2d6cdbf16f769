import {
  IDENTITY_BYTES,
  IdentityRing,
  ringCapacity,
} from "../../protocol/identity_ring.ts";
import type { Claimed, Identities } from "../identities.ts";

/** How often to try for the lock before waiting, and how long to wait, in ms. */
const TRIES = 1_000;
const WAIT = 1;
/** The header: the lock, and on the next 16 bytes where the ring stands. */
const HEADER = 64;
const POSITION = 8;
/** The bit of an owner's word that says that the execution is over. */
const DONE = 1;

/** Memory for the identities that all threads share. */
export function identityMemory(tokens: number): SharedArrayBuffer {
  const capacity = ringCapacity(tokens);
  // The identities, two words each of the table, and one for the owner.
  const each = IDENTITY_BYTES + 3 * Uint32Array.BYTES_PER_ELEMENT;
  return new SharedArrayBuffer(HEADER + capacity * each);
}

/**
 * Identities that several threads claim, each one for a single thread. A lock
 * in the shared memory guards them, for about a microsecond at a time; its word
 * is the holder's number, so that it can be freed should that die.
 */
export class SharedIdentities implements Identities {
  #me: number;
  #lock: Int32Array;
  /** The ring's first number and its next. */
  #position: Float64Array;
  #owners: Int32Array;
  #ring: IdentityRing;

  /** `me`: the thread's number. */
  constructor(memory: SharedArrayBuffer, tokens: number, me: number) {
    this.#me = me;
    const capacity = ringCapacity(tokens);
    this.#lock = new Int32Array(memory, 0, 1);
    this.#position = new Float64Array(memory, POSITION, 2);
    const rows = capacity * IDENTITY_BYTES / Uint32Array.BYTES_PER_ELEMENT;
    const words = new Uint32Array(memory, HEADER);
    this.#ring = new IdentityRing(tokens, {
      rows: words.subarray(0, rows),
      table: words.subarray(rows, rows + 2 * capacity),
    });
    const owners = HEADER + 4 * (rows + 2 * capacity);
    this.#owners = new Int32Array(memory, owners, capacity);
  }

  get capacity(): number {
    return this.#ring.capacity;
  }

  get oldest(): number {
    this.#seek();
    return this.#ring.oldest;
  }

  claim(identity: Uint8Array): Claimed {
    return this.#locked(() => {
      const serial = this.#ring.find(identity);
      if (serial === -1) return { serial: this.#add(identity), fresh: true };
      const owner = this.#owners[this.#ring.rowOf(serial)]! >> 1;
      if (owner === this.#me) return { serial, fresh: false };
      return { serial, fresh: false, owner };
    });
  }

  restore(serial: number, identity: Uint8Array): void {
    this.#locked(() => {
      this.#ring.skipTo(serial);
      this.#add(identity);
    });
  }

  done(serial: number): void {
    // If it was pushed out the place is another's.
    if (serial < this.oldest) return;
    const mine = this.#me << 1;
    const row = this.#ring.rowOf(serial);
    Atomics.compareExchange(this.#owners, row, mine, mine | DONE);
  }

  /** Takes over what another thread had begun; false if somebody else has. */
  adopt(serial: number, from: number): boolean {
    if (serial < this.oldest) return false;
    const row = this.#ring.rowOf(serial);
    const theirs = from << 1;
    return Atomics.compareExchange(
      this.#owners,
      row,
      theirs,
      this.#me << 1,
    ) === theirs;
  }

  /** Whether an execution was over when its thread died. */
  wasDone(serial: number, owner: number): boolean {
    this.#seek();
    const word = this.#owners[this.#ring.rowOf(serial)];
    return word === (owner << 1 | DONE);
  }

  /** A thread is dead: it holds the lock no longer, whatever it was at. */
  died(thread: number): void {
    if (Atomics.load(this.#lock, 0) !== thread + 1) return;
    this.#seek();
    this.#ring.mend();
    Atomics.store(this.#lock, 0, 0);
  }

  #add(identity: Uint8Array): number {
    const serial = this.#ring.add(identity);
    Atomics.store(this.#owners, this.#ring.rowOf(serial), this.#me << 1);
    this.#position[0] = this.#ring.first;
    this.#position[1] = this.#ring.next;
    return serial;
  }

  #seek(): void {
    this.#ring.seek(this.#position[0]!, this.#position[1]!);
  }

  #locked<T>(action: () => T): T {
    for (let tries = 0;; tries++) {
      const holder = Atomics.compareExchange(this.#lock, 0, 0, this.#me + 1);
      if (holder === 0) break;
      if (tries > TRIES) Atomics.wait(this.#lock, 0, holder, WAIT);
    }
    try {
      this.#seek();
      return action();
    } finally {
      Atomics.store(this.#lock, 0, 0);
    }
  }
}
