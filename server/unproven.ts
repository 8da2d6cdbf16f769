import { FifoMap } from "../protocol/fifo_map.ts";

/** What the unproven may use up in all. */
export interface UnprovenLimits {
  /** How many there may be. */
  readonly connections: number;
  /** What may be kept of what they sent, in bytes. */
  readonly bytes: number;
  /** What its options call the limit of `connections`, default `"unproven"`. */
  readonly limit?: CrowdLimit;
}

/** A limit that is kept by closing one of the unproven. */
export type CrowdLimit =
  | "unproven"
  | "unprovenBytes"
  | "handshakes"
  | "connections";

/** Somebody who has not proven to hold the keys. */
export interface Stranger {
  /** Makes room for others; `limit` names the limit that was reached. */
  crowdOut(limit: CrowdLimit): void;
}

interface Held {
  bytes: number;
}

/**
 * Bounds what peers can make the server keep before they have proven that they
 * hold the keys. Over the bounds the oldest of them, or one that has the most
 * kept, is closed; never one that is proven.
 */
export class Unproven {
  #limits: UnprovenLimits;
  #strangers = new FifoMap<Stranger, Held>();
  /** Those with something kept, by the magnitude of it: its binary logarithm. */
  #magnitudes: Set<Stranger>[] = Array.from({ length: 54 }, () => new Set());
  #bytes = 0;

  constructor(limits: UnprovenLimits) {
    this.#limits = limits;
  }

  /** What is kept of them all, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Somebody has connected. */
  add(stranger: Stranger): void {
    this.#strangers.add(stranger, { bytes: 0 });
    if (this.#strangers.size > this.#limits.connections) {
      this.crowdOutOldest(this.#limits.limit ?? "unproven");
    }
  }

  /** So many bytes are kept of somebody now; nothing for who is not unproven. */
  hold(stranger: Stranger, bytes: number): void {
    const held = this.#strangers.get(stranger);
    if (!held) return;
    this.#move(stranger, held, bytes);
    while (this.#bytes > this.#limits.bytes) {
      const most = this.#magnitudes.findLast((set) => set.size > 0)!;
      const [largest] = most;
      this.#crowdOut(largest!, "unprovenBytes");
    }
  }

  /** Somebody is proven, or gone. */
  remove(stranger: Stranger): void {
    const held = this.#strangers.get(stranger);
    if (!held) return;
    this.#move(stranger, held, 0);
    this.#strangers.delete(stranger);
  }

  /** Closes the oldest, if there is one, as `limit` was reached. */
  crowdOutOldest(limit: CrowdLimit): boolean {
    const { oldest } = this.#strangers;
    if (oldest) this.#crowdOut(oldest[0], limit);
    return oldest !== undefined;
  }

  #crowdOut(stranger: Stranger, limit: CrowdLimit): void {
    this.remove(stranger);
    stranger.crowdOut(limit);
  }

  #move(stranger: Stranger, held: Held, bytes: number): void {
    if (held.bytes > 0) this.#setOf(held.bytes).delete(stranger);
    if (bytes > 0) this.#setOf(bytes).add(stranger);
    this.#bytes += bytes - held.bytes;
    held.bytes = bytes;
  }

  #setOf(bytes: number): Set<Stranger> {
    return this.#magnitudes[Math.floor(Math.log2(bytes))]!;
  }
}
