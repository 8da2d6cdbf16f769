/**
 * `deno task chat:server`: a chat room.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import {
  type Command,
  helpOf,
  parseCommandLine,
} from "../../protocol/command_line.ts";
import { CypherError } from "../../protocol/errors.ts";
import type { Signal } from "../signals.ts";
import { ChatServer } from "./chat_server.ts";
import { CHAT_GRACE, CHAT_SERVER_OPTIONS } from "./options.ts";

const COMMAND: Command = {
  usage: "deno task chat:server",
  about: "Serves a chat room until Ctrl-C. Join it with deno task " +
    "chat:client, or by hand with nc.",
  positionals: [],
  flags: {
    port: {
      kind: "number",
      about: "The port, 0 for a free one",
      option: CHAT_SERVER_OPTIONS.port,
    },
    hostname: {
      kind: "text",
      about: "The address to listen on, 0.0.0.0 for every one",
      default: "127.0.0.1",
    },
    heartbeat: {
      kind: "number",
      about: "How often clients are sent PING",
      option: CHAT_SERVER_OPTIONS.heartbeat,
    },
    pongTimeout: {
      kind: "number",
      about: "How long they may take to answer PONG",
      option: CHAT_SERVER_OPTIONS.pongTimeout,
    },
    loginTimeout: {
      kind: "number",
      about: "How long they may take to log in",
      option: CHAT_SERVER_OPTIONS.loginTimeout,
    },
    grace: {
      kind: "number",
      about: "How long last lines may take to arrive after Ctrl-C",
      option: CHAT_GRACE,
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
  const { grace = CHAT_GRACE.default, ...numbers } = line.numbers;
  const server = new ChatServer({
    ...numbers,
    hostname: line.texts["hostname"]!,
  });
  const unlisten = server.monitor.listen((signal) => {
    if (!line.switches["quiet"]) log(signal);
  });
  await server.start();
  const { hostname, port } = server.address;
  console.log(`Chat listens on ${hostname}:${port}`);
  console.log("Try: deno task chat:client, or nc and IDENT <username>");
  await interrupted();
  console.log("Stopping. Ctrl-C forces");
  await server.stop({ grace });
  unlisten();
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
  const said = describe(signal);
  if (said === undefined) return;
  const time = new Date(signal.at).toISOString();
  const who = [signal.address, signal.name].filter(Boolean).join(" ");
  console.log(`${time} ${signal.kind.padEnd(8)} ${who} ${said}`.trimEnd());
}

function describe(signal: Signal): string | undefined {
  switch (signal.kind) {
    case "online":
      return "";
    case "offline":
      return `${signal.reason}, ${signal.requests} commands`;
    case "timeout":
      return `no sign of life for ${signal.after} ms`;
    case "failure":
      return `${signal.code} on ${signal.operation}: ${signal.message}`;
    case "limit":
      return `${signal.limit} reached`;
    case "notice":
      return signal.message;
    case "request":
      return undefined;
  }
}
