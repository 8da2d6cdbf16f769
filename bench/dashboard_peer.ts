/**
 * The servers of `bench/dashboard.ts`, each a process of its own: a Cypher
 * server, `bare` or with the `sidecar`. Prints its ports; for each line it
 * reads, collects garbage and prints what memory it holds.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { serveDashboard } from "../dashboard/mod.ts";
import { CypherServer } from "../mod.ts";
import { KEYS } from "./support.ts";

const server = new CypherServer({
  port: 0,
  encryptionKey: KEYS.serverToClient,
  decryptionKey: KEYS.clientToServer,
  handler: ({ data }) => ({ data }),
});
await server.start();
const sidecar = Deno.args[0] === "sidecar"
  ? serveDashboard(server.monitor, { port: 0 })
  : undefined;
console.log(
  JSON.stringify({
    port: server.address.port,
    httpPort: sidecar?.address.port ?? 0,
  }),
);
for await (const _ of Deno.stdin.readable) {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = Deno.memoryUsage();
  console.log(JSON.stringify({ heap: heapUsed + external }));
}
