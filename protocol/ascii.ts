const encoder = new TextEncoder();

/**
 * The bytes of a text that is known to be ASCII, one for each character, and
 * `zeros` NUL bytes after them.
 */
export function asciiBytes(text: string, zeros = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length + zeros);
  encoder.encodeInto(text, bytes);
  return bytes;
}
