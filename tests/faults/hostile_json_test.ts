/** JSON that is meant to do harm: refused by its name, or passed on as it is. */

import { assert, assertEquals } from "@std/assert";
import { FRAME } from "../../protocol/frames.ts";
import type { Request } from "../../mod.ts";
import { makeClient, SignalLog, startServer, Wire } from "../support/cypher.ts";
import { SessionPeer } from "../support/session_peer.ts";

const BOTH = ["session", "classic"] as const;

/** What DATA says, and what the handler is to see of it; none if refused. */
const CASES: readonly { data: string; seen?: unknown; limit?: string }[] = [
  {
    data: '{"__proto__":{"admin":true},"constructor":{"prototype":1}}',
    seen: JSON.parse(
      '{"__proto__":{"admin":true},"constructor":{"prototype":1}}',
    ),
  },
  { data: '{"a":1,"a":2}', seen: { a: 2 } },
  { data: "9007199254740993" },
  { data: "1e999" },
  { data: "1".repeat(400) },
  { data: '"\\ud800"', seen: "\ud800" },
  { data: "[".repeat(64) + "]".repeat(64), limit: "depth" },
  { data: "[".repeat(100_000) + "]".repeat(100_000), limit: "depth" },
  { data: '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000), limit: "depth" },
];

for (const wire of BOTH) {
  Deno.test(`hostile JSON on the ${wire} wire`, async () => {
    const requests: Request[] = [];
    await using server = await startServer((request) => {
      requests.push(request);
      return { data: request.data };
    }, { wires: BOTH });
    using log = new SignalLog(server.monitor);
    using peer = wire === "session"
      ? await SessionPeer.dial(server.address)
      : await Wire.dial(server.address);
    let answered = 0;
    for (const { data, seen, limit } of CASES) {
      const message = `{"PATH":"/","OPERATION":"READ","DATA":${data}}`;
      if (peer instanceof Wire) await peer.send(await peer.seal(message));
      else await peer.send(FRAME.request, [answered + 1], message);
      const request = (await log.wait("request", ++answered)).at(-1)!;
      const about = data.slice(0, 40);
      assertEquals(
        request.status,
        seen === undefined ? "BAD_REQUEST" : "OK",
        about,
      );
      if (limit) assertEquals(log.of("limit").at(-1)?.limit, limit, about);
      if (seen === undefined) continue;
      const got = requests.pop()?.data;
      assertEquals(JSON.stringify(got), JSON.stringify(seen), about);
    }
    assertEquals(requests, [], "what is refused is no request");
    assert(!("admin" in {}));
    assertEquals(log.of("offline"), []);
    await using other = makeClient(server.address, { wire });
    assertEquals((await other.request({ data: "well" })).data, "well");
  });
}
