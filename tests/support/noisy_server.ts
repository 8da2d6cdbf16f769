/** A server in a process of its own, that prints its port and its limits. */
// deno-lint-ignore-file no-console

import { startServer } from "./cypher.ts";

// Deno 2.9.6 sets its signals up in its first second, and panics if there is no
// descriptor left for that. A program that listens for one is past it.
Deno.addSignalListener("SIGTERM", () => Deno.exit(0));
const server = await startServer(({ data }) => ({ data }), {
  wires: ["session", "classic"],
});
server.monitor.listen((signal) => {
  if (signal.kind === "limit") console.log(`limit ${signal.limit}`);
});
console.log(`port ${server.address.port}.`);
