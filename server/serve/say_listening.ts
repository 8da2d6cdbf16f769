import { addressOf } from "../../protocol/address.ts";
import type { Log } from "../log/log.ts";

/** Says where a server listens. */
export function sayListening(
  log: Log,
  name: string,
  address: Deno.NetAddr,
): void {
  const { hostname, port } = address;
  log.say("listening", `${name} listens on ${addressOf(address)}`, {
    server: name,
    hostname,
    port,
  });
}
