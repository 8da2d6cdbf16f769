import {
  CypherClient,
  type CypherClientOptions,
  CypherServer,
} from "../../mod.ts";
import { type Caller, filler, KEYS, type PeerKind } from "../support.ts";

/** Cypher on the session wire; a directory with a certificate makes it TLS. */
export const peer: PeerKind = {
  version: () => `Deno ${Deno.version.deno}`,
  async serve(certificate) {
    const server = new CypherServer({
      port: 0,
      encryptionKey: KEYS.serverToClient,
      decryptionKey: KEYS.clientToServer,
      ...(certificate !== undefined && {
        tls: {
          cert: await Deno.readTextFile(`${certificate}/cert.pem`),
          key: await Deno.readTextFile(`${certificate}/key.pem`),
        },
      }),
      handler: ({ path, data }) => ({
        data: path === "/BIG" ? filler(data as number) : data,
      }),
    });
    await server.start();
    return server.address.port;
  },
  async connect(port, certificate) {
    return callerOf({
      port,
      wire: "session",
      ...(certificate !== undefined && {
        tls: {
          caCerts: [await Deno.readTextFile(`${certificate}/cert.pem`)],
          serverName: "localhost",
        },
      }),
    });
  },
};

/** A client with the paths that the Python peer of the tests has as well. */
export function callerOf(
  options: Pick<CypherClientOptions, "port" | "wire" | "tls">,
): Caller {
  const client = new CypherClient({
    encryptionKey: KEYS.clientToServer,
    decryptionKey: KEYS.serverToClient,
    ...options,
  });
  return {
    echo: (data) => client.request({ path: "/ECHO", operation: "READ", data }),
    want: (data) => client.request({ path: "/BIG", operation: "READ", data }),
    close: () => client.close(),
  };
}
