import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { CypherError } from "../errors.ts";
import { Flight, type InFlight } from "./flight.ts";
import { FRAGMENT_HEADER, fragmentHeader } from "./fragments.ts";
import type { Agreement } from "./handshake.ts";
import { ESTABLISHED, writePacket } from "./packet.ts";

/** What came of a message that was sent. */
export interface Delivery {
  /** How many packets it took. */
  readonly packets: number;
  /** How many packets had to be sent again. */
  readonly resent: number;
}

/** What may wait to be acknowledged. */
export interface SendingLimits {
  /** How many messages. */
  readonly queued: number;
  /** How many bytes of them. */
  readonly queuedBytes: number;
}

/** How a {@linkcode Sending} is made. */
export interface SendingOptions {
  readonly agreement: Agreement;
  readonly clock: Clock;
  /** How long to wait for an acknowledgement, in ms. */
  readonly ackTimeout: number;
  /** How often a packet may be sent again. */
  readonly maxRetransmissions: number;
  readonly limits: SendingLimits;
  /** Takes what is to be written. */
  readonly write: (bytes: Uint8Array) => void;
  /** A packet was sent as often as it may be. */
  readonly exceeded: () => void;
  /** The disconnect was acknowledged, or not within the timeout. */
  readonly left: () => void;
}

/** A message that has not ended. */
interface Outgoing {
  readonly bytes: Uint8Array;
  /** How many of the bytes are in packets. */
  offset: number;
  packets: number;
  resent: number;
  resolve(delivery: Delivery): void;
  reject(error: CypherError): void;
}

/** A message's packet; `outgoing` is undefined for a disconnect. */
interface Piece {
  readonly outgoing: Outgoing | undefined;
  readonly last: boolean;
}

/**
 * Sends messages: cuts them into packets, keeps the window, sends again what is
 * not acknowledged. There is one timer, for the oldest packet in flight, which
 * starts again whenever packets are acknowledged (as in RFC 6298, section 5).
 */
export class Sending {
  #options: SendingOptions;
  #window: number;
  #room: number;
  #flight: Flight<Piece>;
  /** Messages that are not in packets yet; the first may be in part. */
  #queue: Outgoing[] = [];
  /** Every message that has not ended. */
  #waiting = new Set<Outgoing>();
  #waitingBytes = 0;
  #overdue: Deadline;

  constructor(options: SendingOptions) {
    const { mode, windowSize, sequenced, fragments, maxPacketSize } =
      options.agreement;
    this.#options = options;
    this.#window = mode === "burst" ? windowSize : 1;
    this.#room = maxPacketSize - (fragments ? FRAGMENT_HEADER : 0);
    this.#flight = new Flight(sequenced);
    this.#overdue = new Deadline(options.clock, () => this.#resendOldest());
  }

  /** Whether nothing waits to be acknowledged. */
  get idle(): boolean {
    return this.#flight.size === 0;
  }

  /**
   * Sends a copy of a message; resolves once all of it is acknowledged.
   *
   * @throws {CypherError} `TOO_LARGE`, `QUEUE_FULL` or `ABORTED` before anything
   * is sent; later `ABORTED`, or whatever ends the connection.
   */
  send(message: Uint8Array, signal?: AbortSignal): Promise<Delivery> {
    if (signal?.aborted) return Promise.reject(aborted(signal));
    const refused = this.#refuse(message.length);
    if (refused) return Promise.reject(refused);
    const { promise, resolve, reject } = Promise.withResolvers<Delivery>();
    const outgoing: Outgoing = {
      bytes: message.slice(),
      offset: 0,
      packets: 0,
      resent: 0,
      resolve,
      reject,
    };
    this.#waiting.add(outgoing);
    this.#waitingBytes += message.length;
    this.#queue.push(outgoing);
    this.#pump();
    return signal ? this.#abortable(outgoing, promise, signal) : promise;
  }

  /** An acknowledgement came. */
  acknowledged(sequence: number): void {
    const landed = this.#flight.acknowledge(sequence);
    if (landed.length === 0) return;
    this.#overdue.clear();
    for (const { item: { outgoing, last } } of landed) {
      if (!outgoing) return this.#options.left();
      const { packets, resent } = outgoing;
      if (last && this.#end(outgoing)) outgoing.resolve({ packets, resent });
    }
    this.#pump();
    if (!this.idle) this.#overdue.set(this.#options.ackTimeout);
  }

  /** The peer says that a packet came damaged. */
  damaged(sequence: number): void {
    const packet = this.#flight.damaged(sequence);
    if (packet) this.#resend(packet);
  }

  /** An answer came that was damaged on its way. */
  unclear(): void {
    this.#flight.unclear();
  }

  /** Rejects what has not ended, and says goodbye. */
  disconnect(error: CypherError): void {
    this.#rejectAll(error);
    this.#flight.forget();
    const bytes = writePacket(ESTABLISHED.disconnect, this.#flight.next);
    this.#add({ outgoing: undefined, last: true }, bytes);
    this.#overdue.set(this.#options.ackTimeout);
  }

  /** Rejects what has not ended, and stops. */
  close(error: CypherError): void {
    this.#rejectAll(error);
    this.#flight.forget();
    this.#overdue.stop();
  }

  #refuse(size: number): CypherError | undefined {
    const { agreement: { maxMessageSize, fragments }, limits } = this.#options;
    if (size > maxMessageSize) {
      const why = fragments ? "" : ", as the peer does not take fragments";
      return new CypherError(
        "TOO_LARGE",
        `Cannot send the message: it may have ${maxMessageSize} bytes${why}; ` +
          `it has ${size}`,
      );
    }
    const full = this.#waiting.size >= limits.queued ||
      // One message may always wait, however large.
      (this.#waiting.size > 0 &&
        this.#waitingBytes + size > limits.queuedBytes);
    if (!full) return undefined;
    return new CypherError(
      "QUEUE_FULL",
      `Cannot send the message: ${this.#waiting.size} messages of ` +
        `${this.#waitingBytes} bytes are waiting already`,
    );
  }

  /**
   * A message of which nothing is sent can be taken back. The rest of one that
   * has begun has to follow, as the peer would take the next for it.
   */
  async #abortable(
    outgoing: Outgoing,
    promise: Promise<Delivery>,
    signal: AbortSignal,
  ): Promise<Delivery> {
    const abort = () => {
      if (!this.#end(outgoing)) return;
      if (outgoing.packets === 0) {
        this.#queue = this.#queue.filter((one) => one !== outgoing);
      }
      outgoing.reject(aborted(signal));
    };
    signal.addEventListener("abort", abort);
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #pump(): void {
    while (this.#flight.size < this.#window && this.#queue.length > 0) {
      const outgoing = this.#queue[0]!;
      const end = outgoing.offset + this.#room;
      const body = outgoing.bytes.subarray(outgoing.offset, end);
      const last = end >= outgoing.bytes.length;
      outgoing.offset = end;
      outgoing.packets++;
      if (last) this.#queue.shift();
      const sequence = this.#flight.next;
      const header = this.#options.agreement.fragments
        ? [fragmentHeader(sequence, last)]
        : [];
      const bytes = writePacket(ESTABLISHED.data, sequence, ...header, body);
      if (this.idle) this.#overdue.set(this.#options.ackTimeout);
      this.#add({ outgoing, last }, bytes);
    }
  }

  #add(piece: Piece, bytes: Uint8Array): void {
    this.#flight.add(piece, bytes);
    this.#options.write(bytes);
  }

  #resendOldest(): void {
    const packet = this.#flight.oldest;
    if (packet) this.#resend(packet);
  }

  #resend(packet: InFlight<Piece>): void {
    const { maxRetransmissions, ackTimeout, exceeded, left, write } =
      this.#options;
    const { outgoing } = packet.item;
    // Nobody waits for the goodbye to arrive: it was worth one try.
    if (!outgoing) return left();
    if (packet.resends >= maxRetransmissions) return exceeded();
    this.#flight.resent(packet);
    outgoing.resent++;
    write(packet.bytes);
    this.#overdue.set(ackTimeout);
  }

  /** Takes a message from those that have not ended; false if it had. */
  #end(outgoing: Outgoing): boolean {
    if (!this.#waiting.delete(outgoing)) return false;
    this.#waitingBytes -= outgoing.bytes.length;
    return true;
  }

  #rejectAll(error: CypherError): void {
    for (const outgoing of this.#waiting) outgoing.reject(error);
    this.#waiting.clear();
    this.#waitingBytes = 0;
    this.#queue = [];
  }
}

function aborted(signal: AbortSignal): CypherError {
  return new CypherError("ABORTED", "Sending the message was aborted", {
    cause: signal.reason,
  });
}
