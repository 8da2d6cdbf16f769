/** A Deno program under test, in a process of its own. */
export class Program implements AsyncDisposable {
  /** What it has printed so far. */
  output = "";
  /** What it has printed to stderr so far. */
  errors = "";
  /** Its exit code, once it has ended and all its output is here. */
  readonly ended: Promise<number>;
  /** The signal that killed it, once it is gone; null if none did. */
  readonly killer: Promise<Deno.Signal | null>;
  #process: Deno.ChildProcess;
  #wake: () => void = () => {};

  /** Starts `deno` with these arguments. */
  constructor(
    args: string[],
    { cwd, env, descriptors, blocks }: {
      cwd?: string;
      env?: Record<string, string>;
      /** How many files and sockets it may have open; needs a shell. */
      descriptors?: number;
      /** How large its files may become, in 512 bytes; needs a shell. */
      blocks?: number;
    } = {},
  ) {
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const [verb, ...rest] = args;
    const command = [
      Deno.execPath(),
      verb!,
      "--quiet",
      "--config",
      config,
      ...rest,
    ];
    const limits = [
      ...(descriptors === undefined ? [] : [`ulimit -n ${descriptors}`]),
      // A write that is too large fails, instead of ending the process.
      ...(blocks === undefined ? [] : [`trap "" XFSZ; ulimit -f ${blocks}`]),
    ];
    const shell = ["sh", "-c", `${limits.join("; ")}; exec "$@"`, "sh"];
    const [program, ...given] = limits.length === 0
      ? command
      : [...shell, ...command];
    this.#process = new Deno.Command(program!, {
      args: given,
      ...(cwd && { cwd }),
      env: { ...env, NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { stdout, stderr, status } = this.#process;
    const read = Promise.all([
      this.#collect(stdout, (text) => this.output += text),
      this.#collect(stderr, (text) => this.errors += text),
    ]);
    this.killer = status.then(({ signal }) => signal);
    this.ended = read.then(async () => (await status).code);
    this.ended.then(() => this.#wake());
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Waits until it has printed a text; rejects if it ends before that. */
  async prints(text: string): Promise<void> {
    let ended = false;
    this.ended.then(() => ended = true);
    while (!(this.output + this.errors).includes(text)) {
      if (ended) {
        throw new Error(`It ended without printing "${text}": ${this.errors}`);
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Waits until something listens on a port; rejects if it ends before. */
  async listens(port: number): Promise<void> {
    let ended = false;
    this.ended.then(() => ended = true);
    for (;;) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return;
      } catch {
        if (ended) throw new Error(`It ended: ${this.errors}`);
      }
    }
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Ends it, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.ended;
  }

  async #collect(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    add: (text: string) => void,
  ): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      add(text);
      this.#wake();
    }
  }
}

/** A port that nobody listened on a moment ago. */
export function availablePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
