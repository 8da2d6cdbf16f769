/** The header formats: 1 is the C program's, 2 has room for larger buffers. */
export type Version = 1 | 2;

/** The header of a segment. Its source is the segment specification, "Header". */
export interface Header {
  /** Which of the two formats it is written in. */
  readonly version: Version;
  /** The number acknowledged, 16 bits. */
  readonly ack: number;
  /** 1 in the first two messages of a handshake, else 0. */
  readonly syn: number;
  /** The sequence number, 16 bits. */
  readonly seq: number;
  /** The size of a data block in bytes: 16 bits in version 1, 32 in version 2. */
  readonly bufferSize: number;
  /** The payload's checksum, 16 bits. */
  readonly checksum: number;
  /** The payload's length in bytes, 16 bits. */
  readonly length: number;
}

/** How many bytes a header takes. */
export const HEADER_SIZE: Readonly<Record<Version, number>> = { 1: 13, 2: 16 };

/** The largest buffer size that a header can carry, in bytes. */
export const LARGEST_BUFFER: Readonly<Record<Version, number>> = {
  1: 0xffff,
  2: 0xffff_ffff,
};

/** The largest payload whose length a header can carry, in bytes. */
const LARGEST_LENGTH = 0xffff;

/** How many bytes of payload a data block of `bufferSize` bytes has room for. */
export function payloadLimit(version: Version, bufferSize: number): number {
  return Math.min(bufferSize - HEADER_SIZE[version], LARGEST_LENGTH);
}

/** The number after `sequence`: arithmetic is modulo 65,536. */
export function successor(sequence: number): number {
  return (sequence + 1) & 0xffff;
}

/** Writes a header at the beginning of `into`, which must have room for it. */
export function writeHeader(header: Header, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
  view.setUint8(0, header.version);
  if (header.version === 2) view.setUint8(1, 0);
  const at = header.version;
  view.setUint16(at, header.ack, true);
  view.setUint16(at + 2, header.syn, true);
  view.setUint16(at + 4, header.seq, true);
  if (header.version === 1) view.setUint16(7, header.bufferSize, true);
  else view.setUint32(8, header.bufferSize, true);
  const end = HEADER_SIZE[header.version];
  view.setUint16(end - 4, header.checksum, true);
  view.setUint16(end - 2, header.length, true);
}

/**
 * Reads the header at the beginning of `bytes`; undefined if there is none:
 * too few bytes, a version that does not exist, a reserved byte that is not 0.
 */
export function readHeader(bytes: Uint8Array): Header | undefined {
  const version = bytes[0];
  if (version !== 1 && version !== 2) return undefined;
  const end = HEADER_SIZE[version];
  if (bytes.length < end || (version === 2 && bytes[1] !== 0)) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    version,
    ack: view.getUint16(version, true),
    syn: view.getUint16(version + 2, true),
    seq: view.getUint16(version + 4, true),
    bufferSize: version === 1
      ? view.getUint16(7, true)
      : view.getUint32(8, true),
    checksum: view.getUint16(end - 4, true),
    length: view.getUint16(end - 2, true),
  };
}
