import type { Context } from "hono";
import { basePath } from "hono/route";
import { type Asset, assets } from "./assets.ts";
import { refuse } from "./guard.ts";

const FILES: Readonly<Record<string, Asset>> = assets;

/** Serves the page's files, below whatever path the dashboard is mounted at. */
export class Page {
  /** Made at a file's first request. */
  #bodies = new Map<string, Uint8Array<ArrayBuffer>>();

  /** The answer to a request that is for none of the endpoints. */
  async answer(c: Context): Promise<Response> {
    const base = basePath(c).replace(/\/$/, "");
    const { path } = c.req;
    // The page's own links are relative: without the slash they would miss.
    if (path === base) return c.redirect(`./${base.split("/").at(-1)}/`);
    const name = path.slice(base.length + 1) || "index.html";
    const asset = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
    if (asset === undefined) return refuse(c, 404, "There is nothing here");
    return await this.#file(c, name, asset);
  }

  async #file(c: Context, name: string, asset: Asset): Promise<Response> {
    const etag = `"${asset.etag.replaceAll('"', "")}"`;
    c.header("ETag", etag);
    c.header("Cache-Control", "no-cache");
    c.header("Vary", "Accept-Encoding");
    if (matches(c.req.header("if-none-match"), etag)) return c.body(null, 304);
    c.header("Content-Type", asset.type);
    const body = this.#body(name, asset);
    if (acceptsGzip(c.req.header("accept-encoding"))) {
      c.header("Content-Encoding", "gzip");
      return sized(c, body);
    }
    const plain = new Blob([body]).stream()
      .pipeThrough(new DecompressionStream("gzip"));
    return sized(c, await new Response(plain).bytes());
  }

  #body(name: string, asset: Asset): Uint8Array<ArrayBuffer> {
    const known = this.#bodies.get(name);
    if (known) return known;
    const body = Uint8Array.fromBase64(asset.gzip);
    this.#bodies.set(name, body);
    return body;
  }
}

/** A body with its length, which HEAD tells without it (RFC 9110, 8.6). */
function sized(c: Context, body: Uint8Array<ArrayBuffer>): Response {
  c.header("Content-Length", String(body.length));
  return c.body(body);
}

/** Whether a client has this very version (RFC 9110, 13.1.2: weak match). */
function matches(header: string | undefined, etag: string): boolean {
  return (header ?? "").split(",").map((one) => one.trim())
    .some((one) => one === "*" || one.replace(/^W\//, "") === etag);
}

/** Whether gzip is among the codings accepted (RFC 9110, 12.5.3). */
function acceptsGzip(header: string | undefined): boolean {
  return (header ?? "").split(",").some((one) => {
    const [coding, ...parameters] = one.split(";").map((part) => part.trim());
    return coding?.toLowerCase() === "gzip" &&
      !parameters.some((parameter) => /^q=0(\.0*)?$/i.test(parameter));
  });
}
