import {
  type Context,
  propagation,
  ROOT_CONTEXT,
  type TextMapGetter,
} from "@opentelemetry/api";
import { isObject } from "../json.ts";
import type { Request, RequestInit } from "../message.ts";

/** The most that W3C allows for a field of a trace's context: for baggage. */
const LONGEST_FIELD = 8_192;

/**
 * The request with a context in its METADATA, as the propagators that are
 * registered write it: by default as W3C's `traceparent` and `tracestate`. A
 * request that has keys of these names, or METADATA of a form of its own, stays
 * as it is: what the caller wrote is what is sent.
 */
export function withContext(
  request: RequestInit,
  context: Context,
): RequestInit {
  const { metadata = {} } = request;
  if (!isObject(metadata) || "toJSON" in metadata) return request;
  const carrier: Record<string, string> = {};
  propagation.inject(context, carrier);
  const names = Object.keys(carrier);
  if (names.length === 0) return request;
  if (names.some((name) => Object.hasOwn(metadata, name))) return request;
  return { ...request, metadata: { ...metadata, ...carrier } };
}

/** The context that a request carries; the root, if it carries none. */
export function contextOf({ metadata }: Request): Context {
  return propagation.extract(ROOT_CONTEXT, metadata, GETTER);
}

/** Reads what a peer wrote: any JSON, of any length. */
const GETTER: TextMapGetter<Request["metadata"]> = {
  keys: (metadata) => Object.keys(metadata),
  get(metadata, name) {
    const value = Object.hasOwn(metadata, name) ? metadata[name] : undefined;
    return typeof value === "string" && value.length <= LONGEST_FIELD
      ? value
      : undefined;
  },
};
