import { crc32, deflateSync, inflateSync } from "node:zlib";
import { concat } from "../../tests/support/cypher.ts";

/**
 * The same picture, compressed as well as it goes: browsers hurry, and filter
 * lines in a way that suits photographs.
 */
export function packed(png: Uint8Array): Uint8Array {
  const view = new DataView(png.buffer, png.byteOffset, png.length);
  const data: Uint8Array[] = [];
  let header = 8;
  for (let at = 8; at < png.length;) {
    const size = view.getUint32(at);
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8));
    if (type === "IHDR") header = at + 12 + size;
    if (type === "IDAT") data.push(png.subarray(at + 8, at + 8 + size));
    at += 12 + size;
  }
  const [width, height, channels] = [
    view.getUint32(16),
    view.getUint32(20),
    png[25] === 6 ? 4 : 3,
  ];
  const lines = unfiltered(
    new Uint8Array(inflateSync(concat(data))),
    width * channels,
    height,
    channels,
  );
  return concat([
    png.subarray(0, header),
    chunk("IDAT", deflateSync(lines, { level: 9, memLevel: 9 })),
    chunk("IEND", new Uint8Array(0)),
  ]);
}

/** Undoes the filters of PNG's lines, in place (PNG specification, 9.2). */
function unfiltered(
  lines: Uint8Array<ArrayBuffer>,
  width: number,
  height: number,
  step: number,
): Uint8Array<ArrayBuffer> {
  const zero = new Uint8Array(width);
  let above = zero;
  for (let y = 0; y < height; y++) {
    const start = y * (width + 1);
    const filter = lines[start]!;
    lines[start] = 0;
    const line = lines.subarray(start + 1, start + 1 + width);
    for (let x = 0; x < width; x++) {
      const a = x < step ? 0 : line[x - step]!;
      const b = above[x]!;
      const c = x < step ? 0 : above[x - step]!;
      line[x]! += [0, a, b, (a + b) >> 1, paeth(a, b, c)][filter]!;
    }
    above = line;
  }
  return lines;
}

function paeth(a: number, b: number, c: number): number {
  const [toA, toB, toC] = [
    Math.abs(b - c),
    Math.abs(a - c),
    Math.abs(a + b - 2 * c),
  ];
  return toA <= toB && toA <= toC ? a : toB <= toC ? b : c;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = concat([new TextEncoder().encode(type), data]);
  const whole = new Uint8Array(body.length + 8);
  const view = new DataView(whole.buffer);
  view.setUint32(0, data.length);
  whole.set(body, 4);
  view.setUint32(4 + body.length, crc32(body));
  return whole;
}
