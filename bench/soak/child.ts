import type { Answered, Question } from "./answering.ts";
import { linesOf } from "./lines.ts";

/** How a {@linkcode Child} is started. */
export interface ChildOptions {
  /** The cores that it may run on, as `taskset` writes them; default any. */
  readonly cores?: string | undefined;
  /** How many file descriptors it may open, default as many as we may. */
  readonly descriptors?: number;
  /** Whether it gets the time that nobody else wants. */
  readonly nice?: boolean;
}

/** A program did not start, or could not answer. */
export class ChildError extends Error {
  override name = "ChildError";
  /** The code of the `CypherError` that it had, or `""`. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/**
 * A program of the soak in a process of its own, see `programs/`. It is asked
 * questions; it ends when it is disposed of, or when this process ends.
 */
export class Child implements AsyncDisposable {
  /** Resolves once it has ended. */
  readonly ended: Promise<Deno.CommandStatus>;
  #process: Deno.ChildProcess;
  #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #asked = 0;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.ended = process.status;
    this.#input = process.stdin.getWriter();
    // It may end whenever it likes: who waits for an answer is told.
    this.#input.closed.catch(() => {});
    this.#read();
  }

  /**
   * Starts a program of `programs/`.
   *
   * @throws {ChildError} If it could not make what it is about.
   */
  static async start(
    name: string,
    argument: unknown,
    { cores, descriptors, nice }: ChildOptions = {},
  ): Promise<Child> {
    const program = [
      Deno.execPath(),
      "run",
      "--quiet",
      "--no-prompt",
      "--no-lock",
      "--allow-all",
      "--v8-flags=--expose-gc",
      new URL(`./programs/${name}.ts`, import.meta.url).pathname,
      JSON.stringify(
        argument,
        (_, value) => value === Infinity ? "Infinity" : value,
      ),
    ];
    const limited = descriptors === undefined
      ? program
      : ["bash", "-c", `ulimit -n ${descriptors}; exec "$@"`, "_", ...program];
    const polite = nice ? ["nice", "-n", "19", ...limited] : limited;
    const [command, ...args] = cores === undefined
      ? polite
      : ["taskset", "--cpu-list", cores, ...polite];
    const process = new Deno.Command(command!, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const child = new Child(process);
    const ready = Promise.withResolvers<unknown>();
    child.#waiting.set(0, ready);
    await ready.promise;
    return child;
  }

  /** Its process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /**
   * What it answers.
   *
   * @throws {ChildError} If it cannot.
   */
  async ask<T>(question: string, argument: unknown = null): Promise<T> {
    const answer = Promise.withResolvers<unknown>();
    const line: Question = { id: ++this.#asked, question, argument };
    this.#waiting.set(line.id, answer);
    const text = JSON.stringify(line) + "\n";
    await this.#input.write(new TextEncoder().encode(text));
    return await answer.promise as T;
  }

  /** Sends it a signal. */
  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** How many file descriptors it has open (Linux). */
  async descriptors(): Promise<number> {
    const open = await Array.fromAsync(Deno.readDir(`/proc/${this.pid}/fd`));
    return open.length;
  }

  /** Ends it, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.ended;
    await this.#input.close().catch(() => {});
  }

  async #read(): Promise<void> {
    for await (const line of linesOf(this.#process.stdout)) {
      const answer: Answered = JSON.parse(line);
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ("error" in answer) {
        waiting?.reject(new ChildError(answer.error, answer.code));
      } else waiting?.resolve(answer.value);
    }
    for (const waiting of this.#waiting.values()) {
      waiting.reject(new ChildError("The program has ended", ""));
    }
  }
}
