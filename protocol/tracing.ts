import type { MaybePromise } from "./envelope.ts";
import type { Request, RequestInit } from "./message.ts";
import { badOption } from "./options.ts";

/** How a client sends a request that is traced. */
export type Send<T> = (
  /** The request, with where it belongs in its METADATA. */
  request: RequestInit,
  /** Called whenever it is sent again. */
  resent: () => void,
) => Promise<T>;

/**
 * Follows requests from one program into the next: what clients and servers
 * call if they are given it. `openTelemetry()` of `@cypher/protocol/tracing`
 * gives one.
 */
export interface Tracing {
  /** Around a client's request, until that has ended. */
  client<T>(
    request: RequestInit,
    server: { readonly hostname: string; readonly port: number },
    send: Send<T>,
  ): Promise<T>;
  /** Around a server's handler. */
  server<T extends { readonly status: string }>(
    request: Request,
    peer: { readonly address: string },
    run: () => MaybePromise<T>,
  ): MaybePromise<T>;
}

/**
 * Returns what traces, or undefined when it was left out.
 *
 * @throws {CypherError} `BAD_OPTION` if it lacks a method.
 */
export function checkTracing(
  tracing: Tracing | undefined,
): Tracing | undefined {
  if (tracing === undefined) return undefined;
  if (
    typeof tracing?.client === "function" &&
    typeof tracing.server === "function"
  ) return tracing;
  throw badOption(
    "tracing",
    "what openTelemetry() of @cypher/protocol/tracing gives",
    tracing,
  );
}
