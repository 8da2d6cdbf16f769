/** Compares two byte arrays in a time that depends on their lengths alone. */
export function timingSafeEqual(
  a: ArrayBufferView | ArrayBufferLike | DataView,
  b: ArrayBufferView | ArrayBufferLike | DataView,
): boolean {
  if (a.byteLength !== b.byteLength) return false;
  const viewA = toDataView(a);
  const viewB = toDataView(b);
  let difference = 0;
  for (let i = 0; i < a.byteLength; i++) {
    difference |= viewA.getUint8(i) ^ viewB.getUint8(i);
  }
  return difference === 0;
}

function toDataView(value: ArrayBufferView | ArrayBufferLike): DataView {
  return ArrayBuffer.isView(value)
    ? new DataView(value.buffer, value.byteOffset, value.byteLength)
    : new DataView(value);
}
