import { HTTP_PORT } from "../../dashboard/dashboard_server.ts";
import type { Command, CommandLine } from "../../protocol/command_line.ts";
import { KEY_FILE } from "../../protocol/keys.ts";
import {
  type CypherServerOptions,
  GRACE,
  SERVER_LIMITS,
  SERVER_OPTIONS,
  THREADS,
} from "../options.ts";
import { LOG_FLAGS } from "./log_flags.ts";
import { SHUTDOWN_DELAY } from "./shut_down.ts";

/** What `deno task serve` understands. */
export const SERVE: Command = {
  usage: "deno task serve",
  about: `Serves /NUMBER and /SEQUENCE (READ, UPDATE) until Ctrl-C.
Keys: CYPHER_ENCRYPTION_KEY and CYPHER_DECRYPTION_KEY, else ${KEY_FILE},
which is made at the first start.`,
  positionals: [],
  replaced: { quiet: "--log-level warn" },
  flags: {
    port: {
      kind: "number",
      about: "The port, 0 for a free one",
      option: SERVER_OPTIONS.port,
    },
    hostname: {
      kind: "text",
      about: "The address to listen on, 0.0.0.0 for every one",
      default: "127.0.0.1",
    },
    timeout: {
      kind: "number",
      about: "How long a connection may go without a request (classic)",
      option: SERVER_OPTIONS.timeout,
    },
    deadline: {
      kind: "number",
      about: "How long a handler may take",
      option: SERVER_OPTIONS.deadline,
    },
    maxAge: {
      kind: "number",
      about: "How far a token's time may be from now (classic)",
      option: SERVER_OPTIONS.maxAge,
    },
    recvBuffer: {
      kind: "number",
      about: "The most read at once",
      option: SERVER_OPTIONS.recvBuffer,
    },
    transmissionBuffer: {
      kind: "number",
      about: "The most written at once",
      option: SERVER_OPTIONS.transmissionBuffer,
    },
    window: {
      kind: "number",
      about: "How many requests a client may have in flight",
      option: SERVER_OPTIONS.window,
    },
    heartbeat: {
      kind: "number",
      about: "After how long a silence a session is pinged",
      option: SERVER_OPTIONS.heartbeat,
    },
    connections: {
      kind: "number",
      about: "How many connections may be open",
      option: SERVER_LIMITS.connections,
    },
    connectionsPerAddress: {
      kind: "number",
      about: "How many of them may be of one address",
      option: SERVER_LIMITS.connectionsPerAddress,
    },
    badTokens: {
      kind: "number",
      about: "After how many tokens in a minute that do not open an address " +
        "is refused",
      option: SERVER_LIMITS.badTokens,
    },
    threads: {
      kind: "number",
      about: "On how many threads to serve, 0 for one on each core",
      option: THREADS,
    },
    loadTimeout: {
      kind: "number",
      about: "With threads: how long the handler's module may take to load",
      option: SERVER_OPTIONS.loadTimeout,
    },
    journal: {
      kind: "text",
      about: "Remember executions across restarts in this file, which must " +
        "be in .cypher/, such as .cypher/journal.db",
      default: "",
    },
    tls: {
      kind: "switch",
      about: "Serve TLS with the certificate that deno task certs makes",
    },
    clientCert: {
      kind: "switch",
      about: "With --tls: let in only clients with a certificate of its " +
        "authority",
      needs: "tls",
    },
    httpPort: {
      kind: "number",
      about: "The dashboard's port",
      option: HTTP_PORT,
    },
    httpHostname: {
      kind: "text",
      about: "The dashboard's address; any but this machine's own needs " +
        "CYPHER_DASHBOARD_TOKEN",
      default: "127.0.0.1",
    },
    httpHosts: {
      kind: "text",
      about: "The host names of a proxy before the dashboard, with commas " +
        "between",
      default: "",
    },
    name: {
      kind: "text",
      about: "The server's name on the dashboard",
      default: "cypher",
    },
    packet: {
      kind: "switch",
      about: "Serve the packet protocol too, on 127.0.0.1:5000",
    },
    segment: {
      kind: "switch",
      about: "Serve the segment protocol too, on 127.0.0.1:8888",
    },
    chat: {
      kind: "switch",
      about: "Serve the chat protocol too, on 127.0.0.1:1337",
    },
    noDashboard: { kind: "switch", about: "Serve no dashboard" },
    grace: {
      kind: "number",
      about: "How long requests may run on after Ctrl-C",
      option: GRACE,
    },
    shutdownDelay: {
      kind: "number",
      about: "How long to go on accepting after Ctrl-C, while /readyz says no",
      option: SHUTDOWN_DELAY,
    },
    ...LOG_FLAGS,
    tracing: {
      kind: "switch",
      about:
        "Trace requests with OpenTelemetry; Deno exports with OTEL_DENO=true",
    },
  },
};

/** The flags' numbers as the server's options: some of them are limits. */
export function optionsOf(
  numbers: CommandLine["numbers"],
): Omit<CypherServerOptions, "encryptionKey" | "decryptionKey" | "handler"> {
  const isLimit = ([name]: [string, number]) => name in SERVER_LIMITS;
  const { limits = [], others = [] } = Object.groupBy(
    Object.entries(numbers),
    (entry) => isLimit(entry) ? "limits" : "others",
  );
  return {
    ...Object.fromEntries(others),
    limits: Object.fromEntries(limits),
  };
}
