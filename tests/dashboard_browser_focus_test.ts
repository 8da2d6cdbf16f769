/** Where the keys lead while a drawer is open, and after. */
import { assert, assertEquals } from "@std/assert";
import type { Page } from "playwright-core";
import { Scene } from "./support/scene.ts";
import { browserTest, Tab } from "./support/tab.ts";

/** Waits until the focus is within a selector. */
const focused = (tab: Tab, selector: string) =>
  tab.until(
    `the focus within ${selector}`,
    (selector) => document.activeElement?.closest(selector) !== null,
    selector,
  );

/** What has the focus, if another element lies over its middle. */
const covered = (page: Page) =>
  page.evaluate(() => {
    const at = document.activeElement;
    if (!at || at === document.body) return null;
    const { x, y, width, height } = at.getBoundingClientRect();
    const top = document.elementFromPoint(x + width / 2, y + height / 2);
    // A checkbox or field may have its label's glyphs over it.
    return top === null || at.contains(top) || top.contains(at)
      ? null
      : at.outerHTML.slice(0, 80);
  });

async function tabThrough(page: Page, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await page.keyboard.press("Tab");
    assertEquals(await covered(page), null);
  }
}

browserTest("the keys do not lead behind a drawer", async (browser) => {
  await using scene = await Scene.start();
  await using tab = await Tab.open(browser, scene.sidecar.url);
  const { page } = tab;
  await scene.clients({ alpha: 1, beta: 1 });
  await tab.names("alpha", "beta");
  const drawer = page.getByRole("complementary");

  await page.locator("#connections-grid").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await drawer.getByText("READ /ECHO").waitFor();
  await focused(tab, "#connections-grid");
  await page.keyboard.press("Tab");
  await focused(tab, ".drawer");
  await tabThrough(page, 24);
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "hidden" });
  await focused(tab, "#connections-grid");

  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await focused(tab, ".drawer");
  await page.keyboard.press("Escape");
  await focused(tab, ".signal");
  const id = () =>
    page.evaluate(() =>
      document.activeElement?.closest(".signal")?.getAttribute("aria-posinset")
    );
  assertEquals(await id(), "1");
  await page.keyboard.press("ArrowDown");
  await focused(tab, ".signal[aria-posinset='2']");

  await page.keyboard.press("Enter");
  await drawer.waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await focused(tab, "#signals-log");
  await drawer.waitFor({ state: "hidden" });
});

browserTest(
  "on a phone, nor behind a drawer that fills it",
  async (browser) => {
    await using scene = await Scene.start({ dashboard: { heartbeat: 500 } });
    await using tab = await Tab.open(browser, scene.sidecar.url, {
      width: 390,
      height: 844,
      expected: /net::ERR_/,
    });
    const { page } = tab;
    await scene.clients({ alpha: 1 });
    await page.getByRole("button", { name: /Connections/ }).click();
    await page.locator("[data-id]").click();
    await focused(tab, ".drawer");
    await tabThrough(page, 8);

    await scene.sidecar.close();
    const alarm = page.locator(".drawer").getByText("Server unreachable");
    await alarm.waitFor();
    assert(
      await alarm.evaluate((it) => {
        const { x, y } = it.getBoundingClientRect();
        return document.elementFromPoint(x + 2, y + 2)?.closest(
          ".header-alarm",
        ) !== null;
      }),
      "the alarm is behind the drawer",
    );
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await page.getByRole("complementary").waitFor({ state: "hidden" });
    await page.getByRole("alert").getByText("Server unreachable").waitFor();
  },
);
