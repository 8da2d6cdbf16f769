/**
 * The Internet checksum of `bytes`: the complement of the one's complement sum
 * of its 16-bit words, here little-endian, an odd last byte added as it is.
 *
 * Source: RFC 1071, sections 1 and 4.1.
 */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  const even = bytes.length & ~1;
  for (let at = 0; at < even; at += 2) {
    sum += bytes[at]! | bytes[at + 1]! << 8;
  }
  if (even < bytes.length) sum += bytes[even]!;
  // Deferred carries (section 2). A double holds the sum of 2^37 words exactly.
  while (sum > 0xffff) sum = sum % 0x1_0000 + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}
