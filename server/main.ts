/**
 * `deno task serve`: the two example resources, on embedded defaults. The one
 * place where the servers and the dashboard are put together.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { HTTP_PORT } from "../dashboard/dashboard_server.ts";
import { type DashboardServer, serveDashboard } from "../dashboard/mod.ts";
import {
  type CommandLine,
  helpOf,
  parseCommandLine,
} from "../protocol/command_line.ts";
import { CypherError } from "../protocol/errors.ts";
import { ChatServer } from "./chat/chat_server.ts";
import { CypherServer } from "./cypher_server.ts";
import { exampleHandler } from "./example.ts";
import type { Monitor } from "./monitor.ts";
import { GRACE } from "./options.ts";
import { PacketServer } from "./packet/packet_server.ts";
import { SegmentServer } from "./segment/segment_server.ts";
import { SERVE } from "./serve/command.ts";
import { interrupted } from "./serve/interrupted.ts";
import { findCertificate, findKeys } from "./serve/secrets.ts";
import { signalLine } from "./serve/signal_line.ts";

/** What of a server is used here. */
interface Serving {
  readonly address: Deno.NetAddr;
  start(): Promise<void>;
  stop(options: { grace: number }): Promise<void>;
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    // One line for what a person can mend, the stack for what only we can.
    console.error(error instanceof CypherError ? error.message : error);
    Deno.exit(1);
  }
}

async function main(): Promise<void> {
  const line = parseCommandLine(SERVE, Deno.args, (name) => Deno.env.get(name));
  if (!line) return console.log(helpOf(SERVE));
  const { grace = GRACE.default, httpPort = HTTP_PORT.default, ...numbers } =
    line.numbers;
  const { hostname, journal } = line.texts;
  const server = new CypherServer({
    ...numbers,
    hostname: hostname!,
    ...await findKeys((file) =>
      console.log(`Made a random pair of keys: ${file}`)
    ),
    ...(journal && { journal }),
    ...(line.switches["tls"] && { tls: await findCertificate() }),
    handler: numbers["threads"] === undefined || numbers["threads"] === 1
      ? exampleHandler()
      : new URL("./serve/example_module.ts", import.meta.url),
    onHandlerError: (error, { reference, operation, path }) =>
      console.error(`${reference} ${operation} ${path}:`, error),
  });
  const { monitor } = server;
  const unlisten = monitor.listen((signal) => {
    if (line.switches["quiet"] && signal.kind !== "notice") return;
    const text = signalLine(signal);
    if (text !== undefined) console.log(text);
  });
  const sidecar = line.switches["noDashboard"]
    ? undefined
    : startSidecar(monitor, line, httpPort);
  const servers = { Cypher: server, ...othersOf(line, monitor) };
  for (const [name, one] of Object.entries<Serving>(servers)) {
    await one.start();
    const { hostname, port } = one.address;
    console.log(`${name} listens on ${hostname}:${port}`);
  }
  if (sidecar) announce(sidecar, httpPort);
  console.log("Try: deno task request UPDATE /NUMBER 42");
  await interrupted();
  console.log("Stopping: requests in progress may finish. Ctrl-C forces");
  await Promise.all(Object.values(servers).map((one) => one.stop({ grace })));
  await sidecar?.close();
  unlisten();
}

/** The smaller protocols that were asked for, on their own ports. */
function othersOf(
  { switches }: CommandLine,
  monitor: Monitor,
): Record<string, Serving> {
  return {
    ...(switches["packet"] && { Packet: new PacketServer({ monitor }) }),
    ...(switches["segment"] && { Segment: new SegmentServer({ monitor }) }),
    ...(switches["chat"] && { Chat: new ChatServer({ monitor }) }),
  };
}

function startSidecar(
  monitor: Monitor,
  { texts }: CommandLine,
  port: number,
): DashboardServer {
  const token = Deno.env.get("CYPHER_DASHBOARD_TOKEN");
  const readToken = Deno.env.get("CYPHER_DASHBOARD_READ_TOKEN");
  return serveDashboard(monitor, {
    hostname: texts["httpHostname"]!,
    port,
    fallbackPort: true,
    name: texts["name"]!,
    ...(token !== undefined && { token }),
    ...(readToken !== undefined && { readToken }),
    onError: (error) => console.error("The dashboard:", error),
  });
}

function announce({ url, moved }: DashboardServer, port: number): void {
  const taken = moved ? ` (port ${port} was taken)` : "";
  console.log(`The dashboard is on ${url}${taken}`);
}
