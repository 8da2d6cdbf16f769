import type { Listen } from "./listener.ts";
import { TlsAccepted, type TlsKeys } from "./tls_accepted.ts";

/**
 * Listens for TLS: `node:tls` on what `Deno.listen` accepts. `Deno.listenTls`
 * can neither ask for clients' certificates nor switch Nagle's algorithm off,
 * which makes answers that take several writes wait 40 ms. `node:net` does not
 * accept again once file descriptors have run out (seen in 2.9.6).
 */
export function listenTls(keys: TlsKeys): Listen {
  return (address) => {
    const listener = Deno.listen(address);
    return {
      addr: listener.addr,
      accept: async () => new TlsAccepted(await listener.accept(), keys),
      close: () => listener.close(),
    };
  };
}
