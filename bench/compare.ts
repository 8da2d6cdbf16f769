/**
 * Cypher and others, side by side: each server and each client in a process of
 * its own, in turns. Writes `bench/RESULTS.md`.
 *
 * `deno task bench [rounds] [milliseconds for each in a round] [only]`, where
 * `only` is a part of the names of the tasks to run, and then nothing is
 * written.
 *
 * @module
 */
import { load, machine } from "./machine.ts";
import { compare, type Contender, type Figures, type Task } from "./measure.ts";
import { PYTHON_ENV, pythonProgram } from "./peers/python.ts";
import {
  outputOf,
  type Peer,
  pin,
  startClient,
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

using cleanup = new DisposableStack();
const contenders: Contender[] = [];
const notes: string[] = [];
const versions: string[] = [];

const pinned = await pin();
const certificate = await makeCertificate();
if (certificate) {
  cleanup.defer(() => Deno.removeSync(certificate, { recursive: true }));
}

await join("raw TCP echo", "echo");
await join("Cypher session", "cypher");
if (certificate === undefined) {
  notes.push("Without TLS: there is no `openssl`.");
} else await join("Cypher session, TLS", "cypher", certificate);
await join("Cypher classic", "classic");
await join("Hono", "hono");
await join("Socket.IO", "socket_io");
if (await outputOf("nats-server", "--version") === undefined) {
  notes.push("Without NATS: there is no `nats-server`.");
} else await join("NATS", "nats");
await join("gRPC", "grpc");
const program = await pythonProgram();
if (program === undefined) {
  notes.push("Without the Python peer: there is no `cryptography` for it.");
} else {
  const server = cleanup.use(await startProgram(program, PYTHON_ENV));
  await enter("Python", "python", server);
}

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

/** Starts a server and the client that belongs to it. */
async function join(
  name: string,
  kind: string,
  argument?: string,
): Promise<void> {
  const server = cleanup.use(await startPeer(kind, argument));
  await enter(name, kind, server, argument);
}

/** Starts a client, and notes what it is made of. */
async function enter(
  name: string,
  kind: string,
  { port }: Peer,
  argument?: string,
): Promise<void> {
  const client = cleanup.use(await startClient(kind, port, argument));
  contenders.push({ name, ...client });
  versions.push(`${name}: ${client.version}`);
}

async function write(): Promise<void> {
  const list = (lines: string[]) => lines.map((line) => `- ${line}`).join("\n");
  const text = `# Results

Made by \`deno task bench\`: ${rounds} rounds in turns of ${budget} ms each,
medians; every client and server a process of its own, ${
    pinned
      ? "the clients on one core, the servers on another"
      : "no process was kept on a core"
  }.
Ratios are the medians of the rounds' ratios. Load of the machine before:
${loadBefore}, after: ${load()} (two processes of the benchmark's own among it).

${list(await machine())}

${list([...versions, ...notes])}

Classic and Python answer one request at a time: of 64, 63 wait. What is asked
is the same for all: a text of that size comes back, as JSON (gRPC: a message
with one string; raw echo: the bytes alone). One at a time, some 10 us are
what sleeping cores take to wake: where other work keeps them awake, all are
faster by that, and the ratios to the echo are larger.

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
