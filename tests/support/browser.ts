/**
 * A headless Chromium for the tests of the page: the system's, or the one that
 * `CHROMIUM_PATH` names, else one that comes inside an npm package.
 */
import { type Browser, chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A browser of 67 MB, for where there is none. */
const PACKAGE = "@sparticuz/chromium";

/** What a system's Chromium may be called. */
const NAMES = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "chrome",
];

/** A browser's program; or why there is none. */
type Found = { readonly path: string } | { readonly reason: string };

let found: Promise<Found> | undefined;

/** Looks for a browser, once. */
export function findBrowser(): Promise<Found> {
  return found ??= find();
}

/** Starts a browser, with further flags; throws if there is none. */
export async function launchBrowser(...flags: string[]): Promise<Browser> {
  const browser = await findBrowser();
  if ("reason" in browser) throw new Error(browser.reason);
  return await chromium.launch({
    executablePath: browser.path,
    args: [...FLAGS, ...flags],
  });
}

async function find(): Promise<Found> {
  const named = Deno.env.get("CHROMIUM_PATH");
  if (named) {
    if (await isFile(named)) return { path: named };
    return { reason: `CHROMIUM_PATH is no file: ${named}` };
  }
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    for (const name of NAMES) {
      const path = `${folder}/${name}`;
      if (folder && await isFile(path)) return { path };
    }
  }
  return await fromPackage();
}

/** Unpacks the package's browser, which weighs too much for the usual case. */
async function fromPackage(): Promise<Found> {
  const name = "AWS_LAMBDA_JS_RUNTIME";
  const before = Deno.env.get(name);
  try {
    // Read at its import: has it bring the libraries that a bare system lacks.
    Deno.env.set(name, before ?? "nodejs20.x");
    // Deno downloads what a literal names, even where it is never reached.
    const { default: packed } = await import(PACKAGE) as {
      default: { executablePath(): Promise<string> };
    };
    return { path: await packed.executablePath() };
  } catch (error) {
    return {
      reason: `There is no Chromium, and the package's does not unpack: ${
        error instanceof Error ? error.message : error
      }`,
    };
  } finally {
    if (before === undefined) Deno.env.delete(name);
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
