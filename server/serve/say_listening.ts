import type { Log } from "../log/log.ts";

/** Says where a server listens. */
export function sayListening(
  log: Log,
  name: string,
  { hostname, port }: Deno.NetAddr,
): void {
  log.say("listening", `${name} listens on ${hostname}:${port}`, {
    server: name,
    hostname,
    port,
  });
}
