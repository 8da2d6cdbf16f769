/**
 * A server, or a client, whose requests Deno traces: a process of its own, as
 * Deno's tracing is on for a whole process or off. Ended by whoever started it.
 */

import { context, trace } from "@opentelemetry/api";
import type { CypherError, Handler, RequestInit } from "../../mod.ts";
import { openTelemetry } from "../../tracing.ts";
import { makeClient, startServer } from "./cypher.ts";

/** Where a span stands, as programs see it while it is active. */
export interface Standing {
  readonly traceId: string;
  readonly spanId: string;
}

/** What the client prints. */
export interface Asked {
  /** The span around all its requests. */
  readonly caller: Standing;
  /** The answers' DATA, or the codes of what they rejected with. */
  readonly outcomes: readonly unknown[];
}

/** What the client asks, in this order. */
const REQUESTS: readonly RequestInit[] = [
  { path: "/STANDING", operation: "READ" },
  { path: "/STANDING", operation: "READ", metadata: { own: 1 } },
  { path: "/METADATA", operation: "READ", metadata: { own: 1 } },
  { path: "/METADATA", operation: "READ", metadata: { traceparent: "mine" } },
  { path: "/THROWS", operation: "UPDATE", data: "a-secret-payload" },
  { path: "/REFUSES", operation: "READ" },
  { path: "/NOTHING", operation: "READ", data: 1n },
];

function standing(): Standing | undefined {
  const { traceId, spanId } = trace.getActiveSpan()?.spanContext() ?? {};
  return traceId && spanId ? { traceId, spanId } : undefined;
}

const handler: Handler = async ({ path, metadata, data }) => {
  const before = standing();
  await new Promise((resolve) => setTimeout(resolve, 0));
  switch (path) {
    case "/STANDING":
      return { data: { before, after: standing() } };
    case "/METADATA":
      return { data: metadata };
    case "/THROWS":
      throw new Error(`cannot use ${data}`);
  }
  return { status: { code: "NOT_FOUND", message: "a-secret-payload" } };
};

async function ask(port: number, wire: "classic" | "session"): Promise<Asked> {
  await using client = makeClient({ hostname: "127.0.0.1", port }, {
    wire,
    tracing: openTelemetry(),
  });
  const caller = trace.getTracer("test").startSpan("caller");
  const outcomes: unknown[] = [];
  for (const request of REQUESTS) {
    const asking = context.with(
      trace.setSpan(context.active(), caller),
      () => client.request(request),
    );
    outcomes.push(
      await asking.then(
        ({ data }) => data,
        (error: CypherError) => error.code,
      ),
    );
  }
  const { traceId, spanId } = caller.spanContext();
  caller.end();
  return { caller: { traceId, spanId }, outcomes };
}

if (import.meta.main) {
  const [role, port, wire] = Deno.args;
  const said = role === "server"
    ? await startServer(handler, {
      wires: ["classic", "session"],
      tracing: openTelemetry(),
      onHandlerError() {},
    }).then(({ address }) => ({ port: address.port }))
    : await ask(Number(port), wire as "session");
  // deno-lint-ignore no-console
  console.log(JSON.stringify(said));
}
