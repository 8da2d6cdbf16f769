/**
 * What the dashboard costs the server. First with one page open: round trips
 * one at a time, and requests per second with 64 in flight, of a server alone,
 * of one with its sidecar, and of that with a page, in turns. Then with 200
 * subscribers that never read: when they are evicted, what memory is held, and
 * the round trip meanwhile. Linux, as it reads /proc.
 *
 * `deno task bench:dashboard [rounds]`
 *
 * @module
 */
import { CypherClient } from "../mod.ts";
import { KEYS, median, medianTime, pin } from "./support.ts";

const rounds = Number(Deno.args[0] ?? 15);
const TIMES = 2_000;
const IN_FLIGHT = 64;
const STALLED = 200;
const request = { path: "/NUMBER", operation: "UPDATE", data: 42 };

const pinned = await pin();

/** A program of the bench, and the lines it prints. */
class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #rest = "";

  constructor(script: string, args: string[], core: number) {
    const path = new URL(script, import.meta.url).pathname;
    const deno = [
      Deno.execPath(),
      "run",
      "--allow-net",
      "--v8-flags=--expose-gc",
      path,
      ...args,
    ];
    const [command, ...rest] = pinned
      ? ["taskset", "--cpu-list", String(core), ...deno]
      : deno;
    this.#child = new Deno.Command(command!, {
      args: rest,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    this.#input = this.#child.stdin.getWriter();
  }

  async line(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("A program of the bench ended");
      this.#rest += value;
    }
    const end = this.#rest.indexOf("\n");
    const line = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end + 1);
    return line;
  }

  /** What came of a line. */
  async ask(line: string): Promise<number> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
    return Number(await this.line());
  }

  /** What it holds after a collection, and what the system gave it, in MB. */
  async memory(): Promise<{ heap: number; resident: number }> {
    const heap = await this.ask("memory");
    const status = await Deno.readTextFile(`/proc/${this.#child.pid}/status`);
    const resident = Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
    return { heap: heap / 1e6, resident: resident / 1e6 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
    await this.#lines.cancel().catch(() => {});
    await this.#input.abort().catch(() => {});
  }
}

// One process for all: two of a kind differ by more than what is measured.
await using program = new Program("./dashboard_peer.ts", [], 1);
await using client = new CypherClient({
  port: Number(await program.line()),
  encryptionKey: KEYS.clientToServer,
  decryptionKey: KEYS.serverToClient,
});

const ping = () => medianTime(() => client.request(request), TIMES);

/** Requests per second with many in flight. */
async function throughput(): Promise<number> {
  let left = 20_000;
  const start = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (left-- > 0) await client.request(request);
  }));
  return 20_000 / (performance.now() - start) * 1_000;
}

const KINDS = ["alone", "sidecar", "sidecar and page"] as const;
const results = Object.fromEntries(
  KINDS.map((kind) => [kind, { ping: [] as number[], rate: [] as number[] }]),
);
await throughput();
await ping();
for (let round = 0; round < rounds; round++) {
  for (const kind of KINDS) {
    const port = kind === "alone" ? 0 : await program.ask("on");
    const viewer = kind === "sidecar and page"
      ? new Program("./dashboard_viewer.ts", [at(port)], 0)
      : undefined;
    await viewer?.line();
    results[kind]!.ping.push(await ping());
    results[kind]!.rate.push(await throughput());
    await viewer?.[Symbol.asyncDispose]();
    if (port !== 0) await program.ask("off");
  }
}

print(`${rounds} rounds in turns, ${TIMES} round trips each, session wire`);
print(`client and servers ${pinned ? "on a core each" : "wherever they run"}`);
for (const kind of KINDS) {
  const { ping, rate } = results[kind]!;
  print(
    `${kind.padEnd(20)}${median(ping).toFixed(1).padStart(8)} us` +
      `${median(rate).toFixed(0).padStart(10)} /s with ${IN_FLIGHT} in flight`,
  );
}
const cost = (of: "ping" | "rate", sign: number) =>
  KINDS.slice(1).map((kind) => {
    const ratios = results[kind]![of]
      .map((value, i) => (value / results["alone"]![of][i]!) ** sign);
    return `${kind} ${((1 - median(ratios)) * 100).toFixed(1)}%`;
  }).join(", ");
print(`throughput lost, one at a time: ${cost("ping", -1)}`);
print(`throughput lost, ${IN_FLIGHT} in flight: ${cost("rate", 1)}`);

// The stalled.
const url = at(await program.ask("on"));
const base = await program.memory();
const before: number[] = [];
for (let round = 0; round < 40; round++) before.push(await ping());
const opening = new TextEncoder().encode(
  `GET /events HTTP/1.1\r\nHost: ${new URL(url).host}\r\n\r\n`,
);
const stalled = await Promise.all(
  Array.from({ length: STALLED }, async () => {
    const { hostname, port } = new URL(url);
    const socket = await Deno.connect({ hostname, port: Number(port) });
    await socket.write(opening);
    return socket;
  }),
);
const opened = performance.now();
const among: number[] = [];
let most = 0;
let streams = await countStreams();
const first = streams;
while (streams > 0 && performance.now() - opened < 60_000) {
  among.push(await ping());
  streams = await countStreams();
  if (streams > 0) most = Math.max(most, (await program.memory()).resident);
}
const seconds = (performance.now() - opened) / 1_000;
for (const socket of stalled) socket.close();
const after: number[] = [];
for (let round = 0; round < 40; round++) after.push(await ping());
const end = await program.memory();
const without = median([...before, ...after]);
print(
  `${first} streams that nobody reads: ${streams} left after ${
    seconds.toFixed(1)
  } s`,
);
print(
  `memory before ${mb(base.heap)} used, ${
    mb(base.resident)
  } resident; at most ${mb(most)} resident; after ${mb(end.heap)} used, ${
    mb(end.resident)
  } resident`,
);
print(
  `round trip without them ${without.toFixed(1)} us, among them ${
    median(among).toFixed(1)
  } us: ${(median(among) / without).toFixed(2)} times`,
);

function at(port: number): string {
  return `http://127.0.0.1:${port}/`;
}

async function countStreams(): Promise<number> {
  const text = await (await fetch(`${url}metrics`)).text();
  return Number(/^cypher_dashboard_streams (\d+)/m.exec(text)![1]);
}

function mb(value: number): string {
  return `${value.toFixed(1)} MB`;
}

function print(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}
