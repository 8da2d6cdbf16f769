/**
 * A server of two threads in a process of its own, to be killed; run as a
 * program it is that server.
 */

import { within } from "./cypher.ts";
import type { Address } from "./fault_proxy.ts";
import { startThreads } from "./threads.ts";

/** One life of the server; `kill` ends it, by SIGKILL. */
export class ThreadServer implements AsyncDisposable {
  readonly address: Address;
  /** What it printed at its start. */
  readonly notices: readonly string[];
  #process: Deno.ChildProcess;
  #output: ReadableStreamDefaultReader<string>;

  private constructor(
    process: Deno.ChildProcess,
    output: ReadableStreamDefaultReader<string>,
    { port, notices }: Started,
  ) {
    this.#process = process;
    this.#output = output;
    this.address = { hostname: "127.0.0.1", port };
    this.notices = notices;
  }

  /** Starts it, on a free port; `flags` are deno's. */
  static async start(
    options: { journal?: string },
    flags: readonly string[] = ["--unstable-net"],
  ): Promise<ThreadServer> {
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-lock",
        "--allow-all",
        ...flags,
        import.meta.url,
        JSON.stringify(options),
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const output = process.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    const { value } = await within("the server's start", output.read());
    return new ThreadServer(process, output, JSON.parse(value!));
  }

  async kill(): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#output.cancel();
    await this.#process.stdin.abort().catch(() => {});
  }
}

interface Started {
  port: number;
  notices: string[];
}

if (import.meta.main) {
  const { Monitor } = await import("../../mod.ts");
  const monitor = new Monitor();
  const notices: string[] = [];
  monitor.listen((signal) => {
    if (signal.kind === "notice") notices.push(signal.code);
  });
  const options = JSON.parse(Deno.args[0]!);
  const { address } = await startThreads({ ...options, monitor });
  const started: Started = { port: address.port, notices };
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(started)));
  // Whoever started this ends it: by a signal, or by ending itself.
  await Deno.stdin.readable.pipeTo(new WritableStream());
  Deno.exit(0);
}
