import type { PeerKind } from "../support.ts";
import { callerOf, peer as session } from "./cypher.ts";

/** The same server, asked on the classic wire. */
export const peer: PeerKind = {
  ...session,
  connect: (port) => callerOf({ port, wire: "classic" }),
};
