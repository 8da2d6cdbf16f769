/**
 * The clients of the benchmarks, each in a process of its own, so that nobody
 * pays for what another one's library does:
 * `deno run -A bench/client.ts <kind> <port> [argument]`, where the kind is the
 * name of a file in `peers/`. Once connected prints what it is made of; then for
 * each line on its standard input, a {@linkcode Turn} as JSON, the rate that it
 * reached.
 *
 * @module
 */
import { rateOf, type Turn } from "./measure.ts";
import { lines, type PeerKind } from "./support.ts";

const [kind, port, argument] = Deno.args;
const { peer } = await import(`./peers/${kind}.ts`) as { peer: PeerKind };
const caller = await peer.connect(Number(port), argument);
print({ version: await peer.version(), wants: caller.want !== undefined });
for await (const line of lines(Deno.stdin.readable)) {
  const turn = JSON.parse(line) as Turn;
  print(await rateOf(caller, turn));
}
await caller.close();
// Some clients keep timers of their own.
Deno.exit();

function print(value: unknown): void {
  // deno-lint-ignore no-console
  console.log(JSON.stringify(value));
}
