/**
 * `deno task serve`: the two example resources, on embedded defaults. The one
 * place where the servers and the dashboard are put together.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { HTTP_PORT } from "../dashboard/dashboard_server.ts";
import { isLoopback } from "../dashboard/hosts.ts";
import { type DashboardServer, serveDashboard } from "../dashboard/mod.ts";
import {
  type CommandLine,
  helpOf,
  parseCommandLine,
} from "../protocol/command_line.ts";
import { CypherError } from "../protocol/errors.ts";
import type { Tracing } from "../protocol/tracing.ts";
import { ChatServer } from "./chat/chat_server.ts";
import { CypherServer } from "./cypher_server.ts";
import { exampleHandler } from "./example.ts";
import type { Handler } from "./handler.ts";
import { faultLine } from "./log/fault_line.ts";
import { handlerLine } from "./log/handler_errors.ts";
import type { Log } from "./log/log.ts";
import { addSignals } from "./log/log_signals.ts";
import type { Monitor } from "./monitor.ts";
import {
  type CypherServerOptions,
  GRACE,
  SERVER_OPTIONS,
  THREADS,
} from "./options.ts";
import { PacketServer } from "./packet/packet_server.ts";
import { SegmentServer } from "./segment/segment_server.ts";
import { optionsOf, SERVE } from "./serve/command.ts";
import { serveComplaintOf } from "./serve/complaint.ts";
import { interrupted } from "./serve/interrupted.ts";
import { journalFailed } from "./serve/journal_failed.ts";
import { withJournal } from "./serve/journal_file.ts";
import { logOf } from "./serve/log_flags.ts";
import { reachable } from "./serve/reachable.ts";
import { run } from "./serve/run.ts";
import { sayListening } from "./serve/say_listening.ts";
import { findCertificate, findKeys } from "./serve/secrets.ts";
import { shutDown, SHUTDOWN_DELAY, type Stoppable } from "./serve/shut_down.ts";

/** What of a server is used here. */
interface Serving extends Stoppable {
  readonly address: Deno.NetAddr;
  start(): Promise<void>;
}

if (import.meta.main) {
  await run(() => serve(Deno.args, exampleHandler()), serveComplaintOf);
}

/**
 * Serves until it is interrupted, or its journal fails. Gives the exit code.
 *
 * @throws {CypherError} `BAD_OPTION`, `LISTEN_FAILED`.
 */
export async function serve(
  args: readonly string[],
  handler: Handler,
): Promise<number> {
  const line = parseCommandLine(SERVE, args, (name) => Deno.env.get(name));
  if (!line) {
    console.log(helpOf(SERVE));
    return 0;
  }
  const {
    grace = GRACE.default,
    shutdownDelay: delay = SHUTDOWN_DELAY.default,
    httpPort = HTTP_PORT.default,
    logLines: _,
    ...numbers
  } = line.numbers;
  const { hostname, journal } = line.texts;
  using log = logOf(line);
  // From here on: whoever reads that it listens may stop it at once.
  const interruption = interrupted();
  const options: CypherServerOptions = {
    ...optionsOf(numbers),
    hostname: hostname!,
    ...await findKeys((text, level) => log.say("keys", text, {}, level)),
    ...(journal && { journal }),
    ...(line.switches["tls"] &&
      { tls: await findCertificate(line.switches["clientCert"]!) }),
    ...await handling(handler, line),
    onHandlerError: (error, info) =>
      log.add("error", () => handlerLine(error, info)),
  };
  const server = await withJournal(
    journal!,
    () => new CypherServer(options),
  );
  const { monitor } = server;
  const unlisten = addSignals(log, monitor);
  const failure = journalFailed(monitor);
  let stopping = false;
  const sidecar = line.switches["noDashboard"]
    ? undefined
    : startSidecar(line, httpPort, { monitor, log, ready: () => !stopping });
  const servers = { Cypher: server, ...othersOf(line, monitor) };
  for (const [name, one] of Object.entries<Serving>(servers)) {
    await one.start();
    sayListening(log, name, one.address);
  }
  if (sidecar) announce(log, sidecar, httpPort);
  log.say("hint", `Try: ${exampleOf(server.address, line)}`);
  const failed = await Promise.race([
    interruption.then(() => false),
    failure.then(() => true),
  ]);
  stopping = true;
  const code = await shutDown(Object.values<Serving>(servers), {
    monitor,
    log,
    // The one that failed has stopped already.
    ...(failed ? { delay: 0, grace: 0 } : { delay, grace }),
  });
  await sidecar?.close();
  unlisten();
  if (!failed) return code;
  // Not counted, unlike the notice that has the reason.
  log.say("failed", "Ended, as the journal failed", {}, "error");
  return 1;
}

/**
 * A handler, or a module for several threads; either may be traced. Tracing is
 * loaded if it is asked for, as it brings a package of others.
 */
async function handling(
  handler: Handler,
  { numbers, switches }: CommandLine,
): Promise<{ handler: Handler | URL; tracing?: Tracing }> {
  const { threads = THREADS.default } = numbers;
  const { tracing } = switches;
  if (threads !== 1) {
    const name = tracing ? "traced_example_module.ts" : "example_module.ts";
    return { handler: new URL(`./serve/${name}`, import.meta.url) };
  }
  if (!tracing) return { handler };
  const { openTelemetry } = await import("../tracing.ts");
  return { handler, tracing: openTelemetry() };
}

/** A command that reaches this server, on this machine. */
function exampleOf(
  { hostname, port }: Deno.NetAddr,
  { switches }: CommandLine,
): string {
  const address = reachable(hostname);
  return [
    "deno task request UPDATE /NUMBER 42",
    ...(address === "127.0.0.1" ? [] : [`--hostname ${address}`]),
    ...(port === SERVER_OPTIONS.port.default ? [] : [`--port ${port}`]),
    ...(switches["tls"] ? ["--tls"] : []),
    ...(switches["clientCert"] ? ["--client-cert"] : []),
  ].join(" ");
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
  { texts }: CommandLine,
  port: number,
  { monitor, log, ready }: {
    monitor: Monitor;
    log: Log;
    ready: () => boolean;
  },
): DashboardServer {
  const token = Deno.env.get("CYPHER_DASHBOARD_TOKEN");
  const readToken = Deno.env.get("CYPHER_DASHBOARD_READ_TOKEN");
  const hostname = texts["httpHostname"]!;
  if (token === undefined && !isLoopback(hostname)) {
    throw new CypherError(
      "BAD_OPTION",
      `Cannot use --http-hostname ${hostname}: others can reach this ` +
        "address, so it needs a token of 16 characters or more in " +
        "CYPHER_DASHBOARD_TOKEN",
    );
  }
  const hosts = texts["httpHosts"]!;
  return serveDashboard(monitor, {
    ...(hosts && { allowedHosts: hosts.split(",") }),
    hostname,
    port,
    fallbackPort: true,
    name: texts["name"]!,
    ...(token !== undefined && { token }),
    ...(readToken !== undefined && { readToken }),
    ready,
    onError: (error) =>
      log.add("error", () => faultLine("dashboard", "It failed", error)),
  });
}

function announce(
  log: Log,
  { url, moved }: DashboardServer,
  port: number,
): void {
  const taken = moved ? ` (port ${port} was taken)` : "";
  log.say("dashboard", `The dashboard is on ${url}${taken}`, { url });
}
