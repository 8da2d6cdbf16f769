import type { Context, MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { basePath } from "hono/route";
import type { Role } from "./contract.ts";
import { isLocal, refuse, remoteAddress } from "./guard.ts";
import type { DashboardSettings } from "./options.ts";
import { Sessions } from "./sessions.ts";
import type { Viewer } from "./snapshot.ts";
import { sourceOf, Throttle } from "./throttle.ts";
import { Tokens } from "./tokens.ts";

/** Whose request it is. */
export interface Visitor extends Viewer {
  /** Whether it still is; streams outlive their request. */
  readonly valid: () => boolean;
}

/** What the middleware leaves for the handlers. */
export interface Env {
  Variables: { visitor: Visitor };
}

/** Says who is there, by cookie, by token, or by being on this machine. */
export class Auth {
  #settings: DashboardSettings;
  #tokens: Tokens;
  #sessions: Sessions;
  #throttle: Throttle;

  constructor(settings: DashboardSettings) {
    const { token, readToken, clock, session, limits } = settings;
    this.#settings = settings;
    this.#tokens = new Tokens(token, readToken);
    this.#sessions = new Sessions(clock, session, limits.sessions);
    this.#throttle = new Throttle(clock);
  }

  /** Lets nobody pass who may not look. */
  readonly guard: MiddlewareHandler<Env> = async (c, next) => {
    const visitor = this.#visitor(c);
    if (visitor instanceof Response) return visitor;
    c.set("visitor", visitor);
    return await next();
  };

  /** Trades a token for a session: `{"token": "..."}`. */
  async login(c: Context): Promise<Response> {
    if (!this.#tokens.needed) {
      return isLocal(c) ? c.json({ role: "admin" }) : this.#stranger(c);
    }
    if (!/^application\/json\b/i.test(c.req.header("content-type") ?? "")) {
      return refuse(c, 415, 'Send {"token": "..."} as application/json');
    }
    const body: unknown = await c.req.json().catch(() => null);
    const token = typeof body === "object" && body !== null && "token" in body
      ? body.token
      : undefined;
    if (typeof token !== "string") {
      return refuse(c, 400, 'Send {"token": "..."} as application/json');
    }
    const role = this.#try(c, token);
    if (role instanceof Response) return role;
    const { id } = this.#sessions.start(role);
    setCookie(c, cookieName(c), id, {
      ...this.#cookie(c),
      maxAge: Math.floor(this.#settings.session / 1000),
    });
    c.header("Cache-Control", "no-store");
    return c.json({ role });
  }

  /** Ends the session. */
  logout(c: Context): Response {
    const id = deleteCookie(c, cookieName(c), this.#cookie(c));
    if (id) this.#sessions.end(id);
    return c.body(null, 204);
  }

  #visitor(c: Context): Visitor | Response {
    if (!this.#tokens.needed) {
      if (!isLocal(c)) return this.#stranger(c);
      return { role: "admin", signedIn: false, valid: () => true };
    }
    const id = getCookie(c, cookieName(c));
    const session = id ? this.#sessions.find(id) : undefined;
    if (session) {
      const valid = () => this.#sessions.find(session.id) !== undefined;
      return { role: session.role, signedIn: true, valid };
    }
    const token = /^Bearer +([^ ]+) *$/i
      .exec(c.req.header("authorization") ?? "")?.[1];
    if (token === undefined) {
      c.header("WWW-Authenticate", "Bearer");
      return refuse(c, 401, "Sign in, or send a token");
    }
    const role = this.#try(c, token);
    if (role instanceof Response) return role;
    return { role, signedIn: false, valid: () => true };
  }

  /** The role that a token gives, or the answer to a wrong one. */
  #try(c: Context, token: string): Role | Response {
    const source = this.#source(c);
    const wait = this.#throttle.wait(source);
    if (wait > 0) return slowed(c, wait);
    const role = this.#tokens.role(token);
    // A viewer's token must not buy further guesses at the admin's.
    if (role === "admin") this.#throttle.right(source);
    if (role !== undefined) return role;
    this.#throttle.wrong(source);
    return refuse(c, 401, "This token is not right");
  }

  #stranger(c: Context): Response {
    return refuse(
      c,
      403,
      remoteAddress(c) === undefined
        ? "Without a token only this machine is let in, and who asks is not " +
          "known: pass Deno's info on, as in app.fetch(request, info)"
        : "Without a token only this machine is let in; see the option token",
    );
  }

  #source(c: Context): string {
    const { source } = this.#settings;
    return source ? source(c.req.raw) : sourceOf(remoteAddress(c) ?? "");
  }

  #cookie(c: Context) {
    const secure = this.#settings.https ?? c.req.url.startsWith("https:");
    const path = basePath(c) || "/";
    return { path, httpOnly: true, sameSite: "Strict", secure } as const;
  }
}

/** Cookies are shared by all ports of a host, so the port is in the name. */
function cookieName(c: Context): string {
  const host = c.req.header("host") ?? new URL(c.req.url).host;
  return `cypher_${/:(\d+)$/.exec(host)?.[1] ?? "dashboard"}`;
}

function slowed(c: Context, wait: number): Response {
  const seconds = Math.ceil(wait / 1000);
  c.header("Retry-After", String(seconds));
  return refuse(c, 429, `Too many tries; try again in ${seconds} s`);
}
