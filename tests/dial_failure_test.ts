/** What a client says of a connection that it cannot make, by what is wrong. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { CypherClientOptions, Dial } from "../mod.ts";
import { PacketClient } from "../packet.ts";
import { SegmentClient } from "../segment.ts";
import { errorOf, HeldTimers, makeClient, until } from "./support/cypher.ts";
import { NO_NAME } from "./support/no_name.ts";

/** Port 1, on which nobody listens. */
const address = { hostname: "127.0.0.1", port: 1 };

/** Why it is offline, and what it says when it gives up. */
async function outcome(
  options: Partial<CypherClientOptions>,
): Promise<{ reasons: string[]; message: string }> {
  const reasons: string[] = [];
  await using client = makeClient(address, {
    attempts: 2,
    onOffline: (reason) => reasons.push(reason),
    ...options,
  });
  const { code, message } = await errorOf(client.connect());
  assertEquals(code, "CONNECT_FAILED");
  return { reasons, message };
}

/** A dial that fails as the system's does. */
function failing(message: string, code?: string): Dial {
  return () => Promise.reject(Object.assign(new Error(message), { code }));
}

for (const hostname of [NO_NAME, "a..b"]) {
  Deno.test(`a name that does not resolve: ${hostname}`, async () => {
    const { reasons, message } = await outcome({ hostname });
    assertEquals(reasons, ["unresolved-name"]);
    assertStringIncludes(
      message,
      `Cannot connect to ${hostname}:1: the hostname does not resolve: `,
    );
    assertMatch(message, /[^:] \(attempts made: 2\)$/);
  });
}

Deno.test("a name that does not resolve on Windows, or has no address", async () => {
  for (
    const text of [
      "No such host is known. (os error 11001)",
      "No resolved address found",
    ]
  ) {
    const { reasons, message } = await outcome({ dial: failing(text) });
    assertEquals(reasons, ["unresolved-name"]);
    assertStringIncludes(message, `the hostname does not resolve: ${text} (`);
  }
});

Deno.test({
  name: "a network that there is no way to",
  // Linux has no TCP to the broadcast address, on whatever network it is.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const hostname = "255.255.255.255";
    assertEquals(await outcome({ hostname }), {
      reasons: ["unreachable"],
      message: "Cannot connect to 255.255.255.255:1: Network is unreachable " +
        "(os error 101) (attempts made: 2)",
    });
  },
});

Deno.test("a host that there is no way to", async () => {
  const text = "No route to host (os error 113)";
  const { reasons, message } = await outcome({
    dial: failing(text, "EHOSTUNREACH"),
  });
  assertEquals(reasons, ["unreachable"]);
  assertStringIncludes(message, text);
});

Deno.test("no answer to a dial", async () => {
  const timers = new HeldTimers(54_321);
  const late = outcome({
    attempts: 1,
    clock: timers.clock,
    connectTimeout: 54_321,
    dial: (_, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      }),
  });
  await until("a dial", () => timers.waiting === 1);
  timers.fire();
  assertEquals(await late, {
    reasons: ["timeout"],
    message: "Cannot connect to 127.0.0.1:1: no answer within 54321 ms " +
      "(attempts made: 1)",
  });
  const text = "Connection timed out (os error 110)";
  const { reasons, message } = await outcome({
    dial: failing(text, "ETIMEDOUT"),
  });
  assertEquals(reasons, ["timeout"]);
  assertStringIncludes(message, text);
});

Deno.test("what a dial fails at otherwise is refused, and said", async () => {
  const { reasons, message } = await outcome({
    dial: () => Promise.reject("a proxy's own trouble"),
  });
  assertEquals(reasons, ["refused"]);
  assertStringIncludes(message, ": a proxy's own trouble (");
});

Deno.test("who is told that it is offline can see whether it is tried again", async () => {
  for (const [attempts, state] of [[1, "idle"], [2, "waiting"]] as const) {
    const states: string[] = [];
    await using client = makeClient(address, {
      attempts,
      onOffline: () => states.push(client.state),
    });
    await errorOf(client.connect());
    assertEquals(states, [state]);
  }
});

Deno.test("the smaller clients say it too", async () => {
  await using packet = new PacketClient({ hostname: NO_NAME });
  await using segment = new SegmentClient({ hostname: NO_NAME });
  for (const client of [packet, segment]) {
    const { code, message } = await errorOf(client.connect());
    assertEquals(code, "CONNECT_FAILED");
    assertStringIncludes(message, "the hostname does not resolve: ");
  }
});
