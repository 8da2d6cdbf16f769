/**
 * Starts the peers of `python_peer.py`, each in a process of its own. Times
 * are milliseconds, as everywhere in TypeScript.
 */

const SCRIPT = `${import.meta.dirname}/python_peer.py`;

/** The keys as that peer uses them: each is 32 ASCII characters. */
interface Keys {
  encryptionKey: string;
  decryptionKey: string;
}

export interface PythonServerOptions extends Keys {
  /** @default {0} a free one */
  port?: number;
  /** How long a connection may be idle. @default {120000} */
  timeout?: number;
}

export interface PythonServer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** Resolves when the process has ended. */
  readonly status: Promise<Deno.CommandStatus>;
  /** @param signal `SIGTERM` by default. */
  kill(signal?: Deno.Signal): void;
}

export interface PythonClientOptions extends Keys {
  port: number;
  /** How long each receive may take. @default {60000} */
  timeout?: number;
  /** How long it waits before it reconnects. @default {1000} */
  pause?: number;
}

export interface PythonClient extends AsyncDisposable {
  /**
   * Sends the object as it is, or `REPEAT` times if it has that key, and
   * resolves to the line printed. Requests may overlap: they are sent one
   * after the other. Rejects if the process ends first.
   */
  request(request: Record<string, unknown>): Promise<unknown>;
}

let interpreter: Promise<string | undefined> | undefined;

/** The path of a Python that has `cryptography`, if there is one. */
export function pythonAvailable(): Promise<string | undefined> {
  return interpreter ??= findPython();
}

async function findPython(): Promise<string | undefined> {
  for (const command of ["/usr/bin/python3", "python3"]) {
    try {
      const { success, stdout } = await new Deno.Command(command, {
        args: ["-c", "import cryptography.fernet, sys; print(sys.executable)"],
      }).output();
      if (success) return new TextDecoder().decode(stdout).trim();
    } catch {
      // Not installed: the next one may be.
    }
  }
  return undefined;
}

export async function startPythonServer(
  { port = 0, timeout, ...keys }: PythonServerOptions,
): Promise<PythonServer> {
  const peer = await PythonPeer.start(keys, [
    "server",
    `--port=${port}`,
    ...seconds("timeout", timeout),
  ]);
  try {
    const listening = JSON.parse(await peer.readLine()) as { port: number };
    return {
      port: listening.port,
      pid: peer.pid,
      status: peer.status,
      kill: (signal) => peer.kill(signal),
      [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
    };
  } catch (error) {
    await peer[Symbol.asyncDispose]();
    throw error;
  }
}

export async function startPythonClient(
  { port, timeout, pause, ...keys }: PythonClientOptions,
): Promise<PythonClient> {
  const peer = await PythonPeer.start(keys, [
    "client",
    `--port=${port}`,
    ...seconds("timeout", timeout),
    ...seconds("pause", pause),
  ]);
  return {
    async request(request) {
      // Asked for before anything is awaited, so that overlapping requests
      // get the lines in the order in which they were written.
      const line = peer.readLine();
      const [answer] = await Promise.all([
        line,
        peer.writeLine(JSON.stringify(request)),
      ]);
      return JSON.parse(answer);
    },
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

function seconds(option: string, ms: number | undefined): string[] {
  return ms === undefined ? [] : [`--${option}=${ms / 1000}`];
}

/** A process that is talked to in lines. */
export class PythonPeer implements AsyncDisposable {
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  readonly #process: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #stdout: AsyncGenerator<string, void>;

  private constructor(process: Deno.ChildProcess) {
    this.pid = process.pid;
    this.status = process.status;
    this.#process = process;
    this.#stdin = process.stdin.getWriter();
    this.#stdout = lines(process.stdout);
  }

  static async start(
    keys: Keys,
    args: string[],
    script = SCRIPT,
  ): Promise<PythonPeer> {
    const python = await pythonAvailable();
    if (python === undefined) {
      throw new Error("no python3 with the cryptography package was found");
    }
    const command = new Deno.Command(python, {
      args: [script, ...args],
      env: {
        CYPHER_ENCRYPTION_KEY: keys.encryptionKey,
        CYPHER_DECRYPTION_KEY: keys.decryptionKey,
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    return new PythonPeer(command.spawn());
  }

  async readLine(): Promise<string> {
    const { value } = await this.#stdout.next();
    if (value === undefined) throw new Error("the Python peer has ended");
    return value;
  }

  async writeLine(line: string): Promise<void> {
    await this.#stdin.write(new TextEncoder().encode(`${line}\n`));
  }

  kill(signal: Deno.Signal = "SIGTERM"): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      // A peer stopped by SIGSTOP would never see a SIGTERM.
      this.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.status;
    await this.#stdin.abort().catch(() => {});
    await this.#stdout.return();
  }
}

async function* lines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    rest += text;
    if (!text.includes("\n")) continue;
    const complete = rest.split("\n");
    rest = complete.pop() ?? "";
    yield* complete;
  }
}
