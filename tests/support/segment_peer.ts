// deno-lint-ignore-file no-console
/** The segment peer in C: compiled once, then run as often as needed. */

const SOURCE = new URL("./segment_peer.c", import.meta.url).pathname;

/** The compiler that is there, if one is. */
export const compiler: string | undefined = ["cc", "gcc", "clang"].find(
  (name) => {
    try {
      const { success } = new Deno.Command(name, {
        args: ["--version"],
        stdout: "null",
        stderr: "null",
      }).outputSync();
      return success;
    } catch {
      return false;
    }
  },
);

if (!compiler) {
  console.log("Skipping the segment peer in C: there is no C compiler (cc)");
}

/** The compiled peer; its folder goes with it. */
export class CProgram implements AsyncDisposable {
  #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async compile(): Promise<CProgram> {
    const program = new CProgram(await Deno.makeTempDir());
    const flags = ["-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra"];
    const { success, stderr } = await new Deno.Command(compiler!, {
      args: [...flags, "-O1", "-o", program.#binary, SOURCE],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return program;
  }

  /** A client of `port`, with faults such as `bad-syn=2`, and its messages. */
  client(
    port: number,
    faults: readonly string[] = [],
    messages: readonly string[] = [],
  ): CPeer {
    const args = ["client", String(port), ...faults, "--", ...messages];
    return new CPeer(this.#binary, args);
  }

  /** A server with faults such as `bad-syn-ack=2`. */
  server(...faults: readonly string[]): CPeer {
    return new CPeer(this.#binary, ["server", ...faults]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#folder, { recursive: true });
  }

  get #binary(): string {
    return `${this.#folder}/segment_peer`;
  }
}

/** One run of it. */
export class CPeer implements AsyncDisposable {
  /** The lines that it has printed so far. */
  readonly lines: string[] = [];
  /** Its exit code, once all its output is here. */
  readonly ended: Promise<number>;
  #process: Deno.ChildProcess;
  #over = false;
  #wake: () => void = () => {};

  constructor(binary: string, args: string[]) {
    this.#process = new Deno.Command(binary, {
      args,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.ended = this.#read();
  }

  /** Waits for the next line that begins so, and gives what follows. */
  async line(start: string): Promise<string> {
    for (;;) {
      const line = this.lines.find((one) => one.startsWith(`${start} `));
      if (line !== undefined) return line.slice(start.length + 1);
      if (this.#over) throw new Error(`No "${start}" in: ${this.lines}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Lets it go on where it waits for a line. */
  async goOn(): Promise<void> {
    const writer = this.#process.stdin.getWriter();
    await writer.write(new Uint8Array([10]));
    writer.releaseLock();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.ended;
  }

  async #read(): Promise<number> {
    let rest = "";
    const { stdout, stdin, status } = this.#process;
    for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split("\n");
      rest = parts.pop()!;
      this.lines.push(...parts);
      this.#wake();
    }
    const { code } = await status;
    await stdin.close().catch(() => {});
    this.#over = true;
    this.#wake();
    return code;
  }
}
