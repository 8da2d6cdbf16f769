import { CypherError } from "../protocol/errors.ts";
import type { Conn } from "../protocol/transport.ts";
import { type Dial, dialTcp } from "./dial.ts";

/** How a client checks a server's certificate, and shows its own. */
export interface ClientTls {
  /** Authorities to trust besides the usual ones, as PEM. */
  readonly caCerts?: readonly string[];
  /**
   * The name that the server's certificate must be for, default the hostname.
   * Not together with `cert`.
   */
  readonly serverName?: string;
  /**
   * This client's own certificate as PEM, for servers that ask for one, with
   * those that lead to the authority's behind it. Default: none.
   */
  readonly cert?: string;
  /** Its private key as PEM. */
  readonly key?: string;
}

/**
 * Dials TLS. There is no falling back to a connection without it. Not on
 * `node:tls`, whose client takes forged certificates of X.509's first version
 * for good ones (seen in 2.9.6).
 */
export function dialTls(
  { caCerts = [], serverName, cert, key }: ClientTls,
): Dial {
  const own = cert !== undefined && key !== undefined && { cert, key };
  return async (target, signal) => {
    const trusted = { caCerts: [...caCerts] };
    const tls = own
      ? await connect({ ...target, ...trusted, ...own }, signal)
      : await startTls(await dialTcp(target, signal) as Deno.TcpConn, {
        hostname: serverName ?? target.hostname,
        ...trusted,
      });
    const abort = () => tls.close();
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    try {
      // Left to the first read, a certificate that is not right would look like
      // a connection that was up and got lost.
      await tls.handshake();
      // It may have been aborted, and closed, after the handshake was through.
      signal.throwIfAborted();
      return new JudgedConn(tls);
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      tls.close();
      throw failed("Cannot agree on TLS with the server", cause);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };
}

/**
 * `Deno.startTls`, which leaves the connection open when the name is none that
 * a certificate can be for (seen in 2.9.6).
 */
async function startTls(
  conn: Deno.TcpConn,
  options: Deno.StartTlsOptions,
): Promise<Deno.TlsConn> {
  try {
    return await Deno.startTls(conn, options);
  } catch (cause) {
    try {
      conn.close();
    } catch {
      // It was taken over before that failed.
    }
    throw failed("Cannot begin TLS", cause);
  }
}

/**
 * `Deno.connectTls`, the one way to show a certificate, which takes no signal:
 * what comes up after it was aborted is closed.
 */
async function connect(
  options: Deno.ConnectTlsOptions & Deno.TlsCertifiedKeyPem,
  signal: AbortSignal,
): Promise<Deno.TlsConn> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort);
  const connecting = Deno.connectTls(options);
  try {
    return await Promise.race([connecting, aborted.promise]);
  } catch (error) {
    connecting.then((late) => late.close(), () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/**
 * A connection whose first read tells what the server thinks of the client's
 * certificate: in TLS 1.3 the client is done before that (RFC 8446, 2).
 */
class JudgedConn implements Conn {
  #tls: Deno.TlsConn;
  #accepted = false;

  constructor(tls: Deno.TlsConn) {
    this.#tls = tls;
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#accepted ? this.#tls.read(into) : this.#first(into);
  }

  async write(bytes: Uint8Array): Promise<number> {
    try {
      return await this.#tls.write(bytes);
    } catch (error) {
      if (this.#accepted) throw error;
      // The read knows why.
      return bytes.length;
    }
  }

  closeWrite(): Promise<void> {
    return this.#tls.closeWrite();
  }

  close(): void {
    this.#tls.close();
  }

  async #first(into: Uint8Array): Promise<number | null> {
    try {
      const count = await this.#tls.read(into);
      this.#accepted = true;
      return count;
    } catch (cause) {
      const hungUp = cause instanceof Deno.errors.UnexpectedEof ||
        cause instanceof Deno.errors.ConnectionReset;
      if (!hungUp && !reasonOf(cause).includes("alert")) throw cause;
      throw failed("The server did not accept the client", cause);
    }
  }
}

/** What to do about a certificate that is for other names. */
export const NAME_REMEDY =
  "give a name of the certificate's as tls.serverName, or as hostname";

/** What rustls says, and what to do about it. */
const REMEDIES: readonly [RegExp, string][] = [
  [
    /CertificateRequired/,
    "it asks for a client's certificate: give tls.cert and tls.key",
  ],
  [
    /close_notify|reset/i,
    "it hung up right after the handshake; does it ask for a client's " +
    "certificate, tls.cert, of an authority that it trusts?",
  ],
  [
    /UnknownIssuer|CaUsedAsEndEntity/,
    "give the certificate of the server's authority in tls.caCerts",
  ],
  [
    /expired/i,
    "the server needs a new certificate, unless the clock is wrong here",
  ],
  [
    /not valid for name|Invalid hostname/i,
    NAME_REMEDY,
  ],
  [
    /InvalidContentType|corrupt message/,
    "it does not seem to speak TLS; is it the right port?",
  ],
  [
    // As a Cypher server does that has no TLS, or does not want this peer.
    /end of file/,
    "it hung up at once. Does it speak TLS on this port? Is it full, its " +
    "limits.connections? After wrong keys it refuses this address for a " +
    "while, its limits.banTime",
  ],
];

function failed(what: string, cause: unknown): CypherError {
  const reason = reasonOf(cause);
  const remedy = REMEDIES.find(([pattern]) => pattern.test(reason))?.[1];
  return new CypherError(
    "CONNECT_FAILED",
    `${what}: ${reason}${remedy ? ` (${remedy})` : ""}`,
    { cause },
  );
}

/** Without the address of a manual that some reasons end in. */
function reasonOf(cause: unknown): string {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return reason.replace(/: https:\S+/, "");
}
