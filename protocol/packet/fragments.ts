import { PacketError } from "./errors.ts";

/**
 * The bytes that `fragments: true` puts before what a data packet carries:
 * `flags u8 | sequence u16`. Bit 0 of the flags marks the last fragment of a
 * message; the others are 0. The sequence number is the header's, where no
 * checksum covers it: here one does, so a number that was damaged on its way
 * can neither swap two packets nor pass one off as another.
 */
export const FRAGMENT_HEADER = 3;

const LAST = 0x01;
const SMALLEST = 4_096;
const EMPTY = new Uint8Array(0);

/** A piece of a message. */
export interface Fragment {
  /** Whether the message ends with it. */
  readonly last: boolean;
  /** Its bytes of the message. */
  readonly body: Uint8Array;
}

/** A piece of a message and its packet's number. */
export interface NumberedFragment extends Fragment {
  readonly sequence: number;
}

/** What goes before a fragment's bytes. */
export function fragmentHeader(sequence: number, last: boolean): Uint8Array {
  return Uint8Array.of(last ? LAST : 0, sequence >> 8, sequence & 0xff);
}

/**
 * Reads an intact data packet's payload.
 *
 * @throws {PacketError} `BAD_TYPE` if it does not begin as agreed.
 */
export function readFragment(payload: Uint8Array): NumberedFragment {
  const [flags = 0xff, high = 0, low = 0] = payload;
  const body = payload.subarray(FRAGMENT_HEADER);
  const last = flags === LAST;
  if (payload.length < FRAGMENT_HEADER || flags > LAST) {
    throw new PacketError(
      "BAD_TYPE",
      "Cannot read the data packet: it does not begin with the fragment " +
        "header that was agreed on",
    );
  }
  if (!last && body.length === 0) {
    throw new PacketError(
      "BAD_TYPE",
      "Cannot read the data packet: only a message's last fragment may be " +
        "empty",
    );
  }
  return { last, body, sequence: high << 8 | low };
}

/** Puts messages together from their fragments, which come in order. */
export class Reassembler {
  #limit: number;
  #buffer = EMPTY;
  #size = 0;

  /** `limit` is the largest message in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Takes the next fragment; gives the message that it completes.
   *
   * @throws {PacketError} `TOO_LARGE` if the message is over the limit.
   */
  add({ body, last }: Fragment): Uint8Array | undefined {
    const size = this.#size + body.length;
    if (size > this.#limit) {
      throw new PacketError(
        "TOO_LARGE",
        `Cannot receive the message: it may have ${this.#limit} bytes`,
      );
    }
    if (last && this.#size === 0) return body;
    if (size > this.#buffer.length) this.#grow(size);
    this.#buffer.set(body, this.#size);
    this.#size = size;
    if (!last) return undefined;
    const message = this.#buffer.subarray(0, size);
    this.#buffer = EMPTY;
    this.#size = 0;
    return message;
  }

  #grow(size: number): void {
    const capacity = Math.max(size, 2 * this.#buffer.length, SMALLEST);
    const grown = new Uint8Array(Math.min(this.#limit, capacity));
    grown.set(this.#buffer.subarray(0, this.#size));
    this.#buffer = grown;
  }
}
