import { SEQUENCES } from "./packet.ts";

/** A packet that was sent and is not known to have arrived. */
export interface InFlight<T> {
  /** Its number, counted even where the wire says 0. */
  readonly sequence: number;
  /** What it looks like on the wire. */
  readonly bytes: Uint8Array;
  /** What it belongs to. */
  readonly item: T;
  /** How often it was sent again. */
  resends: number;
  /** Acknowledged, and waiting for one before it to be. */
  acknowledged: boolean;
}

/**
 * The packets in flight, oldest first. They leave in their order: one that is
 * acknowledged stays, and counts for the window, until all before it are, as
 * the receiver cannot deliver it before that.
 *
 * TCP keeps the order, and each packet sent, the repeats included, gets one
 * answer: so the next answer is that of the packet sent first of those without.
 * A number says so once more, but no checksum covers it: an answer whose number
 * is another one counts as unclear, and the packet is sent again in time.
 */
export class Flight<T> {
  #sequenced: boolean;
  #next = 0;
  #packets: InFlight<T>[] = [];
  /** What was sent and has no answer, in that order. */
  #unanswered: InFlight<T>[] = [];

  /** `sequenced` is whether the wire carries numbers. */
  constructor(sequenced: boolean) {
    this.#sequenced = sequenced;
  }

  /** How many packets are in flight. */
  get size(): number {
    return this.#packets.length;
  }

  /** The packet that holds up the others. */
  get oldest(): InFlight<T> | undefined {
    return this.#packets[0];
  }

  /** The next packet's number, as the wire says it. */
  get next(): number {
    return this.#sequenced ? this.#next : 0;
  }

  /** The packet numbered {@linkcode Flight.next} is sent. */
  add(item: T, bytes: Uint8Array): void {
    const sequence = this.#next;
    this.#next = (sequence + 1) % SEQUENCES;
    const packet = { sequence, bytes, item, resends: 0, acknowledged: false };
    this.#packets.push(packet);
    this.#unanswered.push(packet);
  }

  /** A packet is sent again. */
  resent(packet: InFlight<T>): void {
    packet.resends++;
    this.#unanswered.push(packet);
  }

  /** An acknowledgement came; gives the packets that leave. */
  acknowledge(sequence: number): InFlight<T>[] {
    const packet = this.#answered(sequence);
    if (packet) packet.acknowledged = true;
    const waiting = this.#packets.findIndex((one) => !one.acknowledged);
    return this.#packets.splice(0, waiting === -1 ? this.size : waiting);
  }

  /** An error came; gives the packet to be sent again, if it is in flight. */
  damaged(sequence: number): InFlight<T> | undefined {
    const packet = this.#answered(sequence);
    if (!packet || packet.acknowledged) return undefined;
    return this.#packets.includes(packet) ? packet : undefined;
  }

  /** An answer came of which nobody can tell what it says. */
  unclear(): void {
    this.#unanswered.shift();
  }

  /** Lets go of what is in flight; the numbers go on, and so do the answers. */
  forget(): void {
    this.#packets = [];
  }

  #answered(sequence: number): InFlight<T> | undefined {
    const packet = this.#unanswered.shift();
    const matches = !this.#sequenced || packet?.sequence === sequence;
    return matches ? packet : undefined;
  }
}
