import type { Clock } from "../protocol/clock.ts";

/** How many wrong tries are free. */
const FREE_TRIES = 10;
/** The first wait after them, in ms; it doubles with each further try. */
const FIRST_WAIT = 2_000;
/** The longest wait, in ms: an owner who shares the source gets a turn. */
const LONGEST_WAIT = 60_000;
/** Wrong tries are forgotten after this time without one, in ms. */
const MEMORY = 900_000;
/** How many sources are remembered. */
const SOURCES = 10_000;

/** What a source has done. */
interface Record {
  tries: number;
  /** When the last one was, and until when it has to wait. */
  at: number;
  until: number;
}

/**
 * Slows down whoever guesses tokens, each source by itself. A try while the
 * source has to wait is not looked at, and does not make the wait longer.
 */
export class Throttle {
  #clock: Clock;
  #sources = new Map<string, Record>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How long a source has to wait before its next try, in ms. */
  wait(source: string): number {
    const record = this.#sources.get(source);
    return record ? Math.max(0, record.until - this.#clock.now()) : 0;
  }

  /** A wrong try. */
  wrong(source: string): void {
    const now = this.#clock.now();
    const known = this.#sources.get(source);
    const before = known && now - known.at < MEMORY ? known.tries : 0;
    const tries = before + 1;
    const over = tries - FREE_TRIES;
    const wait = over < 0
      ? 0
      : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(over, 20));
    // Put at the end, so that the first one is the longest unheard of.
    this.#sources.delete(source);
    this.#sources.set(source, { tries, at: now, until: now + wait });
    if (this.#sources.size > SOURCES) {
      this.#sources.delete(this.#sources.keys().next().value!);
    }
  }

  /** A right try: all is forgiven. */
  right(source: string): void {
    this.#sources.delete(source);
  }
}

/** The source that an address stands for: an IPv6 host has a whole /64. */
export function sourceOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const url = URL.parse(`http://[${address.split("%")[0]}]`);
  if (!url) return address;
  const [start = "", end] = url.hostname.slice(1, -1).split("::");
  const groups = start === "" ? [] : start.split(":");
  const after = end ? end.split(":") : [];
  while (end !== undefined && groups.length + after.length < 8) {
    groups.push("0");
  }
  return [...groups, ...after].slice(0, 4).join(":") + "::/64";
}
