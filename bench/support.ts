/** What the benchmarks share. */
import type { Contender, Turn } from "./measure.ts";

/** Keys for measuring alone. */
export const KEYS = {
  clientToServer: "bench-client-to-server-key-32-ch",
  serverToClient: "bench-server-to-client-key-32-ch",
};

/** Something to compare with: a server, and the client that belongs to it. */
export interface PeerKind {
  /** What it is made of, with its version. */
  version(): string | Promise<string>;
  /** Starts the server; resolves to its port. */
  serve(argument?: string): number | Promise<number>;
  /** Connects a client. */
  connect(port: number, argument?: string): Caller | Promise<Caller>;
}

/** A connected client. */
export interface Caller {
  /** Has a text sent back. */
  echo(text: string): Promise<unknown>;
  /** Asks for a text of `size` characters; missing where that cannot be. */
  want?(size: number): Promise<unknown>;
  /** Ends the connection. */
  close(): unknown;
}

/** A client in a process of its own. */
export interface Client extends Omit<Contender, "name">, Disposable {
  /** What it is made of, with its version. */
  readonly version: string;
}

/** A server in a process of its own. */
export interface Peer extends Disposable {
  readonly port: number;
  readonly pid: number;
}

/**
 * Keeps this process on the first core, and peers started later on the second.
 * Where the scheduler is free, it puts some pairs of processes on one core and
 * others on two, which changes a round trip more than what is measured does.
 * Returns whether that could be done (it takes Linux's `taskset`).
 */
export async function pin(): Promise<boolean> {
  try {
    const { success } = await new Deno.Command("taskset", {
      args: ["--all-tasks", "--cpu-list", "--pid", "0", String(Deno.pid)],
      stdout: "null",
      stderr: "null",
    }).output();
    return pinned = success;
  } catch {
    return false;
  }
}

let pinned = false;

/** Starts one of `bench/peer.ts`; resolves once it listens. */
export function startPeer(kind: string, argument?: string): Promise<Peer> {
  const program = [...scriptOf("peer.ts"), kind];
  return startProgram(
    argument === undefined ? program : [...program, argument],
  );
}

function scriptOf(name: string): string[] {
  const script = new URL(name, import.meta.url).pathname;
  const deno = [Deno.execPath(), "run", "--no-prompt", "--no-lock"];
  // Some packages ask for much; a peer of ours needs the network alone.
  return [...deno, "--allow-all", script];
}

/** Starts a program that prints its port, or JSON with a `port`, on stdout. */
export async function startProgram(
  program: readonly string[],
  env: Record<string, string> = {},
): Promise<Peer> {
  const onSecondCore = pinned ? ["taskset", "--cpu-list", "1"] : [];
  const { pid, answers, stop } = start([...onSecondCore, ...program], env);
  const { value = "" } = await answers.next();
  const port = Number(/\d+/.exec(value));
  if (!(port > 0)) throw new Error(`${program.join(" ")} did not start`);
  return { port, pid, [Symbol.dispose]: stop };
}

/** Starts one of `bench/client.ts`, on the core of this process. */
export async function startClient(
  kind: string,
  port: number,
  argument?: string,
): Promise<Client> {
  const program = [...scriptOf("client.ts"), kind, String(port)];
  const { answers, ask, stop } = start(
    argument === undefined ? program : [...program, argument],
  );
  const next = async () => {
    const { value } = await answers.next();
    if (value === undefined) throw new Error(`The client of ${kind} ended`);
    return JSON.parse(value);
  };
  const { version, wants } = await next();
  const rate = async (turn: Turn) => {
    await ask(JSON.stringify(turn));
    return await next();
  };
  return { version, wants, rate, [Symbol.dispose]: stop };
}

/** A process that is told lines, and tells lines. It ends when its input does. */
function start(program: readonly string[], env: Record<string, string> = {}) {
  const [command, ...args] = program;
  const process = new Deno.Command(command!, {
    args,
    env,
    // They end when it does, and so never outlive this process.
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = process.stdin.getWriter();
  return {
    pid: process.pid,
    answers: lines(process.stdout),
    ask: (line: string) => input.write(new TextEncoder().encode(`${line}\n`)),
    stop: () => void input.close().catch(() => {}),
  };
}

/** The lines of a stream. */
export async function* lines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
  return undefined;
}

/** What a program prints, or undefined where there is none such. */
export async function outputOf(
  command: string,
  ...args: string[]
): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(command, {
      args,
      stderr: "null",
    }).output();
    return success ? new TextDecoder().decode(stdout).trim() : undefined;
  } catch {
    return undefined;
  }
}

/** A text of `size` characters: made once, as making it is not measured. */
export function filler(size: number): string {
  let text = fillers.get(size);
  if (text === undefined) {
    // Joined, as a text that is repeated stays a tree until it is first read.
    fillers.set(size, text = new Array(size + 1).join("x"));
  }
  return text;
}

const fillers = new Map<number, string>();

/** The middle of some numbers. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** How long each of `times` calls takes, in microseconds: the median. */
export async function medianTime(
  call: () => Promise<unknown>,
  times: number,
): Promise<number> {
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await call();
    taken.push((performance.now() - start) * 1000);
  }
  return median(taken);
}
