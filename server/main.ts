/**
 * `deno task serve`: the two example resources and the dashboard, on embedded
 * defaults. The one place where the server and the dashboard are put together.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { HTTP_PORT } from "../dashboard/dashboard_server.ts";
import { type DashboardServer, serveDashboard } from "../dashboard/mod.ts";
import {
  type Command,
  type CommandLine,
  helpOf,
  parseCommandLine,
} from "../protocol/command_line.ts";
import { CypherError } from "../protocol/errors.ts";
import { KEY_FILE, keysOf } from "../protocol/keys.ts";
import { CypherServer } from "./cypher_server.ts";
import { exampleHandler } from "./example.ts";
import { loadOrMakeKeys } from "./key_file.ts";
import { GRACE, SERVER_OPTIONS } from "./options.ts";
import type { Signal } from "./signals.ts";

const COMMAND: Command = {
  usage: "deno task serve",
  about: `Serves /NUMBER and /SEQUENCE (READ, UPDATE) until Ctrl-C.
Keys: CYPHER_ENCRYPTION_KEY and CYPHER_DECRYPTION_KEY, else ${KEY_FILE},
which is made at the first start.`,
  positionals: [],
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
      about: "How long a connection may go without a request",
      option: SERVER_OPTIONS.timeout,
    },
    deadline: {
      kind: "number",
      about: "How long a handler may take",
      option: SERVER_OPTIONS.deadline,
    },
    maxAge: {
      kind: "number",
      about: "How far a token's time may be from now",
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
    journal: {
      kind: "text",
      about: "Remember executions across restarts in this file, such as " +
        ".cypher/journal.db",
      default: "",
    },
    tls: {
      kind: "switch",
      about: "Serve TLS with the certificate that deno task certs makes",
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
    name: {
      kind: "text",
      about: "The server's name on the dashboard",
      default: "cypher",
    },
    noDashboard: { kind: "switch", about: "Serve no dashboard" },
    grace: {
      kind: "number",
      about: "How long requests may run on after Ctrl-C",
      option: GRACE,
    },
    quiet: { kind: "switch", about: "Print no line for each signal" },
  },
};

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
  const line = parseCommandLine(
    COMMAND,
    Deno.args,
    (name) => Deno.env.get(name),
  );
  if (!line) return console.log(helpOf(COMMAND));
  const { grace = GRACE.default, httpPort = HTTP_PORT.default, ...numbers } =
    line.numbers;
  const { hostname, journal } = line.texts;
  const server = new CypherServer({
    ...numbers,
    hostname: hostname!,
    ...await findKeys(),
    ...(journal && { journal }),
    ...(line.switches["tls"] && { tls: await findCertificate() }),
    handler: exampleHandler(),
    onHandlerError: (error, { reference, operation, path }) =>
      console.error(`${reference} ${operation} ${path}:`, error),
  });
  const unlisten = server.monitor.listen((signal) => {
    if (!line.switches["quiet"] || signal.kind === "notice") log(signal);
  });
  const sidecar = line.switches["noDashboard"]
    ? undefined
    : startSidecar(server, line, httpPort);
  await server.start();
  const { address } = server;
  console.log(`Cypher listens on ${address.hostname}:${address.port}`);
  if (sidecar) announce(sidecar, httpPort);
  console.log("Try: deno task request UPDATE /NUMBER 42");
  await interrupted();
  console.log("Stopping: requests in progress may finish. Ctrl-C forces");
  await server.stop({ grace });
  await sidecar?.close();
  unlisten();
}

function startSidecar(
  server: CypherServer,
  { texts }: CommandLine,
  port: number,
): DashboardServer {
  const token = Deno.env.get("CYPHER_DASHBOARD_TOKEN");
  const readToken = Deno.env.get("CYPHER_DASHBOARD_READ_TOKEN");
  return serveDashboard(server.monitor, {
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

async function findCertificate(): Promise<{ cert: string; key: string }> {
  try {
    return {
      cert: await Deno.readTextFile(".cypher/cert.pem"),
      key: await Deno.readTextFile(".cypher/key.pem"),
    };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CypherError(
      "BAD_OPTION",
      'There is no certificate: run "deno task certs" here once',
    );
  }
}

/** The keys from the environment, else from the key file. */
async function findKeys(): Promise<
  { encryptionKey: string; decryptionKey: string }
> {
  const given = keysOf((name) => Deno.env.get(name));
  if (given) return given;
  const { keys, made } = await loadOrMakeKeys();
  if (made) console.log(`Made a random pair of keys: ${KEY_FILE}`);
  return {
    encryptionKey: keys.serverToClient,
    decryptionKey: keys.clientToServer,
  };
}

/** Resolves at the first interrupt; a second one ends the process. */
function interrupted(): Promise<void> {
  return new Promise((resolve) => {
    let again = false;
    const interrupt = () => {
      if (again) Deno.exit(130);
      again = true;
      resolve();
    };
    Deno.addSignalListener("SIGINT", interrupt);
    if (Deno.build.os !== "windows") {
      Deno.addSignalListener("SIGTERM", interrupt);
    }
  });
}

function log(signal: Signal): void {
  const time = new Date(signal.at).toISOString();
  const said = describe(signal);
  if (said) console.log(`${time} ${signal.kind.padEnd(8)} ${said}`);
}

function describe(signal: Signal): string | undefined {
  switch (signal.kind) {
    case "online":
      return `${signal.address} on the ${signal.wire} wire`;
    case "offline":
      return `${signal.address} ${signal.reason}, ${signal.requests} requests`;
    case "timeout":
      return `${signal.address} no request for ${signal.after} ms`;
    case "failure": {
      const { operation = "", path = "" } = signal;
      const request = `${operation} ${path}`.trim();
      // What a peer chose is quoted, so that it cannot forge a line.
      const of = request && ` on ${JSON.stringify(request)}`;
      return `${signal.address} ${JSON.stringify(signal.code)}${of}: ${
        JSON.stringify(signal.message)
      }`;
    }
    case "limit":
      return `${signal.limit} reached`;
    case "notice":
      return signal.message;
    case "request":
      return undefined;
  }
}
