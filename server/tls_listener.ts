import { type Listen, listenAt, listenTcp } from "./listener.ts";
import { TlsAccepted } from "./tls_accepted.ts";
import type { TlsKeys } from "./tls_keys.ts";

/**
 * Listens for TLS: `node:tls` on what `Deno.listen` accepts. `Deno.listenTls`
 * can neither ask for clients' certificates nor switch Nagle's algorithm off,
 * which makes answers that take several writes wait 40 ms. `node:net` does not
 * accept again once file descriptors have run out (seen in 2.9.6).
 */
function listenTls(keys: TlsKeys, reusePort: boolean): Listen {
  return (address) => {
    const listener = listenAt(address, reusePort);
    return {
      addr: listener.addr,
      accept: async () => new TlsAccepted(await listener.accept(), keys),
      close: () => listener.close(),
    };
  };
}

/** Listens on TCP or, with a certificate, on TLS. */
export function listenOn(tls?: TlsKeys, reusePort = false): Listen {
  return tls ? listenTls(tls, reusePort) : listenTcp(reusePort);
}
