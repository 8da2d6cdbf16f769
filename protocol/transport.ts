/**
 * The one interface through which a socket is seen. `Deno.TcpConn` and
 * `Deno.TlsConn` implement it through {@linkcode ConnTransport}, tests through
 * a pair in memory.
 */
export interface Transport {
  /** Reads into `into`; resolves to how many bytes, or null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /**
   * Writes all of `bytes`; calls `progress` whenever the peer has taken some
   * and there is more.
   */
  write(bytes: Uint8Array, progress?: () => void): Promise<void>;
  /** Tells the peer that nothing more will be written. */
  closeWrite(): Promise<void>;
  /** Closes at once; reads and writes in progress reject. */
  close(): void;
}

/** What of a `Deno.Conn` is used. */
export interface Conn {
  /** Reads into `into`; resolves to how many bytes, or null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** Writes some of `bytes`; resolves to how many. */
  write(bytes: Uint8Array): Promise<number>;
  /** Tells the peer that nothing more will be written. */
  closeWrite(): Promise<void>;
  /** Closes the connection. */
  close(): void;
}

/** A {@linkcode Transport} on a `Deno.Conn`. */
export class ConnTransport implements Transport {
  #conn: Conn;
  #slice: number;
  #closed = false;

  /** `slice` is the most that is written at once, in bytes. */
  constructor(conn: Conn, slice: number) {
    this.#conn = conn;
    this.#slice = slice;
  }

  /** Reads into `into`; resolves to how many bytes, or null at the end. */
  read(into: Uint8Array): Promise<number | null> {
    return this.#conn.read(into);
  }

  /** Writes all of `bytes`, in slices; a write may take less than it is given. */
  async write(bytes: Uint8Array, progress?: () => void): Promise<void> {
    let written = 0;
    do {
      const end = Math.min(bytes.length, written + this.#slice);
      written += await this.#conn.write(bytes.subarray(written, end));
      if (written < bytes.length) progress?.();
    } while (written < bytes.length);
  }

  /** Tells the peer that nothing more will be written. */
  closeWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  /** Closes the connection; does nothing when it is closed already. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }
}

/** How a connection was lost, told from the error of a read or a write. */
export function lossOf(error: unknown): "peer-reset" | "peer-lost" {
  const name = error instanceof Error ? error.name : "";
  return name === "ConnectionReset" || name === "BrokenPipe" ||
      name === "ConnectionAborted" || name === "NotConnected"
    ? "peer-reset"
    : "peer-lost";
}
