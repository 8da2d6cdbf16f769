/**
 * Traces requests across programs with OpenTelemetry. In a module of its own,
 * so that whoever does not trace does not even load `@opentelemetry/api`.
 *
 * @example
 * ```ts
 * import { CypherServer } from "@cypher/protocol";
 * import { openTelemetry } from "@cypher/protocol/tracing";
 *
 * await using server = new CypherServer({
 *   port: 0,
 *   encryptionKey: "server-to-client-key-of-32-chars",
 *   decryptionKey: "client-to-server-key-of-32-chars",
 *   handler: ({ data }) => ({ data }),
 *   tracing: openTelemetry(),
 * });
 * await server.start();
 * ```
 *
 * @module
 */
export { openTelemetry } from "./protocol/tracing/open_telemetry.ts";
export type { Send, Tracing } from "./protocol/tracing.ts";

// What it is made of.
export type { MaybePromise } from "./protocol/envelope.ts";
export type { JsonValue } from "./protocol/json.ts";
export type { Request, RequestInit } from "./protocol/message.ts";
