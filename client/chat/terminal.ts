import process from "node:process";
import { clearLine, createInterface, cursorTo } from "node:readline";

/**
 * Lines from a person and lines to a person, on one terminal: what is printed
 * appears above the line that is being typed. Without a terminal, plain lines.
 */
export class Terminal implements Disposable {
  #interface: ReturnType<typeof createInterface>;
  #lines: AsyncIterator<string>;
  #interactive: boolean;
  #typing = false;

  /** Takes over the standard input and output. */
  constructor() {
    this.#interactive = process.stdin.isTTY === true &&
      process.stdout.isTTY === true;
    this.#interface = createInterface({
      input: process.stdin,
      output: process.stdout,
      terminal: this.#interactive,
      prompt: this.#interactive ? "> " : "",
    });
    // Ctrl-C ends the input, as Ctrl-D does.
    this.#interface.on("SIGINT", () => this.#interface.close());
    this.#lines = this.#interface[Symbol.asyncIterator]();
  }

  /** Prints a line, or several. */
  print(text: string): void {
    if (!this.#typing) return void process.stdout.write(`${text}\n`);
    cursorTo(process.stdout, 0);
    clearLine(process.stdout, 0);
    process.stdout.write(`${text}\n`);
    this.#interface.prompt(true);
  }

  /** The next line a person types; undefined at the end of the input. */
  async read(prompt = "> "): Promise<string | undefined> {
    if (this.#interactive) {
      this.#interface.setPrompt(prompt);
      this.#interface.prompt();
      this.#typing = true;
    }
    const { done, value } = await this.#lines.next();
    this.#typing = false;
    return done ? undefined : value;
  }

  /** Ends reading: a read that waits gives undefined. */
  close(): void {
    this.#interface.close();
  }

  /** The same as {@linkcode Terminal.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}
