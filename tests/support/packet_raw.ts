import { createHash } from "node:crypto";

/** A packet as a raw peer sees it. */
export interface RawPacket {
  type: number;
  sequence: number;
  payload: Uint8Array;
}

/** The bytes of a packet, any of whose fields may be wrong. */
export function raw(
  type: number,
  payload: Uint8Array | string | object = "",
  { sequence = 0, length, damaged = false }: {
    sequence?: number;
    length?: number;
    damaged?: boolean;
  } = {},
): Uint8Array<ArrayBuffer> {
  const body = payload instanceof Uint8Array
    ? payload
    : new TextEncoder().encode(
      typeof payload === "string" ? payload : JSON.stringify(payload),
    );
  const packet = new Uint8Array(11 + body.length);
  const view = new DataView(packet.buffer);
  view.setUint32(0, length ?? body.length);
  view.setUint8(4, type);
  view.setUint16(5, sequence);
  packet.set(createHash("md5").update(body).digest().subarray(0, 4), 7);
  if (damaged) packet[7]! ^= 0xff;
  packet.set(body, 11);
  return packet;
}

/** What a packet's payload says. */
export function textOf(packet: RawPacket | null): string {
  return packet === null ? "(end)" : new TextDecoder().decode(packet.payload);
}

/** One end of a connection on which a test writes and reads packets itself. */
export class RawPeer implements AsyncDisposable {
  #conn: Deno.TcpConn;
  #unread = new Uint8Array(0);

  constructor(conn: Deno.TcpConn) {
    conn.setNoDelay(true);
    this.#conn = conn;
  }

  /** Connects to a server. */
  static async connect(port: number): Promise<RawPeer> {
    return new RawPeer(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Writes bytes, one write for all. */
  async write(...parts: Uint8Array[]): Promise<void> {
    const bytes = await new Blob(parts.map((part) => part.slice())).bytes();
    for (let at = 0; at < bytes.length;) {
      at += await this.#conn.write(bytes.subarray(at));
    }
  }

  /** The next packet; null at the end of the stream. */
  async read(): Promise<RawPacket | null> {
    const header = await this.#take(11);
    if (!header) return null;
    const view = new DataView(header.buffer);
    const payload = await this.#take(view.getUint32(0));
    if (!payload) return null;
    return { type: view.getUint8(4), sequence: view.getUint16(5), payload };
  }

  /** The next packet that is no keep-alive, in short: `type sequence text`. */
  async next(): Promise<string> {
    const packet = await this.read();
    return packet === null
      ? "(end)"
      : `${packet.type} ${packet.sequence} ${textOf(packet)}`.trim();
  }

  /** Shakes hands as a client; gives the SYN-ACK. */
  async greet(syn: object = {}): Promise<Record<string, unknown>> {
    const offer = { operation_mode: "burst", max_size: 1_024, ...syn };
    await this.write(raw(1, offer));
    const answer = JSON.parse(textOf(await this.read()));
    await this.write(raw(3, { session_id: answer.session_id, message: "ok" }));
    return answer;
  }

  /** Closes at once. */
  close(): void {
    try {
      this.#conn.close();
    } catch {
      // It is closed.
    }
  }

  // deno-lint-ignore require-await
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #take(size: number): Promise<Uint8Array<ArrayBuffer> | null> {
    const chunk = new Uint8Array(65_536);
    while (this.#unread.length < size) {
      const count = await this.#conn.read(chunk).catch(() => null);
      if (count === null) return null;
      const joined = new Uint8Array(this.#unread.length + count);
      joined.set(this.#unread);
      joined.set(chunk.subarray(0, count), this.#unread.length);
      this.#unread = joined;
    }
    const taken = this.#unread.slice(0, size);
    this.#unread = this.#unread.slice(size);
    return taken;
  }
}

/** A server of one connection, which a test plays. */
export class RawListener implements AsyncDisposable {
  #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  #peers: RawPeer[] = [];

  /** Where it listens. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** The next connection, before its handshake. */
  async accept(): Promise<RawPeer> {
    const peer = new RawPeer(await this.#listener.accept());
    this.#peers.push(peer);
    return peer;
  }

  /** The next connection, after a handshake with these terms. */
  async greeted(terms: object = {}): Promise<RawPeer> {
    const peer = await this.accept();
    const syn = JSON.parse(textOf(await peer.read()));
    await peer.write(raw(2, {
      status: "ok",
      session_id: "raw-1",
      operation_mode: syn.operation_mode,
      max_size: syn.max_size,
      ...terms,
    }));
    await peer.read();
    return peer;
  }

  // deno-lint-ignore require-await
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const peer of this.#peers) peer.close();
  }
}
