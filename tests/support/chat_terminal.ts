/** How long a test waits for something on the screen, in ms. */
const PATIENCE = 60_000;

/** How a program is run in a terminal of its own here; undefined if it can't. */
const RUNNER = await findRunner();

/** Why there is no terminal to run programs in; undefined if there is one. */
export const NO_TERMINAL: string | undefined = RUNNER
  ? undefined
  : "neither script (util-linux) nor python3 is there";

/**
 * A program in a real terminal: a pseudo-terminal, whose line discipline makes
 * of what is typed what it makes of a person's keys.
 */
export class TerminalProgram implements AsyncDisposable {
  /** All that was shown so far, control sequences included. */
  screen = "";
  /** The program's exit code. */
  readonly ended: Promise<number>;
  #process: Deno.ChildProcess;
  #keys: WritableStreamDefaultWriter<Uint8Array>;
  #wake = () => {};

  /** Starts `deno` with these arguments. */
  constructor(args: readonly string[]) {
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const [verb, ...rest] = args;
    const [command, ...words] = RUNNER!(
      [Deno.execPath(), verb!, "--quiet", "--config", config, ...rest],
    );
    this.#process = new Deno.Command(command!, {
      args: words,
      env: { NO_COLOR: "1", TERM: "xterm" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#keys = this.#process.stdin.getWriter();
    const { stdout, status } = this.#process;
    const read = this.#collect(stdout);
    this.ended = read.then(async () => {
      const { code } = await status;
      this.#wake();
      return code;
    });
  }

  /** Presses keys; Return is `\r`. */
  async types(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** Waits until a text is shown, after what `shows` has found before. */
  async shows(text: string): Promise<void> {
    let over = false;
    this.ended.then(() => over = true);
    const timer = setTimeout(() => {
      over = true;
      this.#wake();
    }, PATIENCE);
    try {
      for (;;) {
        const at = this.screen.indexOf(text, this.#seen);
        if (at !== -1) return void (this.#seen = at + text.length);
        if (over) throw new Error(`No "${text}" in ${this.screen}`);
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends it, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#keys.abort().catch(() => {});
    await this.ended;
  }

  #seen = 0;

  async #collect(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.screen += text;
      this.#wake();
    }
  }
}

type Runner = (words: readonly string[]) => string[];

async function findRunner(): Promise<Runner | undefined> {
  if (await works("script", ["-qec", "true", "/dev/null"])) {
    return (
      words,
    ) => ["script", "-qec", words.map(quoted).join(" "), "/dev/null"];
  }
  const spawn = "import os, pty, sys; " +
    "sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
  if (await works("python3", ["-c", spawn, "true"])) {
    return (words) => ["python3", "-c", spawn, ...words];
  }
  return undefined;
}

async function works(command: string, args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } catch {
    return false;
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
