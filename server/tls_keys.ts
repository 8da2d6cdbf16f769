import {
  checkAuthorities,
  checkCertificate,
} from "../protocol/certificates.ts";
import { checkNames, requireObject } from "../protocol/options.ts";

/** A server's certificate and its private key, as PEM. */
export interface TlsKeys {
  /** The certificate, with those that lead to the authority's behind it. */
  readonly cert: string;
  /** The certificate's private key. */
  readonly key: string;
  /**
   * The authorities whose clients are let in, as PEM: only clients that show a
   * certificate of one of them can connect. Default: every client can.
   */
  readonly clientCa?: string | readonly string[];
}

/**
 * Returns the option `tls`.
 *
 * @throws {CypherError} `BAD_OPTION` if something in it is not PEM.
 */
export function checkTlsKeys(
  tls: TlsKeys | undefined,
): TlsKeys | undefined {
  if (tls === undefined) return undefined;
  requireObject("tls", tls);
  checkNames("tls", tls, ["cert", "key", "clientCa"]);
  const { cert, key, clientCa } = tls;
  checkCertificate("tls", cert, key);
  if (clientCa !== undefined) checkAuthorities("tls.clientCa", clientCa);
  return tls;
}
