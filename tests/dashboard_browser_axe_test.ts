import { assertEquals } from "@std/assert";
import { axeFaults } from "./support/axe.ts";
import { Scene } from "./support/scene.ts";
import { browserTest, Tab } from "./support/tab.ts";

const TOKEN = "admin-token-of-24-letters";

for (const scheme of ["light", "dark"] as const) {
  browserTest(`axe on a desktop, ${scheme}`, async (browser) => {
    await using scene = await Scene.start({ dashboard: { heartbeat: 500 } });
    await using tab = await Tab.open(browser, scene.sidecar.url, {
      scheme,
      expected: /net::ERR_/,
    });
    const { page } = tab;
    const check = async (view: string) =>
      assertEquals(await axeFaults(page), [], view);
    await tab.shows("No connections yet");
    await check("empty");

    const [, beta] = await scene.clients({ alpha: 3, beta: 1, gamma: 2 });
    await scene.client("", "classic").request({ path: "/FAIL", data: "odd" })
      .catch(() => {});
    await beta!.close();
    await tab.shows("Closed in the last 5 minutes");
    await check("connections");
    await page.keyboard.press("/");
    await page.keyboard.type("nobody");
    await tab.shows("No connection matches");
    await check("no match");
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.getByRole("button", { name: "Columns" }).click();
    await check("columns");
    await page.keyboard.press("Escape");
    await page.keyboard.press("p");
    await scene.clients({ delta: 1 });
    await tab.shows("Resume, 1 held");
    await check("paused");
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await check("shortcuts");
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });

    await page.locator("[data-id]", { hasText: "alpha" }).click();
    await tab.shows("READ /ECHO", ".requests");
    await settled(tab);
    await check("drawer");
    await page.getByRole("button", { name: "Disconnect…" }).click();
    await page.getByRole("dialog").waitFor();
    await settled(tab);
    await check("confirm");
    await page.keyboard.press("Escape");
    await page.locator("[data-id]", { hasText: "beta" }).click();
    await tab.shows("Peer closed", ".identity-reason");
    await check("closed drawer");
    await page.keyboard.press("Escape");

    await scene.sidecar.close();
    await page.locator(".header-alarm").waitFor();
    await settled(tab);
    await check("server gone");
  });

  browserTest(`axe on a phone, ${scheme}`, async (browser) => {
    await using scene = await Scene.start();
    await using tab = await Tab.open(browser, scene.sidecar.url, {
      scheme,
      width: 390,
      height: 844,
    });
    const { page } = tab;
    const check = async (view: string) =>
      assertEquals(await axeFaults(page), [], view);
    await scene.clients({ alpha: 3, beta: 1 });
    const tabs = page.getByRole("navigation", { name: "Views" });
    await tabs.getByRole("button", { name: "Overview" }).click();
    await page.locator(".uplot").first().waitFor();
    await check("overview");
    await tabs.getByRole("button", { name: "Signals" }).click();
    await tab.shows("alpha", ".signal");
    await check("signals");
    await tabs.getByRole("button", { name: "Connections" }).click();
    await page.locator("[data-id]").first().waitFor();
    await check("connections");
    await page.locator("[data-id]").first().click();
    await tab.shows("READ /ECHO", ".requests");
    await settled(tab);
    await check("drawer");
  });

  browserTest(`axe at the login, ${scheme}`, async (browser) => {
    await using scene = await Scene.start({ dashboard: { token: TOKEN } });
    await using tab = await Tab.open(browser, scene.sidecar.url, {
      scheme,
      expected: /status of 401/,
    });
    await tab.page.getByLabel("Access token").fill("wrong-token-of-some");
    await tab.page.keyboard.press("Enter");
    await tab.shows("That token is not right.");
    assertEquals(await axeFaults(tab.page), []);
  });
}

/** Waits until what fades in has done so: axe sees half-way colours. */
async function settled(tab: Tab): Promise<void> {
  await tab.until(
    "the end of fades",
    () =>
      document.getAnimations().every((it) =>
        it.playState !== "running" ||
        !(it instanceof CSSTransition || it instanceof CSSAnimation) ||
        it.effect?.getTiming().iterations === Infinity
      ),
    null,
  );
}
