/**
 * `deno task segment:server`: echoes messages, and prints what the C program
 * prints.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import {
  type Command,
  helpOf,
  parseCommandLine,
} from "../../protocol/command_line.ts";
import { GRACE } from "../options.ts";
import { SEGMENT_SERVER_OPTIONS } from "./options.ts";
import { Printer } from "./printer.ts";
import { SegmentServer } from "./segment_server.ts";
import { interrupted } from "../serve/interrupted.ts";
import { run } from "../serve/run.ts";

const COMMAND: Command = {
  usage: "deno task segment:server",
  about: "Echoes messages on the segment protocol until Ctrl-C.",
  positionals: [],
  flags: {
    port: {
      kind: "number",
      about: "The port, 0 for a free one",
      option: SEGMENT_SERVER_OPTIONS.port,
    },
    hostname: {
      kind: "text",
      about: "The address to listen on, 0.0.0.0 for every one",
      default: "127.0.0.1",
    },
    bufferSize: {
      kind: "number",
      about: "The size of an answer's block, the C client needs 4096",
      option: SEGMENT_SERVER_OPTIONS.bufferSize,
    },
    handshakeTimeout: {
      kind: "number",
      about: "How long a handshake may take",
      option: SEGMENT_SERVER_OPTIONS.handshakeTimeout,
    },
    timeout: {
      kind: "number",
      about: "How long a client may go without a message",
      option: SEGMENT_SERVER_OPTIONS.timeout,
    },
    grace: {
      kind: "number",
      about: "How long answers may take to settle after Ctrl-C",
      option: GRACE,
    },
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
  const { grace = GRACE.default, ...numbers } = line.numbers;
  const printer = new Printer((text) => console.log(text));
  // From here on: whoever reads that it listens may stop it at once.
  const interruption = interrupted();
  const server = new SegmentServer({
    ...numbers,
    hostname: line.texts["hostname"]!,
    onStep: (step) => printer.step(step),
  });
  server.monitor.listen((signal) => printer.signal(signal));
  await server.start();
  printer.banner(server.address.port);
  await interruption;
  await server.stop({ grace });
}
