/**
 * `deno task packet:server`: acknowledges what comes, until Ctrl-C.
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
import { PACKET_GRACE, PACKET_SERVER_OPTIONS } from "./options.ts";
import { PacketServer } from "./packet_server.ts";
import { interrupted } from "../serve/interrupted.ts";

const COMMAND: Command = {
  usage: "deno task packet:server",
  about: "Acknowledges the messages that packet peers send, until Ctrl-C.",
  positionals: [],
  flags: {
    host: {
      kind: "text",
      about: "The address to listen on, 0.0.0.0 for every one",
      default: "127.0.0.1",
    },
    port: {
      kind: "number",
      about: "The port, 0 for a free one",
      option: PACKET_SERVER_OPTIONS.port,
    },
    maxSize: {
      kind: "number",
      about: "The most a packet may carry",
      option: PACKET_SERVER_OPTIONS.maxSize,
    },
    grace: {
      kind: "number",
      about: "How long messages may be handled after Ctrl-C",
      option: PACKET_GRACE,
    },
  },
};

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
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
  const {
    port = PACKET_SERVER_OPTIONS.port.default,
    maxSize = PACKET_SERVER_OPTIONS.maxSize.default,
    grace = PACKET_GRACE.default,
  } = line.numbers;
  const hostname = line.texts["host"]!;
  const server = new PacketServer({ hostname, port, maxSize });
  server.monitor.listen((signal) => {
    const said = describe(signal);
    if (said) console.log(`${new Date(signal.at).toISOString()} ${said}`);
  });
  await server.start();
  console.log(`Packet listens on ${hostname}:${server.address.port}`);
  await interrupted();
  console.log("Stopping: messages in progress may finish. Ctrl-C forces");
  await server.stop({ grace });
}

function describe(signal: Signal): string | undefined {
  // What a peer chose is quoted, so that it cannot forge a line.
  const name = signal.name === undefined ? "" : JSON.stringify(signal.name);
  const peer = `${signal.address} ${name}`.trim();
  switch (signal.kind) {
    case "online":
      return `${peer} online`;
    case "offline":
      return `${peer} offline: ${signal.reason}, ${signal.requests} messages`;
    case "request":
      return `${peer} ${signal.operation} ${signal.bytesIn} bytes`;
    case "failure":
      return `${peer} ${signal.code}: ${JSON.stringify(signal.message)}`;
    case "timeout":
      return `${peer} silent for ${signal.after} ms`;
    case "limit":
      return `${signal.limit} reached`;
    case "notice":
      return signal.message;
  }
}
