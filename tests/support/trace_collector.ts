/** Takes the spans that other processes export (OTLP over HTTP, as JSON). */

import { until } from "./cypher.ts";

/** A span, as OTLP names its parts. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 2 of a server, 3 of a client. */
  readonly kind: number;
  /** 2 is an error. */
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface Exported {
  resourceSpans: {
    scopeSpans: {
      spans: (Omit<CollectedSpan, "attributes"> & {
        attributes: { key: string; value: Record<string, unknown> }[];
      })[];
    }[];
  }[];
}

export class TraceCollector implements AsyncDisposable {
  readonly spans: CollectedSpan[] = [];
  readonly #server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      if (request.url.endsWith("/v1/traces")) this.#add(await request.json());
      else await request.body?.cancel();
      return Response.json({});
    },
  );

  /** What makes a Deno process send its spans here. */
  get environment(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_DENO_CONSOLE: "ignore",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_BSP_SCHEDULE_DELAY: "10",
    };
  }

  /** Waits for a span that a condition holds for. */
  async find(
    what: string,
    condition: (span: CollectedSpan) => boolean,
  ): Promise<CollectedSpan> {
    await until(what, () => this.spans.some(condition));
    return this.spans.find(condition)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  #add({ resourceSpans }: Exported): void {
    for (const { scopeSpans } of resourceSpans) {
      for (const { spans } of scopeSpans) {
        for (const { attributes, ...span } of spans) {
          this.spans.push({
            ...span,
            attributes: Object.fromEntries(
              attributes.map((
                { key, value },
              ) => [key, Object.values(value)[0]]),
            ),
          });
        }
      }
    }
  }
}
