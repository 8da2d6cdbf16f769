import type { JsonValue } from "./json.ts";

/** A request as its handler gets it. */
export interface Request {
  /** What the request is about; `"/"` when the peer left it out. */
  readonly path: string;
  /** What is to be done, such as `"READ"`; `"NONE"` when left out. */
  readonly operation: string;
  /** Any JSON value; `{}` when left out. */
  readonly data: JsonValue;
  /** Facts about the request; `{}` when left out. */
  readonly metadata: { readonly [key: string]: JsonValue };
  /** The message's further keys, as they were on the wire. */
  readonly extra: { readonly [key: string]: JsonValue };
}

/**
 * A request as a caller writes it; what is left out gets its default. Any other
 * key is refused.
 */
export interface RequestInit {
  /** What the request is about, default `"/"`. */
  readonly path?: string | undefined;
  /** What is to be done, default `"NONE"`. */
  readonly operation?: string | undefined;
  /**
   * Anything JSON can carry, default `{}`. A Map, a Set, bytes, a Promise, an
   * Error, NaN or Infinity is refused, but not deep inside of it.
   */
  readonly data?: unknown;
  /** Facts about the request, default `{}`. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Further keys, sent as they are. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/** What a handler answers. Any other key is refused. */
export interface Reply {
  /** Default: the request's. */
  readonly path?: string | undefined;
  /** Default: the request's. */
  readonly operation?: string | undefined;
  /**
   * Anything JSON can carry, default `null`. A Map, a Set, bytes, a Promise, an
   * Error, NaN or Infinity is refused, but not deep inside of it.
   */
  readonly data?: unknown;
  /** Default: the request's. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** A status of the application's own; a success needs none. */
  readonly status?: Status | undefined;
  /** Further keys, sent as they are. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
  /** The whole answer as it is to be on the wire, instead of all the others. */
  readonly body?: unknown;
}

/** A status on the wire. Any code but `"OK"` makes the answer a failure. */
export interface Status {
  /** The status code, such as `"NOT_FOUND"`. */
  readonly code: string;
  /** A sentence for people. */
  readonly message?: string | undefined;
}

/** An answer as the caller of `request()` gets it. */
export interface Answer<T = JsonValue> {
  /** The answer's PATH; the request's, if it has none. */
  readonly path: string;
  /** The answer's OPERATION; the request's, if it has none. */
  readonly operation: string;
  /** The answer's DATA; the whole answer, if it is not in the usual form. */
  readonly data: T;
  /** The answer's METADATA, or `{}`. */
  readonly metadata: { readonly [key: string]: JsonValue };
  /** The answer's STATUS, if it has one: any JSON value. */
  readonly status?: JsonValue;
  /** The whole answer as it was on the wire. */
  readonly body: JsonValue;
}

/** The keys on the wire, in their order there. */
export const KEYS = ["PATH", "OPERATION", "DATA", "METADATA"] as const;
