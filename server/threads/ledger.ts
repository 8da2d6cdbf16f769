/** What a thread's ledger is kept in: memory that its end leaves behind. */
export interface LedgerMemory {
  /** The highest id that was accepted from each client of all threads. */
  readonly highest: SharedArrayBuffer;
  /** The requests that run on the one thread: pairs of a slot + 1 and an id. */
  readonly running: SharedArrayBuffer;
}

/** A request that was running when its thread died. */
export interface Entered {
  /** The slot of its client. */
  readonly slot: number;
  /** The request's id. */
  readonly id: number;
  /** Whether it may be executed again. */
  readonly idempotent: boolean;
}

const FEWEST = 1_024;
const PAIR = 2 * Float64Array.BYTES_PER_ELEMENT;
/** The most requests that a ledger has room for: more than memory has. */
const MOST = 2 ** 24;

/** How many places there can be for clients; each has a slot at a time. */
const PLACES = 2 ** 25;

/** Memory that can grow, seen by every thread that has it. */
function growing(bytes: number, most: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes, { maxByteLength: most });
}

/** The highest accepted id of each client, one place for each. */
export class Slots {
  readonly memory: SharedArrayBuffer;
  #highest: Float64Array;
  #free: number[] = [];
  #used = 0;

  /** `most`: how many clients there may be. */
  constructor(most: number) {
    const bytes = Float64Array.BYTES_PER_ELEMENT;
    this.memory = growing(FEWEST * bytes, Math.max(FEWEST, most) * bytes);
    this.#highest = new Float64Array(this.memory);
  }

  /** A slot for a client: a place, and a number that only it has. */
  take(): number {
    const slot = this.#free.pop() ?? this.#used++;
    const { byteLength, maxByteLength } = this.memory;
    if (placeOf(slot) === this.#highest.length) {
      this.memory.grow(Math.min(2 * byteLength, maxByteLength));
    }
    this.#highest[placeOf(slot)] = 0;
    return slot;
  }

  /**
   * The place may be another client's. Its slot is another, as requests of the
   * one before may still stand in a ledger.
   */
  free(slot: number): void {
    this.#free.push(slot + PLACES);
  }

  highest(slot: number): number {
    return this.#highest[placeOf(slot)]!;
  }

  raise(slot: number, id: number): void {
    this.#highest[placeOf(slot)] = Math.max(this.highest(slot), id);
  }
}

function placeOf(slot: number): number {
  return slot % PLACES;
}

/** Memory for the requests that run on one thread. */
export function runningMemory(): SharedArrayBuffer {
  return growing(FEWEST * PAIR, MOST * PAIR);
}

/**
 * What a thread writes down before each handler begins, so that the others know
 * what ran if it dies. It alone writes, plainly; it is read once it is dead.
 */
export class Ledger {
  #memory: SharedArrayBuffer;
  #highest: Float64Array;
  #running: Float64Array;
  #free: number[] = [];
  #used = 0;

  constructor({ highest, running }: LedgerMemory) {
    this.#memory = running;
    this.#highest = new Float64Array(highest);
    this.#running = new Float64Array(running);
  }

  /** A handler is to begin; gives where that is written. */
  enter(slot: number, id: number, idempotent: boolean): number {
    const place = this.#free.pop() ?? this.#used++;
    if (2 * place === this.#running.length) {
      this.#memory.grow(2 * this.#memory.byteLength);
    }
    // The slot last: with it the pair counts.
    this.#running[2 * place + 1] = idempotent ? -id : id;
    this.#running[2 * place] = slot + 1;
    const client = placeOf(slot);
    if (this.#highest[client]! < id) this.#highest[client] = id;
    return place;
  }

  /** It is over, and its ending kept or told. */
  leave(place: number): void {
    this.#running[2 * place] = 0;
    this.#free.push(place);
  }
}

/** What ran on a thread that is dead. */
export function enteredIn(running: SharedArrayBuffer): Entered[] {
  const pairs = new Float64Array(running);
  const entered: Entered[] = [];
  for (let at = 0; at < pairs.length; at += 2) {
    const slot = pairs[at]! - 1;
    const id = pairs[at + 1]!;
    if (slot < 0) continue;
    entered.push({ slot, id: Math.abs(id), idempotent: id < 0 });
  }
  return entered;
}
