/**
 * Cypher and others, side by side: each server in a process of its own, one
 * client process, in turns. Writes `bench/RESULTS.md`.
 *
 * `deno task bench [rounds] [milliseconds for each in a round] [only]`, where
 * `only` is a part of the names of the tasks to run, and then nothing is
 * written.
 *
 * @module
 */
import { load, machine } from "./machine.ts";
import { compare, type Contender, type Figures, type Task } from "./measure.ts";
import { peer as classic } from "./peers/classic.ts";
import { peer as cypher } from "./peers/cypher.ts";
import { peer as echo } from "./peers/echo.ts";
import { peer as grpc } from "./peers/grpc.ts";
import { peer as hono } from "./peers/hono.ts";
import { peer as nats } from "./peers/nats.ts";
import { peer as python, PYTHON_ENV, pythonProgram } from "./peers/python.ts";
import { peer as socketIo } from "./peers/socket_io.ts";
import {
  outputOf,
  type Peer,
  type PeerKind,
  pin,
  startPeer,
  startProgram,
} from "./support.ts";
import { makeCertificate } from "./certificate.ts";
import { figuresTable, targetsTable } from "./report.ts";

const rounds = Number(Deno.args[0] ?? 9);
const budget = Number(Deno.args[1] ?? 150);
const only = Deno.args[2];

const sizes = [
  { title: "100 bytes there and back", size: 100, both: true },
  { title: "16 KiB there and back", size: 16_384, both: true },
  { title: "1 MiB there and back", size: 1_048_576, both: true },
  { title: "answers of 1 MiB", size: 1_048_576, both: false },
];
const tasks: Task[] = [1, 64].flatMap((inFlight) =>
  sizes.map(({ title, ...rest }) => ({
    ...rest,
    inFlight,
    title: `${inFlight === 1 ? "One at a time" : `${inFlight} in flight`}, ` +
      title,
  }))
).filter(({ title }) => only === undefined || title.includes(only));

await using cleanup = new AsyncDisposableStack();
const contenders: Contender[] = [];
const notes: string[] = [];
const versions: string[] = [];

const pinned = await pin();
const certificate = await makeCertificate();
if (certificate) {
  cleanup.defer(() => Deno.remove(certificate, { recursive: true }));
}

await join("raw TCP echo", echo, () => startPeer("echo"));
await join("Cypher session", cypher, () => startPeer("cypher"));
if (certificate === undefined) {
  notes.push("Without TLS: there is no `openssl`.");
} else {
  await join(
    "Cypher session, TLS",
    cypher,
    () => startPeer("cypher", certificate),
    certificate,
  );
}
await join("Cypher classic", classic, () => startPeer("classic"));
await join("Hono", hono, () => startPeer("hono"));
await join("Socket.IO", socketIo, () => startPeer("socket_io"));
if (await outputOf("nats-server", "--version") === undefined) {
  notes.push("Without NATS: there is no `nats-server`.");
} else await join("NATS", nats, () => startPeer("nats"));
await join("gRPC", grpc, () => startPeer("grpc"));
const program = await pythonProgram();
if (program === undefined) {
  notes.push("Without the Python peer: there is no `cryptography` for it.");
} else await join("Python", python, () => startProgram(program, PYTHON_ENV));

const loadBefore = load();
const results: [Task, Figures][] = [];
for (const task of tasks) {
  const figures = await compare(task, contenders, { rounds, budget });
  results.push([task, figures]);
  print(`${task.title}\n\n${figuresTable(task, figures)}\n`);
}
print(targetsTable(results));
for (const note of notes) print(note);
if (only === undefined) await write();
// Some clients keep timers of their own.
await cleanup.disposeAsync();
Deno.exit();

/** Starts a server, connects its client, and notes its version. */
async function join(
  name: string,
  kind: PeerKind,
  start: () => Promise<Peer>,
  argument?: string,
): Promise<void> {
  const server = cleanup.use(await start());
  const caller = await kind.connect(server.port, argument);
  cleanup.defer(async () => void await caller.close());
  contenders.push({ name, caller });
  versions.push(`${name}: ${await kind.version()}`);
}

async function write(): Promise<void> {
  const list = (lines: string[]) => lines.map((line) => `- ${line}`).join("\n");
  const text = `# Results

Made by \`deno task bench\`: ${rounds} rounds in turns of ${budget} ms each,
medians; ${
    pinned
      ? "the client on one core, the servers on another"
      : "no process was kept on a core"
  }.
Ratios are the medians of the rounds' ratios. Load of the machine before:
${loadBefore}, after: ${load()} (two processes of the benchmark's own among it).

${list(await machine())}

${list([...versions, ...notes])}

Classic and Python answer one request at a time: of 64, 63 wait. What is asked
is the same for all: a text of that size comes back, as JSON (gRPC: a message
with one string; raw echo: the bytes alone).

## Targets

${targetsTable(results)}

## Figures

${
    results.map(([task, figures]) =>
      `### ${task.title}\n\n${figuresTable(task, figures)}`
    ).join("\n\n")
  }
`;
  const file = new URL("./RESULTS.md", import.meta.url).pathname;
  await Deno.writeTextFile(file, text);
  await outputOf(Deno.execPath(), "fmt", file);
}

function print(text: string): void {
  // deno-lint-ignore no-console
  console.log(text);
}
