import { PacketError } from "./errors.ts";
import {
  checksum,
  ESTABLISHED,
  HANDSHAKE,
  HEADER,
  type Packet,
} from "./packet.ts";

/** The most an acknowledgement, an error and the like may carry, in bytes. */
const CONTROL = 1_024;
/** The most a handshake's JSON may have, in bytes. */
const HANDSHAKE_PAYLOAD = 4_096;
/** What is kept at first of a payload that comes in pieces. */
const SMALLEST = 1_024;

/** The types there are, and the most each may carry in bytes. */
export type TypeLimits = Readonly<Record<number, number>>;

/** The types of a handshake. */
export const HANDSHAKE_LIMITS: TypeLimits = {
  [HANDSHAKE.syn]: HANDSHAKE_PAYLOAD,
  [HANDSHAKE.synAck]: HANDSHAKE_PAYLOAD,
  [HANDSHAKE.ack]: HANDSHAKE_PAYLOAD,
};

/** The types after a handshake that agreed on a size. */
export function establishedLimits(maxPacketSize: number): TypeLimits {
  return {
    [ESTABLISHED.data]: maxPacketSize,
    [ESTABLISHED.acknowledgement]: CONTROL,
    [ESTABLISHED.error]: CONTROL,
    [ESTABLISHED.keepAlive]: CONTROL,
    [ESTABLISHED.disconnect]: CONTROL,
  };
}

interface Head {
  readonly length: number;
  readonly type: number;
  readonly sequence: number;
  readonly checksum: number;
}

/**
 * Splits a byte stream into packets. A header that is not allowed is refused
 * before any of its payload is kept; at most one payload is, and no more of it
 * than has come, rounded up to the next doubling.
 */
export class PacketParser {
  /** What the next header may be. Set it when the phase changes. */
  limits: TypeLimits;
  #header = new Uint8Array(HEADER);
  #head: Head | undefined;
  #payload = new Uint8Array(0);
  /** How many bytes of the header, or of the payload, are here. */
  #have = 0;
  #broken: PacketError | undefined;

  /** `limits` is what the first header may be. */
  constructor(limits: TypeLimits) {
    this.limits = limits;
  }

  /** The most memory that is held for a payload, in bytes. */
  get held(): number {
    return this.#payload.length;
  }

  /**
   * Takes the next chunk and gives the packets it completed, one by one: what
   * one packet changes about `limits` holds from the next one on.
   *
   * @throws {PacketError} `BAD_TYPE` or `TOO_LARGE`, after the packets before;
   * from then on the stream makes no sense, and each push throws.
   */
  *push(chunk: Uint8Array): Generator<Packet, void, void> {
    if (this.#broken) throw this.#broken;
    let at = 0;
    for (;;) {
      if (!this.#head) {
        const part = chunk.subarray(at, at + HEADER - this.#have);
        this.#header.set(part, this.#have);
        this.#have += part.length;
        at += part.length;
        if (this.#have < HEADER) return;
        this.#head = this.#readHeader();
        this.#have = 0;
      }
      const { length, ...head } = this.#head;
      const part = chunk.subarray(at, at + length - this.#have);
      at += part.length;
      this.#keep(part, length);
      if (this.#have < length) return;
      const payload = this.#payload.subarray(0, length);
      this.#payload = new Uint8Array(0);
      this.#head = undefined;
      this.#have = 0;
      yield {
        type: head.type,
        sequence: head.sequence,
        payload,
        intact: checksum(payload) === head.checksum,
      };
    }
  }

  #readHeader(): Head {
    const view = new DataView(this.#header.buffer);
    const length = view.getUint32(0);
    const type = view.getUint8(4);
    const limit = Object.hasOwn(this.limits, type)
      ? this.limits[type]
      : undefined;
    if (limit === undefined) {
      throw this.#broken = new PacketError(
        "BAD_TYPE",
        `Cannot read the packet: there is no type ${type}`,
      );
    }
    if (length > limit) {
      throw this.#broken = new PacketError(
        "TOO_LARGE",
        `Cannot read the packet: one of type ${type} may carry ${limit} ` +
          `bytes, this one has ${length}`,
      );
    }
    const sequence = view.getUint16(5);
    return { length, type, sequence, checksum: view.getUint32(7) };
  }

  #keep(part: Uint8Array, length: number): void {
    const size = this.#have + part.length;
    if (size > this.#payload.length) {
      const capacity = Math.max(size, 2 * this.#payload.length, SMALLEST);
      const grown = new Uint8Array(Math.min(length, capacity));
      grown.set(this.#payload.subarray(0, this.#have));
      this.#payload = grown;
    }
    this.#payload.set(part, this.#have);
    this.#have = size;
  }
}
