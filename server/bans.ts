import type { Clock } from "../protocol/clock.ts";
import { FifoMap } from "../protocol/fifo_map.ts";

/** How many origins are remembered, of those that struck and of those banned. */
const REMEMBERED = 65_536;
const MINUTE = 60_000;

/** How {@linkcode Bans} are made. */
export interface BanOptions {
  clock: Clock;
  /** Strikes that an origin has per minute; `Infinity` bans nobody. */
  badTokens: number;
  /** How long a ban lasts, in ms. */
  banTime: number;
  /** Told of each ban that strikes lead to, and how long it lasts in ms. */
  onBan?: (origin: string, time: number) => void;
}

/**
 * Who sends what does not open, and is refused for a while. Times are counted
 * when somebody asks: there are no timers, and no more memory than so many
 * origins take, the oldest forgotten first.
 */
export class Bans {
  #options: BanOptions;
  /** When an origin's strikes are all forgotten, on the clock. */
  #forgotten = new FifoMap<string, number>();
  /** When an origin's ban ends, on the clock; the first to end is the oldest. */
  #ends = new FifoMap<string, number>();

  constructor(options: BanOptions) {
    this.#options = options;
  }

  /** How many origins are remembered. */
  get size(): number {
    return this.#forgotten.size + this.#ends.size;
  }

  /** Whether an origin is banned now. */
  has(origin: string): boolean {
    const end = this.#ends.get(origin);
    if (end === undefined) return false;
    if (end > this.#options.clock.now()) return true;
    this.#ends.delete(origin);
    return false;
  }

  /** Who is banned now, and for how many ms more; the oldest ban first. */
  *inForce(): Generator<readonly [origin: string, time: number]> {
    const now = this.#options.clock.now();
    for (const origin of this.#ends.keys()) {
      const time = this.#ends.get(origin)! - now;
      if (time > 0) yield [origin, time];
    }
  }

  /**
   * An origin has sent something that does not open. Each strike is forgotten
   * after its share of a minute, so that neither a burst at once nor one strike
   * now and then is held against it for longer.
   */
  strike(origin: string): void {
    const { clock, badTokens, banTime, onBan } = this.#options;
    if (badTokens === Infinity || this.has(origin)) return;
    const now = clock.now();
    const forgotten = Math.max(now, this.#forgotten.get(origin) ?? 0) +
      MINUTE / badTokens;
    if (forgotten - now <= MINUTE) {
      return put(this.#forgotten, origin, forgotten);
    }
    this.#forgotten.delete(origin);
    this.ban(origin, banTime);
    onBan?.(origin, banTime);
  }

  /**
   * Bans an origin for `time` ms from now: also what others tell, who have
   * banned it on a clock of their own. `onBan` is not called.
   */
  ban(origin: string, time: number): void {
    put(this.#ends, origin, this.#options.clock.now() + time);
  }
}

/** Notes an origin as the newest; the oldest makes room for it. */
function put(map: FifoMap<string, number>, origin: string, at: number): void {
  map.delete(origin);
  map.add(origin, at);
  if (map.size > REMEMBERED) map.delete(map.oldest![0]);
}
