/** Runs the peers of `packet_peer.py`, each in a process of its own. */

const SCRIPT = new URL("./packet_peer.py", import.meta.url).pathname;

let interpreter: Promise<string | undefined> | undefined;

/** The path of a Python, if there is one: it needs nothing beside itself. */
export function pythonOf(): Promise<string | undefined> {
  return interpreter ??= find();
}

async function find(): Promise<string | undefined> {
  for (const command of ["/usr/bin/python3", "python3"]) {
    try {
      const { success } = await new Deno.Command(command, {
        args: ["--version"],
        stdout: "null",
      }).output();
      if (success) return command;
    } catch {
      // Not installed: the next one may be.
    }
  }
  return undefined;
}

/** A Python peer and the JSON lines that it prints. */
export class PythonPacketPeer implements AsyncDisposable {
  #process: Deno.ChildProcess;
  #lines: AsyncGenerator<Record<string, unknown>, void>;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.#lines = jsonLines(process.stdout);
  }

  /** Starts one; `args` as its help says. */
  static async start(...args: string[]): Promise<PythonPacketPeer> {
    const command = new Deno.Command((await pythonOf())!, {
      args: [SCRIPT, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    });
    return new PythonPacketPeer(command.spawn());
  }

  /** The next line; rejects if it has ended. */
  async line(): Promise<Record<string, unknown>> {
    const { value } = await this.#lines.next();
    if (value) return value;
    throw new Error("the Python peer has ended");
  }

  /** The lines to its end, which has to be a good one. */
  async rest(): Promise<Record<string, unknown>[]> {
    const rest = await Array.fromAsync(this.#lines);
    const { code } = await this.#process.status;
    if (code !== 0) throw new Error(`the Python peer ended with ${code}`);
    return rest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#process.status;
    await this.#lines.return();
  }
}

async function* jsonLines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Record<string, unknown>, void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const complete = (rest + text).split("\n");
    rest = complete.pop() ?? "";
    for (const line of complete) yield JSON.parse(line);
  }
}
