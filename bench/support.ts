/** What the benchmarks share. */

/** Keys for measuring alone. */
export const KEYS = {
  clientToServer: "bench-client-to-server-key-32-ch",
  serverToClient: "bench-server-to-client-key-32-ch",
};

/** A peer in a process of its own. */
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
export async function startPeer(kind: string): Promise<Peer> {
  const script = new URL("./peer.ts", import.meta.url).pathname;
  const deno = [Deno.execPath(), "run", "--no-prompt", "--allow-net"];
  const onSecondCore = pinned ? ["taskset", "--cpu-list", "1"] : [];
  const [command, ...args] = [...onSecondCore, ...deno, script, kind];
  const process = new Deno.Command(command!, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = process.stdout.pipeThrough(new TextDecoderStream())
    .getReader();
  const { value = "" } = await reader.read();
  const port = Number.parseInt(value);
  if (!(port > 0)) throw new Error(`The peer "${kind}" did not start`);
  return { port, pid: process.pid, [Symbol.dispose]: () => process.kill() };
}

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
