/**
 * Round trips, one at a time, over the classic wire, a raw TCP echo of the same
 * bytes, and Hono over HTTP keep-alive: each server in a process of its own, in
 * turns, medians of the rounds, and their ratios.
 *
 * `deno task bench [rounds] [round trips in each]`
 *
 * @module
 */
import { CypherClient } from "../mod.ts";
import { asciiBytes } from "../protocol/ascii.ts";
import { ClassicEnvelope } from "../protocol/classic.ts";
import { systemClock } from "../protocol/clock.ts";
import { writeRequest } from "../protocol/write_message.ts";
import { KEYS, median, medianTime, pin, startPeer } from "./support.ts";

const rounds = Number(Deno.args[0] ?? 15);
const times = Number(Deno.args[1] ?? 2_000);
const request = { path: "/NUMBER", operation: "UPDATE", data: 42 };

const pinned = await pin();
using echo = await startPeer("echo");
using hono = await startPeer("hono");
using cypher = await startPeer("cypher");

await using client = new CypherClient({
  port: cypher.port,
  wire: "classic",
  encryptionKey: KEYS.clientToServer,
  decryptionKey: KEYS.serverToClient,
});

const token = await new ClassicEnvelope({
  role: "client",
  encryptionKey: KEYS.clientToServer,
  decryptionKey: KEYS.serverToClient,
  maxAge: Infinity,
  clock: systemClock,
}).seal(asciiBytes(writeRequest(request)));
const conn = await Deno.connect({ hostname: "127.0.0.1", port: echo.port });
conn.setNoDelay(true);
const buffer = new Uint8Array(4_096);

const body = writeRequest(request);
const url = `http://127.0.0.1:${hono.port}/NUMBER`;

/** What is compared: each carries the same message there and back. */
const calls: Record<string, () => Promise<unknown>> = {
  async echo() {
    await conn.write(token);
    for (let got = 0; got < token.length;) got += (await conn.read(buffer))!;
  },
  async hono() {
    const response = await fetch(url, { method: "POST", body });
    await response.json();
  },
  cypher: () => client.request(request),
};

const results: Record<string, number[]> = { echo: [], hono: [], cypher: [] };
for (const call of Object.values(calls)) await medianTime(call, times);
for (let round = 0; round < rounds; round++) {
  for (const [name, call] of Object.entries(calls)) {
    results[name]!.push(await medianTime(call, times));
  }
}
conn.close();

const ratio = (name: string) =>
  median(results["cypher"]!.map((value, i) => value / results[name]![i]!));
const rows = {
  [`raw TCP echo of the ${token.length} sealed bytes`]: "echo",
  "Hono, HTTP keep-alive, plaintext": "hono",
  "Cypher, classic wire, sealed both ways": "cypher",
};
print(`${rounds} rounds in turns, ${times} round trips each, one at a time`);
print(`client and servers ${pinned ? "on a core each" : "wherever they run"}`);
for (const [title, name] of Object.entries(rows)) {
  print(
    `${title.padEnd(42)}${median(results[name]!).toFixed(1).padStart(8)} us`,
  );
}
print(`Cypher takes ${ratio("echo").toFixed(2)} times the raw echo's time`);
print(`Cypher takes ${ratio("hono").toFixed(2)} times Hono's time`);

function print(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}
