/** What the tests of the page in a browser share. */
import { assertEquals } from "@std/assert";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { findBrowser, launchBrowser } from "./browser.ts";

const browser = await findBrowser();
if ("reason" in browser) {
  // deno-lint-ignore no-console -- whoever runs the tests has to know
  console.log(`Browser tests are skipped. ${browser.reason}`);
}

/**
 * A test with a browser of its own, started with further flags; skipped where
 * there is none.
 */
export function browserTest(
  name: string,
  body: (browser: Browser) => Promise<void>,
  ...flags: string[]
): void {
  Deno.test({
    name,
    ignore: "reason" in browser,
    fn: async () => {
      const browser = await launchBrowser(...flags);
      try {
        await body(browser);
      } finally {
        await browser.close();
      }
    },
  });
}

/** So long that only what never happens takes it. */
const NEVER = 30_000;

/** How a {@linkcode Tab} is opened. */
export interface TabOptions {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
  /** What of the faults of the page is the test's own doing. */
  readonly expected?: RegExp;
}

/** A row of the table, as the user reads it. */
export interface Seen {
  readonly name: string;
  readonly closed: boolean;
  readonly text: string;
}

/** A page, and what goes wrong in it. */
export class Tab implements AsyncDisposable {
  /** Console errors, exceptions and what the CSP refused. */
  readonly faults: string[] = [];
  readonly page: Page;
  readonly #expected: RegExp | undefined;

  private constructor(page: Page, expected: RegExp | undefined) {
    this.page = page;
    this.#expected = expected;
    page.setDefaultTimeout(NEVER);
    page.on("pageerror", (error) => this.#fault(`${error}`));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.#fault(message.text());
      }
    });
    page.on("dialog", (dialog) => {
      this.#fault(`a dialog: ${dialog.message()}`);
      dialog.dismiss().catch(() => {});
    });
  }

  /** Opens a page in a profile of its own. */
  static async open(
    browser: Browser,
    url: string,
    { width = 1440, height = 900, scheme = "light", expected }: TabOptions = {},
  ): Promise<Tab> {
    const options: BrowserContextOptions = {
      viewport: { width, height },
      colorScheme: scheme,
      hasTouch: width < 1024,
    };
    const context = await browser.newContext(options);
    const tab = new Tab(await context.newPage(), expected);
    await tab.page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        // deno-lint-ignore no-console -- it is how the page tells this one
        console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`);
      });
    });
    await tab.page.goto(url);
    return tab;
  }

  #fault(text: string): void {
    if (!this.#expected?.test(text)) this.faults.push(text);
  }

  /** Waits until the page is live. */
  async live(): Promise<this> {
    await this.page.locator(".status-live").waitFor();
    return this;
  }

  /** Waits until a text is to be seen; `within` a selector. */
  async shows(text: string | RegExp, within = "body"): Promise<void> {
    await this.page.locator(within).getByText(text).first().waitFor();
  }

  /** Waits until a function of the page gives true. */
  async until<T>(what: string, fits: (arg: T) => boolean, arg: T) {
    try {
      // Playwright's own types want to unwrap handles, which there are none of.
      await this.page.waitForFunction(
        fits as (arg: unknown) => boolean,
        arg as unknown,
        { polling: 20 },
      );
    } catch (cause) {
      throw new Error(`This never happened: ${what}`, { cause });
    }
  }

  /** The rows there are, from the top. */
  rows(): Promise<Seen[]> {
    return this.page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>("[data-id]")].map((row) => ({
        name: row.querySelector(".name")?.textContent ?? "",
        closed: row.classList.contains("row-closed"),
        text: row.innerText.replace(/\s+/g, " "),
      }))
    );
  }

  /** Waits until these and no other rows show, in this order. */
  async names(...names: string[]): Promise<void> {
    await this.until(`the rows ${names}`, (wanted) => {
      const rows = [...document.querySelectorAll("[data-id] .name")];
      return rows.map((row) => row.textContent).join() === wanted;
    }, names.join());
  }

  /**
   * When a row of this name shows as live or closed: the wall clock's time at
   * which the page changed, kept by the page itself.
   */
  async watch(name: string, closed: boolean): Promise<() => Promise<number>> {
    const key = `${name} ${closed}`;
    await this.page.evaluate(([name, closed, key]) => {
      const fits = () =>
        [...document.querySelectorAll("[data-id]")].some((row) =>
          row.querySelector(".name")?.textContent === name &&
          row.classList.contains("row-closed") === closed
        );
      const seen = (globalThis as { seen?: Record<string, number> }).seen ??=
        {};
      const observer = new MutationObserver(() => {
        if (!fits()) return;
        observer.disconnect();
        seen[key] = Date.now();
      });
      observer.observe(document.body, {
        subtree: true,
        childList: true,
        attributes: true,
      });
    }, [name, closed, key] as const);
    const at = (key: string) =>
      (globalThis as { seen?: Record<string, number> }).seen?.[key] ?? 0;
    return async () => {
      await this.until(`${key} in the table`, (key) => {
        return (globalThis as { seen?: Record<string, number> })
          .seen?.[key] !== undefined;
      }, key);
      return await this.page.evaluate(at, key);
    };
  }

  /** The numbers of all signals in the list, newest first, by scrolling. */
  async signalIds(): Promise<number[]> {
    return await this.page.evaluate(async () => {
      const log = document.querySelector("#signals-log")!;
      const ids = new Set<number>();
      const frame = () => new Promise(requestAnimationFrame);
      for (let at = 0; at <= log.scrollHeight; at += 200) {
        log.scrollTo(0, at);
        await frame();
        await frame();
        for (const item of log.querySelectorAll("[data-signal]")) {
          ids.add(Number(item.getAttribute("data-signal")));
        }
      }
      log.scrollTo(0, 0);
      await frame();
      return [...ids].sort((a, b) => b - a);
    });
  }

  /** Fails if anything went wrong in the page, then closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
    assertEquals(this.faults, []);
  }
}
