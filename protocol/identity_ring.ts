/** Words of 32 bits kept of each identity: 128 bits, as many as AES has. */
const WORDS = 4;
const SMALLEST = 1_024;

/** How much of an identity is remembered: its first bytes, so many. */
export const IDENTITY_BYTES = 4 * WORDS;

/** The memory of a full ring. */
export interface RingMemory {
  /** Four words for each identity. */
  readonly rows: Uint32Array;
  /** Two for each. */
  readonly table: Uint32Array;
}

/** How many identities a ring for at least so many remembers. */
export function ringCapacity(capacity: number): number {
  return Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(capacity)));
}

/**
 * Remembers the last `capacity` identities (authentication tags, random to
 * anybody without the key) in typed arrays: 24 to 28 bytes each. Each gets a
 * serial number, counting up from 0, or from where {@linkcode skipTo} began.
 */
export class IdentityRing {
  #capacity: number;
  #size = SMALLEST;
  #first = 0;
  #next = 0;
  /** The identities; the one n after the first is in row n modulo the size. */
  #rows: Uint32Array;
  /** Open addressing with linear probing: row + 1, or 0 for a free place. */
  #table: Uint32Array;

  /**
   * `capacity` is rounded up to a power of two, from 1,024 on. It begins small
   * and grows, unless memory for all of it is given.
   */
  constructor(capacity: number, memory?: RingMemory) {
    this.#capacity = ringCapacity(capacity);
    if (memory) this.#size = this.#capacity;
    this.#rows = memory?.rows ?? new Uint32Array(SMALLEST * WORDS);
    this.#table = memory?.table ?? new Uint32Array(SMALLEST * 2);
  }

  /** The number that the next identity gets. */
  get next(): number {
    return this.#next;
  }

  /** The number that the first identity got. */
  get first(): number {
    return this.#first;
  }

  /** Others have changed the memory: this is where it stands. */
  seek(first: number, next: number): void {
    this.#first = first;
    this.#next = next;
  }

  /** The row of a number, the same for every `capacity`-th one. */
  rowOf(serial: number): number {
    return (serial - this.#first) % this.#size;
  }

  /** Makes the memory whole again after somebody left off in mid-change. */
  mend(): void {
    const count = this.#next - this.#first;
    if (count >= this.#size) {
      // The oldest may be half overwritten: now it is nobody's.
      const words = crypto.getRandomValues(new Uint32Array(WORDS));
      this.#rows.set(words, this.rowOf(this.#next) * WORDS);
    }
    this.#table.fill(0);
    for (let row = 0; row < Math.min(count, this.#size); row++) this.#link(row);
  }

  /** How many identities it remembers when it is full. */
  get capacity(): number {
    return this.#capacity;
  }

  /** The serial number of an identity, or -1 if it is not remembered. */
  find(identity: Uint8Array): number {
    const mask = this.#table.length - 1;
    let place = word(identity, 0) & mask;
    for (;; place = (place + 1) & mask) {
      const row = this.#table[place]! - 1;
      if (row < 0) return -1;
      if (this.#holds(row, identity)) return this.#serialOf(row);
    }
  }

  /** Remembers an identity that is not yet known; returns its number. */
  add(identity: Uint8Array): number {
    const count = this.#next - this.#first;
    if (count === this.#size && this.#size < this.#capacity) this.#grow();
    const row = count % this.#size;
    if (count >= this.#size) this.#unlink(row);
    for (let i = 0; i < WORDS; i++) {
      this.#rows[row * WORDS + i] = word(identity, i);
    }
    this.#link(row);
    return this.#next++;
  }

  /**
   * Goes on at a number that is not below the next. Those between are taken by
   * identities that nobody can have; an empty ring just begins there.
   */
  skipTo(serial: number): void {
    if (this.#next === this.#first) this.#first = this.#next = serial;
    while (this.#next < serial) {
      this.add(crypto.getRandomValues(new Uint8Array(IDENTITY_BYTES)));
    }
  }

  /** The oldest number still remembered. */
  get oldest(): number {
    return Math.max(this.#first, this.#next - this.#size);
  }

  #holds(row: number, identity: Uint8Array): boolean {
    for (let i = 0; i < WORDS; i++) {
      if (this.#rows[row * WORDS + i] !== word(identity, i)) return false;
    }
    return true;
  }

  #serialOf(row: number): number {
    const last = this.#next - 1;
    const back = (last - this.#first - row) % this.#size;
    return last - back;
  }

  #home(row: number): number {
    return this.#rows[row * WORDS]! & (this.#table.length - 1);
  }

  #link(row: number): void {
    const mask = this.#table.length - 1;
    let place = this.#home(row);
    while (this.#table[place] !== 0) place = (place + 1) & mask;
    this.#table[place] = row + 1;
  }

  /** Frees a row's place, moving up what probing had pushed past it. */
  #unlink(row: number): void {
    const mask = this.#table.length - 1;
    let hole = this.#home(row);
    while (this.#table[hole] !== row + 1) hole = (hole + 1) & mask;
    for (let place = (hole + 1) & mask;; place = (place + 1) & mask) {
      const other = this.#table[place]! - 1;
      if (other < 0) break;
      const distance = (place - this.#home(other)) & mask;
      if (distance < ((place - hole) & mask)) continue;
      this.#table[hole] = other + 1;
      hole = place;
    }
    this.#table[hole] = 0;
  }

  #grow(): void {
    const rows = this.#rows;
    this.#size *= 2;
    this.#rows = new Uint32Array(this.#size * WORDS);
    this.#rows.set(rows);
    this.#table = new Uint32Array(this.#size * 2);
    for (let row = 0; row < this.#size / 2; row++) this.#link(row);
  }
}

/** A word of an identity, whose bytes need not be aligned. */
function word(identity: Uint8Array, index: number): number {
  const at = index * 4;
  return (identity[at]! | identity[at + 1]! << 8 | identity[at + 2]! << 16 |
    identity[at + 3]! << 24) >>> 0;
}
