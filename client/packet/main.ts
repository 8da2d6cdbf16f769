/**
 * `deno task packet:client`: sends the lines that a person types.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import {
  type Command,
  complaintOf,
  helpOf,
  parseCommandLine,
} from "../../protocol/command_line.ts";
import { CypherError } from "../../protocol/errors.ts";
import type { PacketMode } from "../../protocol/packet/handshake.ts";
import { lines } from "./lines.ts";
import { PACKET_CLIENT_OPTIONS } from "./options.ts";
import { PacketClient } from "./packet_client.ts";

const COMMAND: Command = {
  usage: "deno task packet:client",
  about: `Sends each line that is typed and prints its acknowledgement.
"exit", or the end of the input, disconnects.`,
  positionals: [],
  flags: {
    "server-addr": {
      kind: "text",
      about: "The server's address",
      default: "127.0.0.1",
    },
    "server-port": {
      kind: "number",
      about: "The server's port",
      option: PACKET_CLIENT_OPTIONS.port,
    },
    "operation-mode": {
      kind: "text",
      about: "How to send: step-by-step or burst",
      default: "step-by-step",
    },
  },
};

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    console.error(complaintOf(error));
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
  const client = new PacketClient({
    hostname: line.texts["server-addr"]!,
    port: line.numbers["server-port"] ?? PACKET_CLIENT_OPTIONS.port.default,
    mode: modeOf(line.texts["operation-mode"]!),
    onMessage: (message) => {
      // Quoted, so that the server cannot write to the terminal what it likes.
      const text = new TextDecoder().decode(message);
      console.log(`Message: ${JSON.stringify(text)}`);
    },
    onOffline: (reason) => {
      if (reason === "closed") return;
      // There may be no next line at which to notice.
      console.error(`The connection ended: ${reason}`);
      Deno.exit(1);
    },
  });
  await client.connect();
  const { session, mode, maxPacketSize } = client.agreement!;
  console.log(
    `Connected: session ${JSON.stringify(session)}, ${mode}, packets of ` +
      `${maxPacketSize} bytes`,
  );
  for await (const text of lines(Deno.stdin.readable)) {
    if (text === "exit") break;
    await send(client, text);
  }
  await client.close();
  console.log("Disconnected");
}

/** What cannot be sent is said, and the next line may be better. */
async function send(client: PacketClient, text: string): Promise<void> {
  try {
    const { packets, resent } = await client.send(text);
    console.log(`ACK: packets ${packets}, sent again ${resent}`);
  } catch (error) {
    if (!(error instanceof CypherError)) throw error;
    console.error(error.message);
  }
}

function modeOf(text: string): PacketMode {
  if (text === "step-by-step" || text === "burst") return text;
  throw new CypherError(
    "BAD_OPTION",
    `Cannot use --operation-mode: it must be step-by-step or burst, got ${
      JSON.stringify(text)
    }`,
  );
}
