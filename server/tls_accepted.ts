import { createServer, type TLSSocket } from "node:tls";
import { ConnStream } from "./conn_stream.ts";
import type { AcceptedConn } from "./listener.ts";
import type { TlsKeys } from "./tls_keys.ts";

/** The most handed over at once: so often a slow peer's progress is seen. */
const SLICE = 65_536;
/** How much may have come unasked before the peer has to wait. */
const AHEAD = 65_536;

/** The alert handshake_failure, fatal (RFC 8446, 6), in the clear. */
const ALERT = new Uint8Array([21, 3, 3, 0, 2, 2, 40]);

/** What `node:tls` calls it when the peer is gone. */
const GONE = ["ECONNRESET", "EPIPE", "ECANCELED", "ERR_STREAM_DESTROYED"];

/** Where a connection stands. */
type State =
  | { readonly kind: "handshake" }
  | { readonly kind: "open"; readonly tls: TLSSocket }
  /** Nothing more will come; without an error the peer has said so. */
  | { readonly kind: "over"; readonly error?: Error };

/** A read that waits for something to come. */
interface Reader {
  readonly into: Uint8Array;
  resolve(count: number | null): void;
  reject(error: Error): void;
}

/** A connection that was accepted and speaks TLS, as a `Deno.Conn`. */
export class TlsAccepted implements AcceptedConn {
  readonly remoteAddr: Deno.Addr;
  #conn: Deno.TcpConn;
  #keys: TlsKeys;
  #stream: ConnStream;
  #state: State = { kind: "handshake" };
  #shaken = Promise.withResolvers<void>();
  #reader: Reader | undefined;
  #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  #closed = false;

  /** Takes over a connection that was just accepted. */
  constructor(conn: Deno.TcpConn, keys: TlsKeys) {
    this.remoteAddr = conn.remoteAddr;
    this.#conn = conn;
    this.#keys = keys;
    this.#stream = new ConnStream(conn);
    this.#stream.on("error", (error) => this.#fail(error));
    // Nobody may care: then its outcome is that of the connection.
    this.#shaken.promise.catch(() => {});
  }

  /**
   * Resolves once the peer has finished the handshake; rejects if it fails.
   * Until then `held` is told how many bytes have come, and wait to be read.
   */
  async handshake(held: (bytes: number) => void = () => {}): Promise<void> {
    this.#stream.onReceived = held;
    // For who says nothing, nothing is made: it takes 60 KiB.
    await this.#stream.begun();
    if (!this.#closed) this.#accept();
    await this.#shaken.promise;
    this.#stream.onReceived = () => {};
  }

  setNoDelay(noDelay: boolean): void {
    this.#conn.setNoDelay(noDelay);
  }

  read(into: Uint8Array): Promise<number | null> {
    return new Promise((resolve, reject) => {
      this.#reader = { into, resolve, reject };
      this.#settle();
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    const slice = bytes.subarray(0, SLICE);
    return this.#call((tls, done) => tls.write(slice, done), slice.length);
  }

  closeWrite(): Promise<void> {
    return this.#call((tls, done) => tls.end(done), undefined);
  }

  close(): void {
    this.#stream.destroy();
    if (!this.#closed) this.#conn.close();
    this.#closed = true;
    this.#fail(new Deno.errors.BadResource("The connection is closed"));
  }

  /** What `node:tls` calls back about, as a promise of `value`. */
  #call<T>(
    begin: (tls: TLSSocket, done: (error?: Error | null) => void) => void,
    value: T,
  ): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (this.#state.kind !== "open") reject(gone());
    else {
      begin(
        this.#state.tls,
        (error) => error ? reject(asDeno(error)) : resolve(value),
      );
    }
    return promise;
  }

  #accept(): void {
    const { cert, key, clientCa } = this.#keys;
    // One for each connection, as events that tell of a handshake that failed
    // do not tell on which connection.
    const acceptor = createServer({
      cert,
      key,
      ...(clientCa !== undefined && {
        ca: [clientCa].flat(),
        requestCert: true,
        rejectUnauthorized: true,
      }),
    });
    acceptor.on("secureConnection", (tls) => {
      if (clientCa === undefined || tls.authorized) return this.#open(tls);
      this.#fail(uncertified("no certificate that was checked"));
    });
    acceptor.on("tlsClientError", (error, { authorizationError }) => {
      if (authorizationError) this.#fail(uncertified(`${authorizationError}`));
      else this.#refuse(error);
    });
    acceptor.emit("connection", this.#stream);
  }

  #open(tls: TLSSocket): void {
    if (this.#state.kind !== "handshake") return;
    this.#state = { kind: "open", tls };
    tls.on("data", (chunk) => this.#receive(chunk as Uint8Array));
    tls.on("end", () => this.#over({ kind: "over" }));
    tls.on("error", (error) => this.#fail(error));
    tls.on("close", () => this.#fail(gone()));
    this.#shaken.resolve();
  }

  /** Tells who does not speak TLS that this does; `node:tls` says nothing. */
  async #refuse(error: Error): Promise<void> {
    // After the server's first message it would have to be encrypted.
    if (!this.#stream.written && !this.#closed) {
      await this.#conn.write(ALERT).catch(() => {});
    }
    this.#fail(error);
  }

  #receive(chunk: Uint8Array): void {
    this.#unread.push(chunk);
    this.#unreadBytes += chunk.length;
    this.#settle();
    if (this.#unreadBytes > AHEAD) this.#stream.hold();
  }

  /** The first failure counts. */
  #fail(error: Error): void {
    this.#over({ kind: "over", error: asDeno(error) });
  }

  #over(state: State & { kind: "over" }): void {
    if (this.#state.kind === "over") return;
    this.#state = state;
    if (state.error) this.#shaken.reject(state.error);
    this.#settle();
  }

  /** Gives the read that waits what there is. */
  #settle(): void {
    const reader = this.#reader;
    if (!reader) return;
    if (this.#unread.length > 0) reader.resolve(this.#next(reader.into));
    else if (this.#state.kind !== "over") return;
    else if (this.#state.error) reader.reject(this.#state.error);
    else reader.resolve(null);
    this.#reader = undefined;
  }

  #next(into: Uint8Array): number {
    const chunk = this.#unread[0]!;
    const count = Math.min(chunk.length, into.length);
    if (count < chunk.length) {
      into.set(chunk.subarray(0, count));
      this.#unread[0] = chunk.subarray(count);
    } else {
      into.set(chunk);
      this.#unread.shift();
    }
    this.#unreadBytes -= count;
    if (this.#unreadBytes <= AHEAD) this.#stream.release();
    return count;
  }
}

function uncertified(reason: string): Error {
  return new Error(`The client's certificate is not accepted: ${reason}`);
}

function gone(): Error {
  return new Deno.errors.ConnectionReset("The peer is gone");
}

/** What `node:tls` says of a peer that is gone, as Deno would. */
function asDeno(error: Error & { code?: string }): Error {
  return error.code !== undefined && GONE.includes(error.code) ? gone() : error;
}
