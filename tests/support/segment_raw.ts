/**
 * A segment peer as bytes on a socket, for tests that say wrong things on
 * purpose. It shares nothing with the library but the sizes.
 */

/** A block with these bytes at its beginning. */
export function block(...bytes: number[]): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(256);
  padded.set(bytes);
  return padded;
}

/** The status blocks. */
export const YES: Uint8Array<ArrayBuffer> = block(0x31);
export const NO: Uint8Array<ArrayBuffer> = block(0x30);

/** What a header says; what is left out is 0. */
export interface Fields {
  version?: number;
  ack?: number;
  syn?: number;
  seq?: number;
  bufferSize?: number;
  checksum?: number;
  length?: number;
}

/** The bytes of a header. */
export function header(fields: Fields): number[] {
  const { version = 1, ack = 0, syn = 0, seq = 0 } = fields;
  const { bufferSize = 0, checksum = 0, length = 0 } = fields;
  const two = (value: number) => [value & 0xff, value >> 8 & 0xff];
  return [
    ...(version === 2 ? [2, 0] : [version]),
    ...[ack, syn, seq].flatMap(two),
    ...(version === 2
      ? [...two(bufferSize), ...two(bufferSize >>> 16)]
      : two(bufferSize)),
    ...two(checksum),
    ...two(length),
  ];
}

/** The SYN of a client that behaves. */
export function syn(fields: Fields = {}): Uint8Array<ArrayBuffer> {
  return block(...header({ syn: 1, seq: 1001, bufferSize: 512, ...fields }));
}

/** A socket that reads exactly what is asked for. */
export class RawPeer implements AsyncDisposable {
  #conn: Deno.TcpConn;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    conn.setNoDelay(true);
  }

  static async connect(port: number): Promise<RawPeer> {
    return new RawPeer(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async write(...parts: readonly Uint8Array<ArrayBuffer>[]): Promise<void> {
    for (const part of parts) {
      for (let at = 0; at < part.length;) {
        at += await this.#conn.write(part.subarray(at));
      }
    }
  }

  /** Reads exactly `size` bytes; fails if the stream ends before that. */
  async read(size: number): Promise<Uint8Array> {
    const into = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const count = await this.#conn.read(into.subarray(at));
      if (count === null) throw new Error(`It ended after ${at} of ${size}`);
      at += count;
    }
    return into;
  }

  /** Reads a status block. */
  async status(): Promise<boolean> {
    const [digit, ...padding] = await this.read(256);
    if (padding.some((byte) => byte !== 0)) throw new Error("Not padded");
    if (digit !== 0x30 && digit !== 0x31) throw new Error("No status");
    return digit === 0x31;
  }

  /** Resolves once the other side has closed; what comes before is dropped. */
  async ended(): Promise<void> {
    const into = new Uint8Array(65_536);
    try {
      while (await this.#conn.read(into) !== null);
    } catch {
      // A reset is an end as well.
    }
  }

  /** Makes the handshake as a version 1 client; gives the server's SYN-ACK. */
  async shake(fields: Fields = {}): Promise<Uint8Array> {
    await this.write(syn(fields));
    await this.status();
    const synAck = await this.read(256);
    const at = fields.version === 2 ? 2 : 1;
    const view = new DataView(synAck.buffer);
    await this.write(
      YES,
      block(...header({
        ...fields,
        seq: view.getUint16(at, true),
        ack: view.getUint16(at + 4, true) + 1,
        bufferSize: at === 2
          ? view.getUint32(8, true)
          : view.getUint16(7, true),
      })),
    );
    if (!await this.status()) throw new Error("The ACK was refused");
    return synAck;
  }

  close(): void {
    try {
      this.#conn.close();
    } catch {
      // Closed before.
    }
  }

  // deno-lint-ignore require-await
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
