/**
 * A server with its dashboard in a process of its own, to be killed:
 * `deno run --allow-net tests/support/dashboard_program.ts PORT HTTP_PORT`.
 */
// deno-lint-ignore-file no-console
import { serveDashboard } from "../../dashboard/mod.ts";
import { startServer } from "./cypher.ts";

const [port, httpPort] = Deno.args.map(Number);
const server = await startServer(({ data }) => ({ data }), {
  port: port!,
  wires: ["session", "classic"],
});
serveDashboard(server.monitor, {
  name: "press hall",
  port: httpPort!,
  heartbeat: 500,
});
console.log("ready");
