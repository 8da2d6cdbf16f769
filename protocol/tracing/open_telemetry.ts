import {
  type Attributes,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { MaybePromise } from "../envelope.ts";
import { CypherError, CypherStatus } from "../errors.ts";
import type { Request, RequestInit } from "../message.ts";
import type { Send, Tracing } from "../tracing.ts";
import { contextOf, withContext } from "./trace_context.ts";

/**
 * Traces requests with OpenTelemetry: give it to clients and servers as their
 * option `tracing`. Who collects the spans is up to the program: Deno does with
 * `OTEL_DENO=true`, else an SDK that was registered; without either, nothing is
 * made and nothing is sent along.
 *
 * A span has the name of the request's operation, and attributes after the
 * [conventions for RPC](https://opentelemetry.io/docs/specs/semconv/rpc/rpc-spans/):
 * `rpc.system.name` (`cypher`), `rpc.method` (the operation), `cypher.path`,
 * `rpc.response.status_code`, `error.type`, `server.address` and `server.port`
 * (client), `client.address` and `client.port` (server). A client's span has
 * an event `resent` for each time its request was sent again. For a server,
 * `HANDLER_FAILED` and `DEADLINE` are errors, as the other statuses are what
 * handlers chose to answer.
 *
 * @example
 * ```ts
 * import { CypherClient } from "@cypher/protocol";
 * import { openTelemetry } from "@cypher/protocol/tracing";
 *
 * await using client = new CypherClient({
 *   encryptionKey: "client-to-server-key-of-32-chars",
 *   decryptionKey: "server-to-client-key-of-32-chars",
 *   tracing: openTelemetry(),
 * });
 * ```
 */
export function openTelemetry(): Tracing {
  return new OpenTelemetry();
}

/** The most of a peer's text that a span shows. */
const LONGEST_TEXT = 256;
/** The statuses that are a server's own fault. */
const FAULTS: ReadonlySet<string> = new Set(["HANDLER_FAILED", "DEADLINE"]);

class OpenTelemetry implements Tracing {
  #tracer = trace.getTracer("@cypher/protocol");

  async client<T>(
    request: RequestInit,
    { hostname, port }: { hostname: string; port: number },
    send: Send<T>,
  ): Promise<T> {
    const { operation = "NONE", path = "/" } = request;
    const parent = context.active();
    const span = this.#tracer.startSpan(shortened(operation), {
      kind: SpanKind.CLIENT,
      attributes: {
        ...attributesOf(operation, path),
        "server.address": hostname,
        "server.port": port,
      },
    }, parent);
    try {
      const answer = await send(
        withContext(request, trace.setSpan(parent, span)),
        () => span.addEvent("resent"),
      );
      span.setAttribute("rpc.response.status_code", "OK");
      return answer;
    } catch (error) {
      if (error instanceof CypherStatus) {
        span.setAttribute("rpc.response.status_code", shortened(error.status));
        failed(span, error.status);
      } else failed(span, error instanceof CypherError ? error.code : "_OTHER");
      throw error;
    } finally {
      span.end();
    }
  }

  server<T extends { readonly status: string }>(
    request: Request,
    { address }: { address: string },
    run: () => MaybePromise<T>,
  ): MaybePromise<T> {
    const { operation, path } = request;
    const parent = contextOf(request);
    const span = this.#tracer.startSpan(shortened(operation), {
      kind: SpanKind.SERVER,
      attributes: { ...attributesOf(operation, path), ...clientOf(address) },
    }, parent);
    const end = (answer: T) => {
      span.setAttribute("rpc.response.status_code", shortened(answer.status));
      if (FAULTS.has(answer.status)) failed(span, answer.status);
      span.end();
      return answer;
    };
    const answer = context.with(trace.setSpan(parent, span), run);
    return answer instanceof Promise ? answer.then(end) : end(answer);
  }
}

/** Without a message: what a handler wrote into that may be a payload. */
function failed(span: Span, type: string): void {
  span.setAttribute("error.type", shortened(type));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function attributesOf(operation: string, path: string): Attributes {
  return {
    "rpc.system.name": "cypher",
    "rpc.method": shortened(operation),
    "cypher.path": shortened(path),
  };
}

/** `[::1]:5000` by its parts. */
function clientOf(address: string): Attributes {
  const colon = address.lastIndexOf(":");
  return {
    "client.address": address.slice(0, colon).replace(/^\[|\]$/g, ""),
    "client.port": Number(address.slice(colon + 1)),
  };
}

/** A caller may have given anything: that it is a text is checked later. */
function shortened(text: unknown): string {
  return String(text).slice(0, LONGEST_TEXT);
}
