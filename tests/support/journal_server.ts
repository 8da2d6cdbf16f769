/**
 * A server in a process of its own, to be killed. Its handler appends what
 * tells a request from every other to a file, and does no deduplication of its
 * own: what stands there twice was executed twice.
 */

import { type Handler, systemClock } from "../../mod.ts";
import { startServer, within } from "./cypher.ts";

/** What a request of the tests asks for. */
export interface Wanted {
  /** Which request it is, for the answer to say so. */
  readonly number: number;
  /** How long the handler takes after its effect, in ms; 0: it is at once. */
  readonly pause: number;
}

/** What its answer says. */
export interface Done {
  /** The request that was executed. */
  readonly number: number;
  /** The effect's line in the file. */
  readonly identity: string;
  /** The process that executed it. */
  readonly pid: number;
}

/** How a {@linkcode JournalServer} is made. */
export interface JournalServerOptions {
  /** A folder of its own, where everything is kept. */
  folder: string;
  /** Whether it keeps a journal there. */
  journal: boolean;
  /** Whether handlers never answer. */
  hold?: boolean;
  /** How many requests may be in flight. */
  window?: number;
  /** The wire that it accepts; default the session's. */
  wire?: "session" | "classic";
}

/** One life of the server; `kill` ends it, by SIGKILL. */
export class JournalServer implements AsyncDisposable {
  readonly hostname = "127.0.0.1";
  readonly port: number;
  readonly pid: number;
  #process: Deno.ChildProcess;
  #output: ReadableStreamDefaultReader<Uint8Array>;

  private constructor(
    process: Deno.ChildProcess,
    output: ReadableStreamDefaultReader<Uint8Array>,
    port: number,
  ) {
    this.#process = process;
    this.#output = output;
    this.pid = process.pid;
    this.port = port;
  }

  /** Starts it, on a free port. */
  static async start(options: JournalServerOptions): Promise<JournalServer> {
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--config",
        new URL("../../deno.json", import.meta.url).pathname,
        "--allow-net",
        `--allow-read=${options.folder}`,
        `--allow-write=${options.folder}`,
        import.meta.url,
        JSON.stringify(options),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const output = process.stdout.getReader();
    const { value } = await within("the server's start", output.read());
    const port = Number(new TextDecoder().decode(value));
    const server = new JournalServer(process, output, port);
    if (port > 0) return server;
    await server.kill();
    throw new Error("The server did not start");
  }

  /** Ends it at once; resolves when it is gone. */
  async kill(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#process.status;
    await this.#output.cancel();
    await this.#process.stdin.abort().catch(() => {});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/** Where the journal is. */
export function journalIn(folder: string): string {
  return `${folder}/journal.db`;
}

/** The effects so far: the identities of the requests, in the order made. */
export function effectsIn(folder: string): string[] {
  try {
    return Deno.readTextFileSync(effectsFile(folder)).split("\n").slice(0, -1);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function effectsFile(folder: string): string {
  return `${folder}/effects`;
}

function handlerOf({ folder, hold }: JournalServerOptions): Handler {
  const file = Deno.openSync(effectsFile(folder), {
    create: true,
    append: true,
  });
  const encoder = new TextEncoder();
  return ({ data }, { identity }) => {
    const { number, pause } = data as unknown as Wanted;
    file.writeSync(encoder.encode(`${identity}\n`));
    const reply = { data: { number, identity, pid: Deno.pid } };
    if (hold) return new Promise(() => {});
    if (pause === 0) return reply;
    return new Promise((resolve) =>
      systemClock.setTimeout(() => resolve(reply), pause)
    );
  };
}

if (import.meta.main) {
  const options: JournalServerOptions = JSON.parse(Deno.args[0]!);
  const { address } = await startServer(handlerOf(options), {
    wires: [options.wire ?? "session"],
    ...(options.journal && { journal: journalIn(options.folder) }),
    ...(options.window && { window: options.window }),
    // What is replayed may not open, and is not to be refused before that.
    limits: { badTokens: Infinity },
  });
  await Deno.stdout.write(new TextEncoder().encode(`${address.port}\n`));
  // Whoever started this ends it: by a signal, or by ending itself.
  await Deno.stdin.readable.pipeTo(new WritableStream());
  Deno.exit(0);
}
