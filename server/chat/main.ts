/**
 * `deno task chat:server`: a chat room.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { addressOf } from "../../protocol/address.ts";
import {
  type Command,
  helpOf,
  parseCommandLine,
} from "../../protocol/command_line.ts";
import { addSignals } from "../log/log_signals.ts";
import { interrupted } from "../serve/interrupted.ts";
import { LOG_FLAGS, logOf } from "../serve/log_flags.ts";
import { reachable } from "../serve/reachable.ts";
import { run } from "../serve/run.ts";
import { sayListening } from "../serve/say_listening.ts";
import { ChatServer } from "./chat_server.ts";
import { CHAT_GRACE, CHAT_SERVER_OPTIONS } from "./options.ts";

/** Where chat:client looks by itself. */
const USUAL = `127.0.0.1:${CHAT_SERVER_OPTIONS.port.default}`;

const COMMAND: Command = {
  usage: "deno task chat:server",
  about:
    `Serves a chat room until Ctrl-C. Join it with deno task chat:client, or
by hand with nc.`,
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
    ...LOG_FLAGS,
  },
};

if (import.meta.main) await run(main);

async function main(): Promise<void> {
  const line = parseCommandLine(
    COMMAND,
    Deno.args,
    (name) => Deno.env.get(name),
  );
  if (!line) return console.log(helpOf(COMMAND));
  const { grace = CHAT_GRACE.default, logLines: _, ...numbers } = line.numbers;
  using log = logOf(line);
  // From here on: whoever reads that it listens may stop it at once.
  const interruption = interrupted();
  const server = new ChatServer({
    ...numbers,
    hostname: line.texts["hostname"]!,
  });
  const unlisten = addSignals(log, server.monitor);
  await server.start();
  sayListening(log, "Chat", server.address);
  log.say("hint", `Try: ${exampleOf(server.address)}`);
  await interruption;
  log.say("stopping", "Stopping. Ctrl-C forces", { grace });
  await server.stop({ grace });
  unlisten();
}

/** Two commands that reach this server, on this machine. */
function exampleOf({ hostname, port }: Deno.NetAddr): string {
  const address = reachable(hostname);
  // Quoted, as a shell may take the brackets for a pattern.
  const shown = addressOf({ hostname: address, port });
  const server = address.includes(":") ? `"${shown}"` : shown;
  const flag = server === USUAL ? "" : ` --server ${server}`;
  return `deno task chat:client${flag} (or nc ${address} ${port} and ` +
    "IDENT <username>)";
}
