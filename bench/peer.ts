/**
 * The servers that the benchmarks talk to, each in a process of its own:
 * `deno run -A bench/peer.ts <kind> [argument]`, where the kind is the name of
 * a file in `peers/`. Prints its port; ends when its standard input does.
 *
 * @module
 */
import type { PeerKind } from "./support.ts";

const [kind, argument] = Deno.args;
const { peer } = await import(`./peers/${kind}.ts`) as { peer: PeerKind };
const port = await peer.serve(argument);
// deno-lint-ignore no-console
console.log(port);
// Whoever started this is gone, or done with it.
for await (const _ of Deno.stdin.readable);
Deno.exit();
