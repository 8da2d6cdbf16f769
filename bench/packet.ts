/**
 * What burst gains over step-by-step on a link with 5 ms of delay: messages of
 * one packet each, through the fault proxy, in turns, medians of the rounds.
 *
 * `deno run --allow-net bench/packet.ts [rounds] [messages in each]`
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { PacketClient, type PacketMode, PacketServer } from "../packet.ts";
import { FaultProxy } from "../tests/support/fault_proxy.ts";
import { median } from "./support.ts";

const DELAY = 5;
const rounds = Number(Deno.args[0] ?? 5);
const messages = Number(Deno.args[1] ?? 200);
const message = new Uint8Array(1_000).fill(7);

let received = 0;
await using server = new PacketServer({
  port: 0,
  handler: () => void received++,
});
await server.start();
const { hostname, port } = server.address;
const results: Record<string, number[]> = {};

for (const delay of [DELAY, 0]) {
  const link = { delay };
  await using proxy = FaultProxy.start(
    { hostname, port },
    () => ({ up: link, down: link }),
  );
  for (let round = 0; round < rounds; round++) {
    for (const mode of ["step-by-step", "burst"] as const) {
      (results[`${mode} ${delay}`] ??= []).push(
        await throughput(mode, proxy.address.port),
      );
    }
  }
}

/** Messages per second. */
async function throughput(mode: PacketMode, port: number): Promise<number> {
  await using client = new PacketClient({ port, mode });
  await client.connect();
  const before = received;
  const start = performance.now();
  await Promise.all(
    Array.from({ length: messages }, () => client.send(message)),
  );
  const seconds = (performance.now() - start) / 1_000;
  if (received - before !== messages) throw new Error("Not all arrived");
  return messages / seconds;
}

console.log(`${rounds} rounds in turns, ${messages} messages of 1,000 bytes`);
for (const delay of [DELAY, 0]) {
  const [step, burst] = ["step-by-step", "burst"].map((mode) =>
    median(results[`${mode} ${delay}`]!)
  );
  console.log(
    `${delay} ms of delay each way: step-by-step ${
      step!.toFixed(0)
    } a second, ` +
      `burst ${burst!.toFixed(0)}: ${(burst! / step!).toFixed(1)} times`,
  );
}
