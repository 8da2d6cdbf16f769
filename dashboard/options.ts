import { checkClock, type Clock } from "../protocol/clock.ts";
import { CypherError } from "../protocol/errors.ts";
import {
  badOption,
  bytes,
  checkFunction,
  checkNames,
  checkNumbers,
  checkString,
  count,
  milliseconds,
} from "../protocol/options.ts";
import { isLoopback } from "./hosts.ts";

/** What the sidecar may use up. Counts, unless said otherwise. */
export interface DashboardLimits {
  /** Signals to resume from, `request` ones aside, default 20,000. */
  readonly signals: number;
  /** `request` signals to resume from, default 10,000. */
  readonly requests: number;
  /** Closed connections that stay listed for five minutes, default 1,000. */
  readonly closed: number;
  /** SSE streams at a time, default 500; further ones are refused with 503. */
  readonly streams: number;
  /** What may wait for one stream to be read, default 1,048,576 bytes. */
  readonly streamBytes: number;
  /** Signed-in sessions, default 1,000; the oldest makes room. */
  readonly sessions: number;
}

/** How a {@linkcode dashboard} is made. Times in ms, sizes in bytes. */
export interface DashboardOptions {
  /** The server's name on the page, default `"cypher"`. */
  name?: string;
  /**
   * What an admin signs in with, 16 to 512 printable ASCII characters. Without
   * it everybody on this machine is an admin, and nobody else gets in.
   */
  token?: string;
  /** What a viewer signs in with who may look and not touch. */
  readToken?: string;
  /**
   * The host names that the page is reached by, as in `"cypher.lan"` or, for
   * one port alone, `"cypher.lan:8080"`. The names of this machine's loopback
   * are always allowed; any other needs `token`.
   */
  allowedHosts?: readonly string[];
  /**
   * Whether browsers reach the page over https, so that the session's cookie
   * must never go over http. Default: whatever the request came over; say
   * `true` behind a proxy that ends TLS.
   */
  https?: boolean;
  /**
   * Who a request is from, for slowing down whoever guesses tokens. Default:
   * its address; say what your proxy does, if there is one.
   */
  source?: (request: Request) => string;
  /** How often a stream gives a sign of life, default 5,000 ms. */
  heartbeat?: number;
  /**
   * How long a stream goes on without a sign of life from its client, default
   * 25,000 ms; see {@linkcode dashboard}.
   */
  silence?: number;
  /** How long a sign-in lasts, default 43,200,000 ms: twelve hours. */
  session?: number;
  /** What may be used up. */
  limits?: Partial<DashboardLimits>;
  /**
   * Whether `/readyz` may say so, default: whenever every server listens. Say
   * no before you stop them, and load balancers stay away in time.
   */
  ready?: () => boolean;
  /** Told of faults of the sidecar's own; their requests get a 500. */
  onError?: (error: unknown) => void;
  /** What tells the time, default the machine's clock. */
  clock?: Clock;
}

/** What the numeric options allow. */
const DASHBOARD_OPTIONS = {
  heartbeat: milliseconds(5_000, { min: 100 }),
  silence: milliseconds(25_000, { min: 100 }),
  session: milliseconds(43_200_000, { min: 1_000 }),
};

/** What `limits` allows. */
export const DASHBOARD_LIMITS = {
  signals: count(20_000, 1, 1_000_000),
  requests: count(10_000, 1, 1_000_000),
  closed: count(1_000, 0, 100_000),
  streams: count(500, 1, 100_000),
  streamBytes: bytes(1_048_576, 1_024, 1_073_741_824),
  sessions: count(1_000, 1, 1_000_000),
};

const NAMES = [
  "name",
  "token",
  "readToken",
  "allowedHosts",
  "https",
  "source",
  ...Object.keys(DASHBOARD_OPTIONS),
  "limits",
  "ready",
  "onError",
  "clock",
];

/** What a token must be: a header can carry it, and nobody guesses it. */
const TOKEN = /^[\x21-\x7e]{16,512}$/;

/** The options with every default filled in and every range checked. */
// deno-lint-ignore explicit-module-boundary-types explicit-function-return-type
export function checkDashboardOptions(options: DashboardOptions = {}) {
  checkNames("", options, NAMES);
  const {
    name,
    token,
    readToken,
    allowedHosts,
    https,
    source,
    limits,
    ready,
    onError,
    clock,
    ...numbers
  } = options;
  if (https !== undefined && typeof https !== "boolean") {
    throw badOption("https", "true or false", https);
  }
  return {
    name: checkString("name", name, "cypher"),
    ...checkTokens(token, readToken),
    allowedHosts: checkHosts(allowedHosts, token),
    https,
    source: checkFunction("source", source),
    limits: checkNumbers("limits", limits, DASHBOARD_LIMITS),
    ready: checkFunction("ready", ready) ?? (() => true),
    onError: checkFunction("onError", onError),
    clock: checkClock(clock),
    ...checkNumbers("", numbers, DASHBOARD_OPTIONS),
  };
}

/** The checked options. */
export type DashboardSettings = ReturnType<typeof checkDashboardOptions>;

/** What {@linkcode DashboardOptions} says of tokens; never shows them. */
function checkTokens(token: unknown, readToken: unknown): {
  token: string | undefined;
  readToken: string | undefined;
} {
  if (readToken !== undefined && token === undefined) {
    throw refused("readToken", 'it needs "token" beside it');
  }
  if (readToken !== undefined && readToken === token) {
    throw refused("readToken", 'it must not be the same as "token"');
  }
  return {
    token: checkToken("token", token),
    readToken: checkToken("readToken", readToken),
  };
}

function checkToken(name: string, token: unknown): string | undefined {
  if (token === undefined) return undefined;
  if (typeof token === "string" && TOKEN.test(token)) return token;
  throw refused(
    name,
    "it must be 16 to 512 printable ASCII characters without spaces",
  );
}

function checkHosts(hosts: unknown, token: unknown): readonly string[] {
  if (hosts === undefined) return [];
  if (!Array.isArray(hosts)) {
    throw badOption("allowedHosts", "an array of host names", hosts);
  }
  return hosts.map((host: unknown) => {
    const url = typeof host === "string" && URL.parse(`http://${host}`);
    // What a browser would send of it as Host, and nothing else.
    if (!url || url.href !== `http://${url.host}/`) {
      throw badOption("allowedHosts", 'host names such as "cypher.lan"', host);
    }
    if (token === undefined && !isLoopback(url.hostname)) {
      throw refused("allowedHosts", 'it needs "token" beside it');
    }
    return url.host;
  });
}

function refused(name: string, why: string): CypherError {
  return new CypherError(
    "BAD_OPTION",
    `Cannot use the option "${name}": ${why}`,
  );
}
