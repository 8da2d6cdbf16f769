import { type Header, writeHeader } from "./header.ts";

/** The size of every handshake message and of every status, in bytes. */
export const BLOCK_SIZE = 256;

const ZERO = 0x30;
const ONE = 0x31;

/** A handshake message: a header, padded with zeros. */
export function headerBlock(header: Header): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  writeHeader(header, block);
  return block;
}

/** A status: `1` for "received right", `0` for "send it again". */
export function statusBlock(right: boolean): Uint8Array {
  const block = new Uint8Array(BLOCK_SIZE);
  block[0] = right ? ONE : ZERO;
  return block;
}

/**
 * Reads a status block; undefined if it is none. The padding is looked at here,
 * unlike in a header's block: it is what tells a status from a message's bytes
 * that came too late.
 */
export function readStatus(block: Uint8Array): boolean | undefined {
  const [digit] = block;
  if (digit !== ONE && digit !== ZERO) return undefined;
  for (let at = 1; at < block.length; at++) {
    if (block[at] !== 0) return undefined;
  }
  return digit === ONE;
}

/** Several blocks as one, for one write. */
export function joinBlocks(...blocks: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(
    blocks.reduce((sum, one) => sum + one.length, 0),
  );
  let at = 0;
  for (const block of blocks) {
    joined.set(block, at);
    at += block.length;
  }
  return joined;
}
