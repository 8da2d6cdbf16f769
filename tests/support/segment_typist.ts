/** A Deno program under test, and somebody who types into it. */
export class Typist implements AsyncDisposable {
  /** What it has printed so far. */
  output = "";
  /** What it has printed to stderr so far. */
  errors = "";
  /** Its exit code, once all its output is here. */
  readonly ended: Promise<number>;
  #process: Deno.ChildProcess;
  #keyboard: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #over = false;
  #wake: () => void = () => {};

  /** Starts `deno` with these arguments. */
  constructor(args: string[]) {
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const [verb, ...rest] = args;
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [verb!, "--quiet", "--config", config, ...rest],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#keyboard = this.#process.stdin.getWriter();
    this.ended = this.#read();
  }

  /** Types a text. */
  async type(text: string): Promise<void> {
    await this.#keyboard.write(new TextEncoder().encode(text));
  }

  /** Types Ctrl-D. */
  async endOfInput(): Promise<void> {
    await this.#keyboard.close();
  }

  /** Waits until it has printed a text. */
  async prints(text: string): Promise<void> {
    while (!(this.output + this.errors).includes(text)) {
      if (this.#over) throw new Error(`It ended: ${this.errors}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
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
    const { stdout, stderr, status } = this.#process;
    await Promise.all([
      this.#collect(stdout, (text) => this.output += text),
      this.#collect(stderr, (text) => this.errors += text),
    ]);
    const { code } = await status;
    await this.#keyboard.close().catch(() => {});
    this.#over = true;
    this.#wake();
    return code;
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
