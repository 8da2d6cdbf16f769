/**
 * The server of `bench/dashboard.ts`, a process of its own. Prints its port;
 * then does what each line it reads says, and prints what came of it: `on`
 * starts the sidecar, `off` ends it, `memory` collects garbage.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { type DashboardServer, serveDashboard } from "../dashboard/mod.ts";
import { CypherServer } from "../mod.ts";
import { KEYS } from "./support.ts";

const server = new CypherServer({
  port: 0,
  encryptionKey: KEYS.serverToClient,
  decryptionKey: KEYS.clientToServer,
  handler: ({ data }) => ({ data }),
});
await server.start();
let sidecar: DashboardServer | undefined;
console.log(server.address.port);

const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
for await (const line of lines) {
  switch (line.trim()) {
    case "on":
      sidecar = serveDashboard(server.monitor, { port: 0 });
      console.log(sidecar.address.port);
      break;
    case "off":
      await sidecar?.close();
      console.log(0);
      break;
    default: {
      (globalThis as { gc?: () => void }).gc?.();
      const { heapUsed, external } = Deno.memoryUsage();
      console.log(heapUsed + external);
    }
  }
}
