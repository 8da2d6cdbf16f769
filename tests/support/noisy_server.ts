/** A server in a process of its own, that prints its port and its limits. */
// deno-lint-ignore-file no-console

import { startServer } from "./cypher.ts";

const server = await startServer(({ data }) => ({ data }), {
  wires: ["session", "classic"],
});
server.monitor.listen((signal) => {
  if (signal.kind === "limit") console.log(`limit ${signal.limit}`);
});
console.log(`port ${server.address.port}.`);
