import { assert, assertEquals } from "@std/assert";
import { Scene } from "./support/scene.ts";
import { addSynthetic } from "./support/synthetic.ts";
import { browserTest, Tab } from "./support/tab.ts";

const MANY = 10_000;

Deno.test("10,000 connections through the API", async () => {
  await using scene = await Scene.start();
  addSynthetic(scene.server.monitor, MANY);
  const get = async (path: string) =>
    await (await fetch(`${scene.sidecar.url}api/${path}`)).json();
  assertEquals((await get("snapshot")).connections.length, MANY);
  const page = await get("connections?sort=name&order=desc&limit=100&page=2");
  assertEquals(page.total, MANY);
  assertEquals(page.connections.length, 100);
  assertEquals(page.connections[0].name, "c-9899");
  assertEquals((await get("connections?q=C-1234")).total, 1);
});

browserTest("10,000 connections in the page", async (browser) => {
  await using scene = await Scene.start();
  const watched = addSynthetic(scene.server.monitor, MANY);
  await using tab = await Tab.open(browser, scene.sidecar.url);
  const { page } = tab;
  await tab.shows("c-0000", ".grid");
  const grid = page.locator("#connections-grid");
  assertEquals(await grid.getAttribute("aria-rowcount"), `${MANY + 1}`);
  assert((await tab.rows()).length < 80, "only the rows in view exist");

  await grid.focus();
  await page.keyboard.press("End");
  await tab.shows("c-9999", ".grid");
  assert((await tab.rows()).length < 80, "only the rows in view exist");
  await page.keyboard.press("Home");
  await tab.shows("c-0000", ".grid");
  await page.keyboard.press("/");
  await page.keyboard.type("c-77");
  await tab.shows("c-7700", ".grid");
  assertEquals(await grid.getAttribute("aria-rowcount"), "101");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await page.getByRole("columnheader", { name: "In", exact: true })
    .getByRole("button").click();
  await page.mouse.move(0, 0);
  await tab.until(
    "the most active first",
    () => document.querySelector("[data-id] .name")?.textContent === "c-9999",
    null,
  );
  scene.server.monitor.disconnect(watched[9_999]!.id);
  // The order stays as long as a row has the focus.
  await page.getByRole("button", { name: "1 gone" }).click();
  await page.mouse.move(0, 0);
  await tab.until(
    "it gone",
    () => document.querySelector("[data-id] .name")?.textContent === "c-9998",
    null,
  );
});
