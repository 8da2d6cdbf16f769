import { nextTick } from "node:process";
import { CypherError } from "./errors.ts";
import { brokenStream, LengthSplitter } from "./length_splitter.ts";
import {
  type CipherState,
  NOISE_MESSAGE,
  NOISE_TAG,
  type NoiseChannel,
} from "./noise.ts";

/** The most plaintext that fits into one record, in bytes. */
export const RECORD_PLAIN: number = NOISE_MESSAGE - NOISE_TAG;

/** A record starts with its length, 2 bytes, big-endian. */
const PREFIX = 2;
const RECORDS_PER_KEY = 65_536;
const EMPTY = new Uint8Array(0);
/** The most that is kept to make records in, in bytes. */
const KEPT = 8_192;

/** Turns plaintext into records: the sending half of a session. */
export class RecordSealer {
  #cipher: CipherState;
  /** What small records are made in, again and again. */
  #buffer = EMPTY;

  /** `cipher` belongs to this sealer from here on. */
  constructor(cipher: CipherState) {
    this.#cipher = cipher;
  }

  /**
   * Seals plaintext of any size into as many records as it takes, in one piece
   * for one write; none if there is no plaintext. `plain` is not kept. The
   * result is a view that the next `seal` may write over: write it first.
   *
   * @throws {CypherError} `CLOSED` once the cipher's nonces are used up.
   */
  seal(plain: Uint8Array): Uint8Array<ArrayBuffer> {
    const count = Math.ceil(plain.length / RECORD_PLAIN);
    const records = this.#room(plain.length + count * (PREFIX + NOISE_TAG));
    let at = 0;
    for (let start = 0; start < plain.length; start += RECORD_PLAIN) {
      const part = count === 1
        ? plain
        : plain.subarray(start, start + RECORD_PLAIN);
      const length = part.length + NOISE_TAG;
      records[at] = length >> 8;
      records[at + 1] = length;
      this.#cipher.encryptInto(records, at + PREFIX, part);
      rekeyIfDue(this.#cipher);
      at += PREFIX + length;
    }
    return records;
  }

  /** Frees the memory that is kept for the next records. */
  rest(): void {
    this.#buffer = EMPTY;
  }

  #room(size: number): Uint8Array<ArrayBuffer> {
    if (size > KEPT) return new Uint8Array(size);
    if (size > this.#buffer.length) {
      this.#buffer = new Uint8Array(Math.min(KEPT, 2 * size));
    }
    return this.#buffer.subarray(0, size);
  }
}

/**
 * Turns a byte stream back into the plaintexts of its records: the receiving
 * half. Whatever the chunking, at most one record is kept.
 */
export class RecordOpener implements IterableIterator<Uint8Array<ArrayBuffer>> {
  #cipher: CipherState;
  #splitter = new LengthSplitter(PREFIX, checkRecordLength);
  #broken = false;

  /** `cipher` belongs to this opener from here on. */
  constructor(cipher: CipherState) {
    this.#cipher = cipher;
  }

  /** How many bytes of memory an unfinished record takes. */
  get held(): number {
    return this.#splitter.held;
  }

  /**
   * Takes the next chunk, and iterates over the plaintexts of the records that
   * it completes; these are the caller's to keep. Nothing of `chunk` is.
   *
   * Go through all of it: an error, or a loop that is left early, is the end
   * of the stream, as what follows would not be what was sent.
   *
   * @throws {CypherError} From the loop: `BAD_TOKEN` if a record is not authentic
   * or in its place; what was before it has been given.
   */
  push(chunk: Uint8Array): this {
    if (this.#broken) throw brokenStream();
    this.#broken = true;
    this.#splitter.push(chunk);
    return this;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<Uint8Array<ArrayBuffer>, undefined> {
    const record = this.#splitter.next();
    if (record.done) {
      this.#broken = false;
      return record;
    }
    const plain = this.#cipher.decrypt(record.value);
    rekeyIfDue(this.#cipher);
    return { done: false, value: plain };
  }
}

/** The records of one end of a session, both ways. */
export class RecordChannel {
  /** What this end sends. */
  readonly sealer: RecordSealer;
  /** What it receives. */
  readonly opener: RecordOpener;
  #channel: NoiseChannel;
  #awake = false;

  /** `channel` belongs to it from here on; it is at rest. */
  constructor(channel: NoiseChannel) {
    this.sealer = new RecordSealer(channel.send);
    this.opener = new RecordOpener(channel.receive);
    this.#channel = channel;
  }

  /** There is work: more may follow soon. */
  wake(): void {
    this.#awake = true;
  }

  /**
   * Something was written, so the peer will be at work: does ahead what the
   * next records need, unless it is at rest. Takes some 6 us off a round trip.
   */
  prepare(): void {
    // Over TLS what was written only leaves once this turn is over.
    if (this.#awake) nextTick(() => this.#prepare());
  }

  #prepare(): void {
    if (!this.#awake) return;
    this.#channel.send.prepareToEncrypt();
    this.#channel.receive.prepareToDecrypt();
  }

  /** Frees what was done ahead, some 6 KiB: thousands may be idle. */
  rest(): void {
    this.#awake = false;
    this.sealer.rest();
    this.#channel.send.discard();
    this.#channel.receive.discard();
  }
}

/** After every 65,536 records of its direction a cipher gets its next key. */
function rekeyIfDue(cipher: CipherState): void {
  if (cipher.nonce % RECORDS_PER_KEY === 0) cipher.rekey();
}

function checkRecordLength(length: number): void {
  if (length >= NOISE_TAG) return;
  throw new CypherError(
    "BAD_TOKEN",
    `Cannot open the record: it must have ${NOISE_TAG} bytes at least, ` +
      `got ${length}`,
  );
}
