/**
 * `deno task segment:client`: sends what is typed and prints its echo, as the C
 * program does.
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
import type { Version } from "../../protocol/segment/header.ts";
import { SEGMENT_CLIENT_OPTIONS, SEGMENT_VERSION } from "./options.ts";
import { SegmentClient } from "./segment_client.ts";
import { lines, printable, STEP_LINES } from "./terminal.ts";

const BORDER = `+${"-".repeat(55)}+`;
const PROMPT = new TextEncoder().encode("Enter message: ");

const COMMAND: Command = {
  usage: "deno task segment:client",
  about: `Sends each line typed and prints its echo, until the end of input.
It speaks to our server and to the C program.`,
  positionals: [],
  flags: {
    port: {
      kind: "number",
      about: "The server's port",
      option: SEGMENT_CLIENT_OPTIONS.port,
    },
    hostname: {
      kind: "text",
      about: "The server's address",
      default: "127.0.0.1",
    },
    headerVersion: {
      kind: "number",
      about: "The header's version, the C program knows 1",
      option: SEGMENT_VERSION,
    },
    bufferSize: {
      kind: "number",
      about: "The largest block that an echo may come in",
      option: SEGMENT_CLIENT_OPTIONS.bufferSize,
    },
    timeout: {
      kind: "number",
      about: "How long an echo may take",
      option: SEGMENT_CLIENT_OPTIONS.timeout,
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
  // Whatever is still typed is for nobody.
  Deno.exit(0);
}

async function main(): Promise<void> {
  const line = parseCommandLine(
    COMMAND,
    Deno.args,
    (name) => Deno.env.get(name),
  );
  if (!line) return console.log(helpOf(COMMAND));
  const { headerVersion, ...numbers } = line.numbers;
  await using client = new SegmentClient({
    ...numbers,
    ...(headerVersion && { version: headerVersion as Version }),
    hostname: line.texts["hostname"]!,
    onStep: (step) => console.log(STEP_LINES[step]),
  });
  const gone = lost(client);
  banner();
  await client.connect();
  console.log("\n# DATA EXCHANGE\n");
  await Promise.race([talk(client), gone]);
}

function banner(): void {
  console.log(BORDER);
  console.log(`|${" ".repeat(24)}CLIENT${" ".repeat(25)}|`);
  console.log(`${BORDER}\n`);
  console.log("# THREE-WAY HANDSHAKE\n");
}

/** Rejects when the server goes, also while nothing is being sent. */
async function lost(client: SegmentClient): Promise<void> {
  for await (const signal of client.signals()) {
    if (signal.kind !== "offline" || signal.reason === "closed") continue;
    // A message that is under way says more about it.
    if (client.pending > 0) continue;
    throw new CypherError(
      "CLOSED",
      `The connection is gone: ${signal.reason}`,
    );
  }
}

async function talk(client: SegmentClient): Promise<void> {
  await Deno.stdout.write(PROMPT);
  for await (const text of lines(Deno.stdin.readable)) {
    if (text !== "") await exchange(client, text);
    await Deno.stdout.write(PROMPT);
  }
  console.log();
}

async function exchange(client: SegmentClient, text: string): Promise<void> {
  try {
    const echo = await client.send(text);
    console.log(`Received: ${printable(echo)}`);
  } catch (error) {
    // One that is too long leaves the connection as it was.
    if (!(error instanceof CypherError) || error.code !== "TOO_LARGE") {
      throw error;
    }
    console.error(error.message);
  }
}
