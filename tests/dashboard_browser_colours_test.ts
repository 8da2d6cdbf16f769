/** What the page looks like where its own colours do not hold. */
import { assert, assertNotEquals } from "@std/assert";
import { Scene } from "./support/scene.ts";
import { browserTest, Tab } from "./support/tab.ts";

browserTest("where the system picks the colours", async (browser) => {
  await using scene = await Scene.start();
  await scene.clients({ alpha: 1 });
  // Classic, so that it can time out and has a bar.
  await scene.client("", "classic").request({ path: "/ECHO" });
  await using tab = await Tab.open(browser, scene.sidecar.url);
  const { page } = tab;
  await tab.names("alpha", "–");
  await page.emulateMedia({ forcedColors: "active" });
  await page.locator("[data-id]").first().click();
  const style = (selector: string, property: string) =>
    page.locator(selector).first().evaluate(
      (it, property) => getComputedStyle(it).getPropertyValue(property),
      property,
    );
  const ground = "background-color";
  const border = "border-top-color";
  // A bar shows how full it is.
  assertNotEquals(
    await style(".bar:not(.bar-none) > span", ground),
    await style(".bar:not(.bar-none)", ground),
  );
  // Which filter is on, and which row the drawer is about.
  assertNotEquals(
    await style(".connections .chip[aria-pressed=true]", border),
    await style(".connections .chip[aria-pressed=false]", border),
  );
  assertNotEquals(
    await style(".row-selected", "outline-style"),
    await style("[data-id]:not(.row-selected)", "outline-style"),
  );
  // An area does not fill the chart with the colour of its line.
  await page.evaluate(() => {
    for (const name of ["token-area", "token-data"]) {
      document.body.append(document.createElement("i"));
      document.body.lastElementChild!.className = name;
    }
  });
  assertNotEquals(
    await style(".token-area", "color"),
    await style(".token-data", "color"),
  );
});

browserTest("on paper the ink is dark", async (browser) => {
  await using scene = await Scene.start();
  await using tab = await Tab.open(browser, scene.sidecar.url, {
    scheme: "dark",
  });
  await tab.live();
  await tab.page.emulateMedia({ media: "print", colorScheme: "dark" });
  for (const theme of ["auto", "light", "dark"]) {
    const ink = await tab.page.locator("h1").evaluate((it) =>
      getComputedStyle(it).color
    );
    const [red = 255] = ink.match(/\d+/g)?.map(Number) ?? [];
    assert(red < 64, `${theme}: ${ink}`);
    await tab.page.keyboard.press("t");
  }
});
