/**
 * `deno task screenshot`: takes the README's picture of the page, of a quarter
 * of an hour that never happened and is always the same.
 *
 * @module
 */
import { Monitor } from "../../server/monitor.ts";
import { launchBrowser } from "../../tests/support/browser.ts";
import { seeded } from "../../tests/support/cypher.ts";
import { serveDashboard } from "../serve.ts";
import { CAST } from "./cast.ts";
import { StoryClock } from "./clock.ts";
import { packed } from "./png.ts";
import { BEGINNING, Story } from "./story.ts";

const OUTPUT = new URL("../screenshot.png", import.meta.url);
/** What the picture may weigh. */
const LIMIT = 200 * 1024;

Deno.env.set("CYPHER_SEED", "7");
const { random } = seeded();
const clock = new StoryClock(BEGINNING);
const monitor = new Monitor({ clock });
await using sidecar = serveDashboard(monitor, {
  name: "plant-gateway",
  port: 0,
  clock,
});
new Story(monitor, clock, random).play();

// Coloured edges of letters suit one screen alone, and weigh a lot.
const browser = await launchBrowser("--disable-lcd-text");
const page = await browser.newPage({
  viewport: { width: 1440, height: 900 },
  colorScheme: Deno.args.includes("--dark") ? "dark" : "light",
  timezoneId: "UTC",
});
await page.goto(sidecar.url);
clock.run();
await page.locator(".status-live").waitFor();
await page.locator("[data-id]").nth(CAST.length).waitFor();
await page.locator(".uplot").last().waitFor();
// The bars set out a moment after their rows are there.
await page.waitForFunction(() => document.getAnimations().length > 0);
const picture = packed(await page.screenshot());
await browser.close();
if (picture.length > LIMIT) {
  throw new Error(`The picture weighs ${picture.length} bytes, over ${LIMIT}`);
}
await Deno.writeFile(OUTPUT, picture);
