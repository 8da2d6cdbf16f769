/**
 * `deno task chat:client`: a chat in the terminal.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { addressOf } from "../../protocol/address.ts";
import {
  type Command,
  complaintOf,
  helpOf,
  parseCommandLine,
} from "../../protocol/command_line.ts";
import { CypherError, CypherStatus } from "../../protocol/errors.ts";
import { badOption } from "../../protocol/options.ts";
import type { ClientOfflineReason } from "../signals.ts";
import { ChatClient } from "./chat_client.ts";
import { describe } from "./display.ts";
import { CHAT_CLIENT_OPTIONS, checkUsername } from "./options.ts";
import { Terminal } from "./terminal.ts";
import { HELP, readTyped } from "./typed.ts";

const { port } = CHAT_CLIENT_OPTIONS;

const COMMAND: Command = {
  usage: "deno task chat:client",
  about: "Takes part in a chat. Private messages are encrypted end to end.\n" +
    HELP,
  positionals: [],
  flags: {
    server: {
      kind: "text",
      about: "The server's address",
      default: `127.0.0.1:${port.default}`,
    },
    name: { kind: "text", about: "Your username, else asked for", default: "" },
  },
};

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(
      error instanceof CypherError ? oneLine(error) : complaintOf(error),
    );
    Deno.exit(1);
  }
  // Standard input may hold the process for a line that nobody will read.
  Deno.exit(0);
}

async function main(): Promise<void> {
  const line = parseCommandLine(
    COMMAND,
    Deno.args,
    (name) => Deno.env.get(name),
  );
  if (!line) return console.log(helpOf(COMMAND));
  const server = readServer(line.texts["server"]!);
  const name = line.texts["name"]!;
  if (name) checkUsername("--name", name);
  using terminal = new Terminal();
  const client = await enter(terminal, server, name);
  if (!client) return;
  await using _ = client;
  terminal.print(`* you are ${client.name}, key ${await client.fingerprint()}`);
  for (;;) {
    const typed = await terminal.read();
    if (typed === undefined || !await obey(client, terminal, typed)) break;
  }
  await client.quit();
}

/** Logs in, asking for a name until there is one that the server takes. */
async function enter(
  terminal: Terminal,
  server: { hostname: string; port: number },
  given: string,
): Promise<ChatClient | undefined> {
  for (;;) {
    const name = given || (await terminal.read("name: "))?.trim();
    if (name === undefined) return undefined;
    try {
      return await connected(terminal, { ...server, name });
    } catch (error) {
      // A name that was asked for can be asked for again.
      const again = !given && error instanceof CypherError &&
        (error.code === "STATUS" || error.code === "BAD_OPTION");
      if (!again) throw error;
      terminal.print(oneLine(error));
    }
  }
}

async function connected(
  terminal: Terminal,
  options: { hostname: string; port: number; name: string },
): Promise<ChatClient> {
  // A server that is not there at the start is told at once; later it is
  // looked for again and again.
  const gone = new AbortController();
  let reason: ClientOfflineReason | undefined;
  let entered = false;
  const client = new ChatClient({
    ...options,
    onEvent: (event) => {
      const said = describe(event);
      if (entered && event.kind === "online") terminal.print("* online again");
      else if (entered || event.kind !== "offline") {
        if (said !== undefined) terminal.print(said);
      } else if (client.state !== "idle") {
        // Who has given up is idle, and the error says why.
        ({ reason } = event);
        gone.abort();
      }
    },
  });
  try {
    await client.connect({ signal: gone.signal });
    entered = true;
    return client;
  } catch (error) {
    await client.close();
    if (reason === undefined) throw error;
    const { hostname, port } = options;
    throw new CypherError(
      "CONNECT_FAILED",
      `Cannot connect to ${addressOf({ hostname, port })}: ${
        problemOf(reason)
      }`,
    );
  }
}

/** Why there is no chat at the start. */
function problemOf(reason: ClientOfflineReason): string {
  switch (reason) {
    case "unresolved-name":
      return "the hostname does not resolve";
    case "unreachable":
      return "there is no way to that network or host";
    case "timeout":
      return "there is no answer";
    default:
      return "no chat server answers there";
  }
}

/** Does what a person typed; false to leave. */
async function obey(
  client: ChatClient,
  terminal: Terminal,
  line: string,
): Promise<boolean> {
  const typed = readTyped(line);
  try {
    switch (typed.kind) {
      case "nothing":
        break;
      case "broadcast":
        await client.broadcast(typed.text);
        break;
      case "users":
        terminal.print(`* here: ${(await client.users()).join(", ")}`);
        break;
      case "pm":
        await client.pm(typed.name, typed.text);
        break;
      case "help":
        terminal.print(HELP);
        break;
      case "wrong":
        terminal.print(`* ${typed.problem}`);
        break;
      case "quit":
        return false;
    }
  } catch (error) {
    if (!(error instanceof CypherError)) throw error;
    terminal.print(`* ${oneLine(error)}`);
  }
  return true;
}

/** Reads `127.0.0.1:1337`; IPv6 addresses in brackets (RFC 3986, 3.2.2). */
function readServer(text: string): { hostname: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const hostname = match?.[1] ?? match?.[2];
  const number = Number(match?.[3] ?? port.default);
  if (hostname === undefined || number < port.min || number > port.max) {
    throw badOption("--server", "an address, a colon and a port", text);
  }
  return { hostname, port: number };
}

function oneLine(error: CypherError): string {
  return error instanceof CypherStatus
    ? `${error.status}: ${error.message}`
    : error.message;
}
