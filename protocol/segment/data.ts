import { checksum } from "./checksum.ts";
import {
  HEADER_SIZE,
  payloadLimit,
  readHeader,
  type Version,
  writeHeader,
} from "./header.ts";

/** What both sides agreed on in the handshake. */
export interface Agreement {
  /** The version of the headers. */
  readonly version: Version;
  /** The size of a data block, in bytes. */
  readonly bufferSize: number;
}

/** What a data block turned out to hold. */
export type Data =
  /** No payload can be told from the rest: the header makes no sense. */
  | { readonly kind: "missing" }
  /** A payload that is not the one that was sent. */
  | { readonly kind: "damaged" }
  /** The payload. */
  | { readonly kind: "intact"; readonly payload: Uint8Array };

/**
 * The block in which a server answers: header, payload, zeros. The payload must
 * be within {@linkcode payloadLimit}.
 */
export function dataBlock(
  { version, bufferSize }: Agreement,
  payload: Uint8Array,
): Uint8Array {
  const block = new Uint8Array(bufferSize);
  writeHeader({
    version,
    ack: 0,
    syn: 0,
    seq: 0,
    bufferSize,
    checksum: checksum(payload),
    length: payload.length,
  }, block);
  block.set(payload, HEADER_SIZE[version]);
  return block;
}

/** Reads a data block; `block` is as large as was agreed. */
export function readData(agreed: Agreement, block: Uint8Array): Data {
  const header = readHeader(block);
  if (
    header?.version !== agreed.version || header.ack !== 0 ||
    header.syn !== 0 || header.seq !== 0 ||
    header.length > payloadLimit(agreed.version, agreed.bufferSize)
  ) return { kind: "missing" };
  const start = HEADER_SIZE[agreed.version];
  const payload = block.slice(start, start + header.length);
  return checksum(payload) === header.checksum
    ? { kind: "intact", payload }
    : { kind: "damaged" };
}
