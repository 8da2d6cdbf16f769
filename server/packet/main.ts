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
import { addSignals } from "../log/log_signals.ts";
import { interrupted } from "../serve/interrupted.ts";
import { LOG_FLAGS, logOf } from "../serve/log_flags.ts";
import { run } from "../serve/run.ts";
import { sayListening } from "../serve/say_listening.ts";
import { PACKET_GRACE, PACKET_SERVER_OPTIONS } from "./options.ts";
import { PacketServer } from "./packet_server.ts";

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
    ...LOG_FLAGS,
    // Nothing else would show that a message has come.
    logLevel: { ...LOG_FLAGS.logLevel, default: "debug" },
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
  const {
    port = PACKET_SERVER_OPTIONS.port.default,
    maxSize = PACKET_SERVER_OPTIONS.maxSize.default,
    grace = PACKET_GRACE.default,
  } = line.numbers;
  const hostname = line.texts["host"]!;
  using log = logOf(line);
  // From here on: whoever reads that it listens may stop it at once.
  const interruption = interrupted();
  const server = new PacketServer({ hostname, port, maxSize });
  const unlisten = addSignals(log, server.monitor);
  await server.start();
  sayListening(log, "Packet", server.address);
  await interruption;
  log.say(
    "stopping",
    "Stopping: messages in progress may finish. Ctrl-C forces",
    { grace },
  );
  await server.stop({ grace });
  unlisten();
}
