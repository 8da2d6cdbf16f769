/** How long somebody waits for a line before the test is wrong, in ms. */
const PATIENCE = 20_000;

/**
 * Somebody with `nc`: types lines, reads lines. Knows nothing of the code under
 * test, and answers no pings of its own accord.
 */
export class Person implements AsyncDisposable {
  #conn: Deno.TcpConn;
  #reader: ReadableStreamDefaultReader<string>;
  #lines: string[] = [];
  #rest = "";

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    this.#reader = conn.readable.pipeThrough(new TextDecoderStream())
      .getReader();
  }

  /** Connects, and reads nothing yet. */
  static async connect(
    { port }: { port: number },
  ): Promise<Person> {
    return new Person(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Connects, takes the greeting and logs in. */
  static async login(at: { port: number }, name: string): Promise<Person> {
    const person = await Person.connect(at);
    await person.sees(/^INIT ./);
    await person.says(`IDENT ${name}`, `OK IDENT ${name}`);
    return person;
  }

  /** The connection's own port, by which a monitor knows it. */
  get port(): number {
    return this.#conn.localAddr.port;
  }

  /** Types lines. */
  async types(...lines: string[]): Promise<void> {
    await this.sends(new TextEncoder().encode(lines.join("\n") + "\n"));
  }

  /** Sends bytes. */
  async sends(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.#conn.write(bytes.subarray(at));
    }
  }

  /** Types a line, and sees the answers that follow. */
  async says(
    line: string,
    ...answers: (string | RegExp | null)[]
  ): Promise<void> {
    await this.types(line);
    await this.sees(...answers);
  }

  /** The next lines must be these; null is the end of the connection. */
  async sees(...expected: (string | RegExp | null)[]): Promise<void> {
    for (const one of expected) {
      const line = await this.next();
      const same = one instanceof RegExp ? line !== null && one.test(line) : (
        line === one
      );
      if (!same) throw new Error(`Expected ${one}, saw ${line}`);
    }
  }

  /** Reads on until a line matches; gives all the lines up to it. */
  async until(pattern: RegExp): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.next();
      if (line === null) throw new Error(`It ended before ${pattern}`);
      lines.push(line);
      if (pattern.test(line)) return lines;
    }
  }

  /** The next line; null at the end of the connection. */
  async next(): Promise<string | null> {
    while (this.#lines.length === 0) {
      const text = await this.#read();
      if (text === undefined) return null;
      const [first = "", ...more] = (this.#rest + text).split("\n");
      const all = [first, ...more];
      this.#rest = all.pop()!;
      this.#lines.push(...all);
    }
    return this.#lines.shift()!;
  }

  /** Goes without a word. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {});
    try {
      this.#conn.close();
    } catch {
      // Reading to the end has closed it.
    }
  }

  async #read(): Promise<string | undefined> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new Error("Nothing came")),
      PATIENCE,
    );
    try {
      return (await Promise.race([this.#reader.read(), promise])).value;
    } catch (error) {
      if (error instanceof Error && error.message === "Nothing came") {
        throw error;
      }
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}
