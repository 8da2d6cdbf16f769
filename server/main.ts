/**
 * `deno task serve`: the two example resources on embedded defaults.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import {
  type Command,
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
  const { grace = GRACE.default, ...numbers } = line.numbers;
  const keys = await findKeys();
  const server = new CypherServer({
    ...numbers,
    hostname: line.texts["hostname"]!,
    ...keys,
    handler: exampleHandler(),
    onHandlerError: (error, { reference, operation, path }) =>
      console.error(`${reference} ${operation} ${path}:`, error),
  });
  const unlisten = server.monitor.listen((signal) => {
    if (!line.switches["quiet"] || signal.kind === "notice") log(signal);
  });
  await server.start();
  const { hostname, port } = server.address;
  console.log(`Cypher listens on ${hostname}:${port} (classic wire)`);
  console.log("Try: deno task request UPDATE /NUMBER 42");
  await interrupted();
  console.log("Stopping: requests in progress may finish. Ctrl-C forces");
  await server.stop({ grace });
  unlisten();
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
