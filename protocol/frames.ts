import { CypherError } from "./errors.ts";
import { brokenStream, LengthSplitter } from "./length_splitter.ts";

/** The types of frames. `0x08` to `0x0A` are reserved for pushes and streams. */
export const FRAME = {
  /** Client to server: a request; its id is the client's next. */
  request: 0x01,
  /** Server to client: the answer to the request of that id. */
  response: 0x02,
  /** Why the request of that id has no answer; id 0: the connection. */
  error: 0x03,
  /** Asks for a pong with the same 8 bytes. */
  ping: 0x04,
  /** Answers a ping. */
  pong: 0x06,
  /** Says that this end is about to close. */
  close: 0x05,
  /** Client to server: the request of that id is not wanted any more. */
  cancel: 0x07,
  /** Client to server: the answers that it has. */
  answered: 0x0b,
  /** The first frame of either end. */
  hello: 0x0c,
} as const;

/** The type of a frame: one of {@linkcode FRAME}. */
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** One frame as it was received. */
export interface Frame {
  /** What it is. */
  readonly type: FrameType;
  /** The request that it is about, below 2^53; 0: the connection. */
  readonly id: number;
  /** What it carries: a view, that nobody else writes to. */
  readonly payload: Uint8Array;
}

/** How many bytes a ping and a pong carry. */
export const PING_BYTES = 8;
/** How many bytes a frame takes beyond its payload. */
export const FRAME_HEADER = 13;

/** The length, which does not count itself. */
const PREFIX = 4;
/** What the length counts beside the payload: the type and the id. */
const COUNTED = FRAME_HEADER - PREFIX;
/** Types from here on are skipped: newer peers may say them to older ones. */
const SKIPPED_FROM = 0x80;
const TYPES: ReadonlySet<number> = new Set(Object.values(FRAME));
const EMPTY = new Uint8Array(0);
const SMALLEST = 1_024;
/** The most memory that a batch keeps while it is empty. */
const KEPT = 16_384;
const encoder = new TextEncoder();

/**
 * Splits the plaintext of a session into frames. Limits are checked at a
 * frame's length, before any of it is kept; at most one frame is.
 */
export class FrameParser implements IterableIterator<Frame> {
  #splitter: LengthSplitter;
  #broken = false;

  /** `messageBytes` is the largest payload in bytes. */
  constructor(messageBytes: number) {
    this.#splitter = new LengthSplitter(
      PREFIX,
      (length) => checkLength(length - COUNTED, messageBytes),
    );
  }

  /** How many bytes of memory an unfinished frame takes. */
  get held(): number {
    return this.#splitter.held;
  }

  /**
   * Takes the next plaintext, and iterates over the frames that it completes.
   * Payloads are views of `plain` where they were whole in it: it must not be
   * reused.
   *
   * Go through all of it: an error, or a loop that is left early, is the end
   * of the stream.
   *
   * @throws {CypherError} From the loop: `TOO_LARGE` if a payload is over the
   * limit, `BAD_MESSAGE` if a frame is not of a form that it may have; what was
   * before it has been given.
   */
  push(plain: Uint8Array): this {
    if (this.#broken) throw brokenStream();
    this.#broken = true;
    this.#splitter.push(plain);
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Frame, undefined> {
    for (;;) {
      const bytes = this.#splitter.next();
      if (bytes.done) {
        this.#broken = false;
        return bytes;
      }
      const frame = readFrame(bytes.value);
      if (frame) return { done: false, value: frame };
    }
  }
}

/**
 * Collects the frames of a tick, so that they become one plaintext: one seal,
 * one write.
 */
export class FrameBatch {
  #buffer: Uint8Array<ArrayBuffer> = EMPTY;
  #view = new DataView(this.#buffer.buffer);
  #size = 0;

  /** How many bytes have been collected. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds a frame. A text becomes UTF-8 where it is to be, with no copy between.
   *
   * @throws {CypherError} `UNSENDABLE` if the id is not a whole number from 0
   * to 2^53 - 1.
   */
  add(type: FrameType, id: number, payload: Uint8Array | string = EMPTY): void {
    if (!Number.isSafeInteger(id) || id < 0) {
      throw new CypherError(
        "UNSENDABLE",
        `Cannot send a frame of the id ${id}`,
      );
    }
    const start = this.#size;
    this.#reserve(start + FRAME_HEADER + payload.length);
    const end = typeof payload === "string"
      ? this.#writeText(payload, start + FRAME_HEADER)
      : this.#writeBytes(payload, start + FRAME_HEADER);
    this.#view.setUint32(start, end - start - PREFIX);
    this.#buffer[start + 4] = type;
    this.#view.setUint32(start + 5, id / 2 ** 32);
    this.#view.setUint32(start + 9, id);
    this.#size = end;
  }

  /**
   * Hands out what was collected and starts anew. The result is a view that the
   * next `add` may write over, if it has 16,384 bytes or less: seal it first.
   */
  take(): Uint8Array<ArrayBuffer> {
    const plain = this.#buffer.subarray(0, this.#size);
    this.#size = 0;
    if (this.#buffer.length > KEPT) this.#use(EMPTY);
    return plain;
  }

  #writeBytes(bytes: Uint8Array, at: number): number {
    this.#buffer.set(bytes, at);
    return at + bytes.length;
  }

  #writeText(text: string, at: number): number {
    const { read, written } = encoder.encodeInto(
      text,
      this.#buffer.subarray(at),
    );
    const end = at + written;
    if (read === text.length) return end;
    // There was room for ASCII, which our own JSON is.
    const rest = encoder.encode(text.slice(read));
    this.#reserve(end + rest.length, end);
    return this.#writeBytes(rest, end);
  }

  /** Makes room for `size` bytes in all; the first `used` ones stay. */
  #reserve(size: number, used = this.#size): void {
    if (size <= this.#buffer.length) return;
    const capacity = Math.max(size, 2 * this.#buffer.length, SMALLEST);
    const grown = new Uint8Array(capacity);
    grown.set(this.#buffer.subarray(0, used));
    this.#use(grown);
  }

  #use(buffer: Uint8Array<ArrayBuffer>): void {
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer);
  }
}

/** Reads what follows a frame's length; undefined if it is to be skipped. */
function readFrame(bytes: Uint8Array): Frame | undefined {
  const type = bytes[0]!;
  if (type >= SKIPPED_FROM) return undefined;
  if (!isFrameType(type)) throw badFrame(`there is no type ${type}`);
  const high = uint32(bytes, 1);
  if (high >= 2 ** 21) throw badFrame("its id is not below 2^53");
  const id = high * 2 ** 32 + uint32(bytes, 5);
  const payload = bytes.subarray(COUNTED);
  if (
    (type === FRAME.ping || type === FRAME.pong) &&
    payload.length !== PING_BYTES
  ) throw badFrame(`a ping carries ${PING_BYTES} bytes`);
  return { type, id, payload };
}

function isFrameType(type: number): type is FrameType {
  return TYPES.has(type);
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) |
    bytes[at + 3]!) >>> 0;
}

function checkLength(payload: number, limit: number): void {
  if (payload < 0) throw badFrame("it is too short for its type and id");
  if (payload <= limit) return;
  throw new CypherError(
    "TOO_LARGE",
    `Cannot read the frame: its payload may have ${limit} bytes, got ${payload}`,
    { limit: "messageBytes" },
  );
}

function badFrame(problem: string): CypherError {
  return new CypherError("BAD_MESSAGE", `Cannot read the frame: ${problem}`);
}
