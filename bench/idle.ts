/**
 * What idle connections cost: the server's memory for each, and what they do to
 * the round trip of a client that is not idle. Client and server are processes
 * of their own. Linux, as it reads /proc.
 *
 * `deno task bench:idle [connections]`
 *
 * @module
 */
import { CypherClient } from "../mod.ts";
import { KEYS, median, medianTime, pin, startPeer } from "./support.ts";

const count = Number(Deno.args[0] ?? 10_000);
const rounds = 9;
const times = 2_000;

await pin();
using peer = await startPeer("cypher");
await using client = new CypherClient({
  port: peer.port,
  wire: "classic",
  encryptionKey: KEYS.clientToServer,
  decryptionKey: KEYS.serverToClient,
});
const request = { path: "/NUMBER", operation: "UPDATE", data: 42 };
const ping = () => medianTime(() => client.request(request), times);

/** The middle of several rounds, so that one bad moment does not count. */
async function pings(): Promise<number> {
  const taken: number[] = [];
  for (let round = 0; round < rounds; round++) taken.push(await ping());
  return median(taken);
}

await ping();
const alone = await pings();
const memoryAlone = await resident(peer.pid);
const idle: Deno.TcpConn[] = [];
while (idle.length < count) {
  idle.push(
    ...await Promise.all(
      Array.from(
        { length: Math.min(100, count - idle.length) },
        () => Deno.connect({ hostname: "127.0.0.1", port: peer.port }),
      ),
    ),
  );
}
const among = await pings();
const memoryAmong = await resident(peer.pid);
for (const conn of idle) conn.close();
const after = await pings();

const each = (memoryAmong - memoryAlone) / count / 1024;
print(`${count} idle connections: ${each.toFixed(1)} KiB of memory each`);
print(
  `round trip without them ${alone.toFixed(1)} us, among them ${
    among.toFixed(1)
  } us, after them ${after.toFixed(1)} us`,
);
print(
  `among them it takes ${(2 * among / (alone + after)).toFixed(2)} times ` +
    `what it takes before and after`,
);

/** A process's resident memory in bytes. */
async function resident(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
}

function print(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}
