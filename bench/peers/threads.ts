import { CypherServer } from "../../mod.ts";
import { KEYS, type PeerKind } from "../support.ts";
import { callerOf } from "./cypher.ts";

/** Cypher with a handler that takes a millisecond, on so many threads. */
export const peer: PeerKind = {
  version: () => `Deno ${Deno.version.deno}`,
  async serve(threads) {
    const server = new CypherServer({
      port: 0,
      encryptionKey: KEYS.serverToClient,
      decryptionKey: KEYS.clientToServer,
      threads: Number(threads),
      handler: new URL("./burn.ts", import.meta.url),
    });
    await server.start();
    return server.address.port;
  },
  connect: (port) => callerOf({ port, wire: "session" }),
};
