import { CypherError } from "../protocol/errors.ts";
import type { Command } from "../protocol/command_line.ts";
import { count } from "../protocol/options.ts";
import type { CypherClient } from "./cypher_client.ts";

/** The flags of `deno task ping` alone. */
export const PING = {
  n: {
    kind: "number",
    about: "How many round trips",
    option: count(10, 1, 10_000_000),
  },
} as const satisfies Command["flags"];

/**
 * Makes round trips one after the other and sums them up in a few lines.
 *
 * @throws {CypherError} Whatever a request that did not come back ends in.
 */
export async function ping(
  client: CypherClient,
  times: number,
  deadline: number,
): Promise<string> {
  const request = { path: "/NUMBER", operation: "READ" };
  const taken = new Float64Array(times);
  const start = performance.now();
  for (let i = 0; i < times; i++) {
    const sent = performance.now();
    try {
      // A server that was restarted meanwhile may be asked again.
      await client.request(request, { deadline, idempotent: true });
    } catch (error) {
      // Any answer is a round trip; no answer is the end of the measuring.
      if (!(error instanceof CypherError) || error.code !== "STATUS") {
        throw error;
      }
    }
    taken[i] = performance.now() - sent;
  }
  const seconds = (performance.now() - start) / 1000;
  taken.sort();
  const at = (part: number) =>
    `${taken[Math.floor(part * (times - 1))]!.toFixed(3)} ms`;
  return `${times} round trips in ${seconds.toFixed(2)} s, ` +
    `${Math.round(times / seconds)} a second\n` +
    `min ${at(0)}, median ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}`;
}
