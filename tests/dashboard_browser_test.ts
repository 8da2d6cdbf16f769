import { assert, assertEquals, assertMatch } from "@std/assert";
import { NO_CONNECTION } from "../server/signals.ts";
import { within } from "./support/cypher.ts";
import { Scene } from "./support/scene.ts";
import { Stalls } from "./support/stalls.ts";
import { browserTest, Tab } from "./support/tab.ts";

browserTest("who comes or goes shows within a second", async (browser) => {
  await using scene = await Scene.start();
  await using tab = await Tab.open(browser, scene.sidecar.url);
  await tab.live();
  const came = await tab.watch("alpha", false);
  const left = await tab.watch("alpha", true);
  const client = scene.client("alpha");
  const times = await Stalls.during(tab.page, async () => {
    const start = Date.now();
    await client.request({ path: "/ECHO" });
    const here = await came() - start;
    const end = Date.now();
    await client.close();
    return { here, gone: await left() - end };
  });
  const { here, gone } = times.result;
  // The machine may stop everything for a while; the page gets that time back.
  const most = 1_000 + times.stalled;
  const figures = `came ${here} ms, left ${gone} ms, stalled ${times.stalled}`;
  assert(here <= most && gone <= most, figures);
  await tab.shows("Closed in the last 5 minutes");
  await tab.shows(/^Peer closed, \d+s ago$/);
});

browserTest("an idle bar fills, a timeout shows as one", async (browser) => {
  await using scene = await Scene.start({ server: { timeout: 9_000 } });
  await using tab = await Tab.open(browser, scene.sidecar.url);
  await tab.live();
  // A session has no timeout: its client gives signs of life by itself.
  await scene.client("", "classic").request({ path: "/ECHO" });
  const bar = tab.page.locator("[data-id] .bar > span");
  await bar.waitFor({ state: "attached" });
  const fill = () =>
    bar.evaluate((bar) => new DOMMatrix(getComputedStyle(bar).transform).a);
  const first = await fill();
  await tab.until("a fuller bar", (first) => {
    const bar = document.querySelector("[data-id] .bar > span");
    return bar !== null &&
      new DOMMatrix(getComputedStyle(bar).transform).a > first + 0.2;
  }, first);
  await tab.shows(/^\ds left$/, ".grid");
  await tab.shows(/^Timeout, \d+s ago$/, ".row-closed");
  await tab.shows("No request for 9 s", ".signal[data-kind=timeout]");
  await tab.shows(/^Timeout ·/, ".signal[data-kind=offline]");
});

browserTest("filters and sorts", async (browser) => {
  await using scene = await Scene.start();
  await using tab = await Tab.open(browser, scene.sidecar.url);
  const { page } = tab;
  await scene.clients({ alpha: 3, beta: 5, gamma: 1 });
  await tab.names("alpha", "beta", "gamma");

  await page.getByRole("columnheader", { name: "Requests" }).getByRole("button")
    .click();
  await page.mouse.move(0, 0);
  await tab.names("beta", "alpha", "gamma");
  const header = page.getByRole("columnheader", { name: "Requests" });
  assertEquals(await header.getAttribute("aria-sort"), "descending");
  await header.getByRole("button").click();
  await page.mouse.move(0, 0);
  await tab.names("gamma", "alpha", "beta");

  await page.keyboard.press("/");
  await page.keyboard.type("MM");
  await tab.names("gamma");
  assertMatch(new URL(page.url()).hash, /q=MM/);
  await page.keyboard.type("x");
  await tab.shows("No connection matches these filters.");
  await page.getByRole("button", { name: "Clear filters" }).click();
  await page.mouse.move(0, 0);
  await page.getByRole("button", { name: /^classic/ }).click();
  await tab.shows("No connection matches these filters.");
  await page.getByRole("button", { name: /^session/ }).click();
  await tab.until(
    "three rows",
    (count) => document.querySelectorAll("[data-id]").length === count,
    3,
  );
  await page.reload();
  await tab.live();
  await tab.names("gamma", "alpha", "beta");
  const chip = page.getByRole("button", { name: /^classic/ });
  assertEquals(await chip.getAttribute("aria-pressed"), "true");
});

browserTest("columns are chosen, and kept", async (browser) => {
  await using scene = await Scene.start();
  await using tab = await Tab.open(browser, scene.sidecar.url);
  const { page } = tab;
  await scene.clients({ alpha: 1 });
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByLabel("Address", { exact: true }).uncheck();
  await page.reload();
  await tab.names("alpha");
  const header = page.getByRole("columnheader", { name: "Address" });
  assertEquals(await header.count(), 0);
});

browserTest("paused signals are counted, then shown", async (browser) => {
  await using scene = await Scene.start();
  await using tab = await Tab.open(browser, scene.sidecar.url);
  const { page } = tab;
  await scene.clients({ alpha: 1 });
  await tab.shows("alpha", ".signal");
  await page.keyboard.press("p");
  await page.getByRole("button", { name: "Resume" }).waitFor();
  await scene.clients({ beta: 1, gamma: 1 });
  const resume = page.getByRole("button", { name: "Resume, 2 held" });
  await resume.waitFor();
  assertEquals(await page.locator(".signal").count(), 1);
  await resume.click();
  await page.mouse.move(0, 0);
  await tab.shows("gamma", ".signal");
  assertEquals(await page.locator(".signal").count(), 3);
  await page.getByRole("button", { name: "online", exact: true }).click();
  await tab.shows("Nothing yet.", ".log");
});

browserTest("a drawer tells all, and disconnects", async (browser) => {
  await using scene = await Scene.start({ server: { heartbeat: 200 } });
  const newer = {
    encryptionKey: "n".repeat(32),
    decryptionKey: "m".repeat(32),
  };
  scene.server.addKeys(newer);
  await using tab = await Tab.open(browser, scene.sidecar.url);
  const { page } = tab;
  const [client] = await scene.clients({ alpha: 3 });
  await client!.request({ path: "/FAIL", operation: "UPDATE", data: "odd" })
    .catch(() => {});
  await page.locator(".signal", { hasText: "failure" }).getByRole("button")
    .click();
  const drawer = page.getByRole("complementary");
  await drawer.getByRole("heading", { name: "alpha" }).waitFor();
  await tab.shows("READ /ECHO", ".drawer .requests");
  await tab.shows("NOT_FOUND", ".drawer .requests");
  await tab.shows("NOT_FOUND on UPDATE /FAIL", ".drawer .history");
  assertEquals(await drawer.locator(".requests li").count(), 4);
  const fact = (name: string) =>
    drawer.locator(".facts > div").filter({ hasText: name }).locator("dd");
  // Its keys are not the newest.
  assertEquals(await fact("Key generation").textContent(), "1");
  await fact("Round trip").getByText(" ms").waitFor();

  const ask = drawer.getByRole("button", { name: "Disconnect…" });
  const dialog = page.getByRole("dialog");
  await ask.click();
  await dialog.getByText("Disconnect alpha?").waitFor();
  const keep = dialog.getByRole("button", { name: "Keep connected" });
  assert(await keep.evaluate((it) => it === document.activeElement));
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "hidden" });
  assertEquals(scene.server.monitor.connections().length, 1);
  const { id } = scene.server.monitor.connections()[0]!;

  await ask.click();
  await dialog.getByRole("button", { name: "Disconnect" }).click();
  await tab.shows("Disconnected", ".drawer .identity-reason");
  assertEquals(scene.server.monitor.connection(id), undefined);
  assert(await ask.isDisabled());
  await page.keyboard.press("Escape");
  await drawer.waitFor({ state: "hidden" });
});

browserTest("whom one disconnects may leave by itself", async (browser) => {
  await using scene = await Scene.start();
  await using tab = await Tab.open(browser, scene.sidecar.url);
  const { page } = tab;
  const [client] = await scene.clients({ alpha: 1 });
  await tab.names("alpha");
  await page.locator("#connections-grid").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Delete");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Disconnect alpha?").waitFor();
  await client!.close();
  await dialog.getByText("It has just left by itself.").waitFor();
  await dialog.getByRole("button", { name: "Close", exact: true }).click();
});

for (const scheme of ["light", "dark"] as const) {
  browserTest(`a phone's three views, ${scheme}`, async (browser) => {
    await using scene = await Scene.start();
    await using tab = await Tab.open(browser, scene.sidecar.url, {
      width: 390,
      height: 844,
      scheme,
    });
    const { page } = tab;
    await scene.clients({ alpha: 1, beta: 2 });
    const tabs = page.getByRole("navigation", { name: "Views" });
    for (const [name, shows] of VIEWS) {
      await tabs.getByRole("button", { name }).click();
      await page.locator(shows).first().waitFor();
      const { small, wide } = await page.evaluate(() => ({
        // Of a field, its label is touched.
        small: [...document.querySelectorAll("button, select, input")]
          .map((it) => it.closest("label") ?? it)
          .filter((it) => it.clientHeight > 0)
          .filter((it) => it.getBoundingClientRect().height < 43.9)
          .map((it) => it.outerHTML.slice(0, 80)),
        wide: document.documentElement.scrollWidth > innerWidth,
      }));
      assertEquals(small, [], `controls too small to touch: ${name}`);
      assertEquals(wide, false, `wider than the phone: ${name}`);
    }
    await tabs.getByRole("button", { name: /Connections/ }).click();
    await page.locator("[data-id]").first().click();
    await page.getByRole("complementary").getByText("Last requests").waitFor();
    await page.getByRole("button", { name: "Close", exact: true }).click();
    const sheet = await page.evaluate(() =>
      getComputedStyle(document.body).backgroundColor
    );
    const expected = { light: "rgb(251, 251, 248)", dark: "rgb(14, 19, 21)" };
    assertEquals(sheet, expected[scheme]);
  });
}

/** A phone's views, and what each shows. */
const VIEWS = [
  [/Overview/, ".uplot"],
  [/Connections/, "[data-id]"],
  [/Signals/, ".signal"],
] as const;

browserTest("an empty page says what to run", async (browser) => {
  await using scene = await Scene.start();
  await using tab = await Tab.open(browser, scene.sidecar.url);
  await tab.shows("No connections yet");
  const { hostname, port } = scene.server.address;
  await tab.shows(
    `press hall is listening on ${hostname}:${port} and ready.`,
  );
  assertEquals(await tab.page.locator(".commands code").allTextContents(), [
    `deno task ping -n 1000 --port ${port}`,
    `deno task request UPDATE /NUMBER 42 --port ${port}`,
  ]);
  await tab.shows("Nothing yet.", ".log");
  await scene.clients({ alpha: 1 });
  await tab.names("alpha");
  await tab.page.getByText("No connections yet").waitFor({ state: "hidden" });
});

browserTest(
  "a notice that is cut is told whole when pressed",
  async (browser) => {
    await using scene = await Scene.start();
    await using tab = await Tab.open(browser, scene.sidecar.url);
    await tab.live();
    const message = "A thread died, and another one takes its place. ".repeat(
      4,
    );
    scene.server.monitor.publish({
      kind: "notice",
      ...NO_CONNECTION,
      code: "THREAD_DIED",
      message,
    });
    await tab.page.locator(".signal button").click();
    await tab.shows(`THREAD_DIED: ${message.trim()}`, ".toast");
  },
);

browserTest("a draining server says how long it has", async (browser) => {
  const go = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  await using scene = await Scene.start({
    handler: async () => {
      begun.resolve();
      await go.promise;
      return {};
    },
  });
  await using tab = await Tab.open(browser, scene.sidecar.url);
  await tab.live();
  const answer = scene.client("alpha").request({ path: "/SLOW" });
  await within("a request", begun.promise);
  await tab.shows("1 active", ".grid");
  const stopped = scene.server.stop({ grace: 20_000 });
  await tab.shows(/^Draining, 1?\ds left$/, ".header");
  await tab.shows(/^draining$/, ".grid");
  go.resolve();
  await answer;
  await stopped;
});

browserTest("a latency that stands alone is a dot", async (browser) => {
  await using scene = await Scene.start();
  await using tab = await Tab.open(browser, scene.sidecar.url, {
    // It is here that the canvas is read, and often.
    expected: /willReadFrequently/,
  });
  await tab.live();
  await scene.clients({ alpha: 1 });
  await tab.until("ink of the data's colour", () => {
    const canvas = document.querySelector<HTMLCanvasElement>(
      ".chart-latency canvas",
    );
    if (!canvas) return false;
    const { width, height } = canvas;
    const pixels = canvas.getContext("2d")!
      .getImageData(0, 0, width, height).data;
    // #0a6680, wherever a dot is opaque.
    for (let i = 0; i < pixels.length; i += 4) {
      const [red, green, blue, alpha] = pixels.subarray(i, i + 4);
      if (alpha === 255 && red === 10 && green === 102 && blue === 128) {
        return true;
      }
    }
    return false;
  }, null);
});
