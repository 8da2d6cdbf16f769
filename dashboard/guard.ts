import type { Context, MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";
import { isLoopback } from "./hosts.ts";

/** What every answer says to browsers: own files only, nothing inline. */
export const HEADERS: MiddlewareHandler = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", "data:"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    baseUri: ["'none'"],
  },
  xFrameOptions: "DENY",
  // Whether a whole domain is for https alone is not the dashboard's to say.
  strictTransportSecurity: false,
});

/** An answer that says why not. */
export function refuse(
  c: Context,
  status: 400 | 401 | 403 | 404 | 413 | 415 | 421 | 429 | 500 | 503,
  error: string,
): Response {
  c.header("Cache-Control", "no-store");
  return c.json({ error }, status);
}

/** Lets only requests pass that were meant for a host we go by. */
export function hostGuard(
  allowed: (host: string) => boolean,
): MiddlewareHandler {
  return async (c, next) => {
    // In-process requests have the URL alone.
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    if (allowed(host)) return await next();
    return refuse(
      c,
      421,
      "This host name is not allowed; see allowedHosts, or --http-hosts",
    );
  };
}

/**
 * Lets changes pass only if they come from the page itself, and reads unless
 * another site's page makes them: it could not see the answers, but hold streams
 * open. Following a link, to a page of its own, is the reader's doing. Scripts
 * send none of these headers, and have no cookie that somebody else could use.
 *
 * Source: W3C, Fetch Metadata Request Headers.
 */
export const originGuard: MiddlewareHandler = async (c, next) => {
  const site = c.req.header("sec-fetch-site");
  if (["GET", "HEAD", "OPTIONS"].includes(c.req.method)) {
    const link = c.req.header("sec-fetch-mode") === "navigate" &&
      c.req.header("sec-fetch-dest") === "document";
    return site === "cross-site" && !link
      ? refuse(c, 403, "Other sites' pages cannot load this")
      : await next();
  }
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return refuse(c, 403, "Changes are taken from the page itself alone");
  }
  const origin = c.req.header("origin");
  const host = c.req.header("host") ?? new URL(c.req.url).host;
  // A proxy that ends TLS changes the scheme, not the host.
  if (origin !== undefined && URL.parse(origin)?.host !== host.toLowerCase()) {
    return refuse(c, 403, "Changes are taken from the page itself alone");
  }
  return await next();
};

/** Where a request comes from, if the HTTP server told: `app.fetch(r, info)`. */
export function remoteAddress(c: Context): string | undefined {
  const info: unknown = c.env;
  if (typeof info !== "object" || info === null) return undefined;
  if (!("remoteAddr" in info)) return undefined;
  const address: unknown = info.remoteAddr;
  if (typeof address !== "object" || address === null) return undefined;
  if (!("hostname" in address)) return undefined;
  return typeof address.hostname === "string" ? address.hostname : undefined;
}

/**
 * Whether a request comes from this machine, which is what makes an admin where
 * there is no token. A `Host` alone proves nothing: its sender chooses it.
 */
export function isLocal(c: Context): boolean {
  const address = remoteAddress(c);
  if (address !== undefined) return isLoopback(address);
  // Not through a server at all: `app.request()`.
  return c.req.header("host") === undefined &&
    new URL(c.req.url).origin === "http://localhost";
}
