/** That texts are whole, or are cut where they may be. */
import { assert, assertEquals } from "@std/assert";
import { Scene } from "./support/scene.ts";
import { browserTest, Tab } from "./support/tab.ts";

browserTest(
  "a name is cut at its end, whichever way it runs",
  async (browser) => {
    await using scene = await Scene.start();
    await using tab = await Tab.open(browser, scene.sidecar.url);
    const { page } = tab;
    await scene.clients({
      ["\u05d0\u05d1\u05d2\u05d3 ".repeat(10).trim()]: 1,
      ["\u05d0\u05d1"]: 1,
    });
    // Both in the table, and both among the signals.
    const shown = page.locator("[data-id] .name, .signal-peer b")
      .filter({ hasText: "\u05d0\u05d1" });
    await shown.nth(3).waitFor();
    const ends = await shown.evaluateAll((names) =>
      names.map((it) => {
        const box = it.getBoundingClientRect();
        const at = (index: number) => {
          const range = document.createRange();
          range.setStart(it.firstChild!, index);
          range.setEnd(it.firstChild!, index + 1);
          const { left, right } = range.getBoundingClientRect();
          return left >= box.left - 1 && right <= box.right + 1;
        };
        return {
          long: it.textContent.length > 2,
          begin: at(0),
          end: at(it.textContent.length - 1),
          // The short one stands where the others do.
          left: getComputedStyle(it).textAlign,
        };
      })
    );
    assertEquals(ends.length, 4);
    for (const { long, begin, end, left } of ends) {
      assertEquals({ begin, end, left }, {
        begin: true,
        end: !long,
        left: "left",
      });
    }
  },
);

for (const width of [1440, 1280, 1100]) {
  browserTest(`a state's word is whole, ${width} px wide`, async (browser) => {
    await using scene = await Scene.start();
    const { hostname, port } = scene.server.address;
    using _silent = await Deno.connect({ hostname, port });
    await using tab = await Tab.open(browser, scene.sidecar.url, { width });
    const word = tab.page.locator("[data-id] .cell-state .pair > span");
    await word.getByText("handshake").waitFor();
    const { has, needs } = await word.evaluate((it) => ({
      has: it.clientWidth,
      needs: it.scrollWidth,
    }));
    assert(has >= needs, `${has} px of ${needs}`);
  });
}

browserTest("many failures are whole, and exact on demand", async (browser) => {
  await using scene = await Scene.start();
  const { monitor } = scene.server;
  for (const [id, failures] of [["a", 9_999], ["b", 9_999_999]] as const) {
    const peer = { address: "10.0.0.1:5000", wire: "classic" };
    const now = Date.now();
    monitor.add({
      id,
      info: () => ({
        id,
        ...peer,
        state: { kind: "open" },
        since: now,
        lastActivity: now,
        timeout: Infinity,
        requests: failures,
        failures,
        bytesIn: 0,
        bytesOut: 0,
        inProgress: 0,
        lastLatency: null,
      }),
      close: () => {},
    });
    const said = { connection: id, ...peer, code: "NOT_FOUND", message: "" };
    monitor.publish({ kind: "online", ...said });
    monitor.publish({ kind: "failure", ...said });
  }
  await using tab = await Tab.open(browser, scene.sidecar.url);
  await tab.page.locator("[data-id] .recent").nth(1).waitFor();
  const cells = await tab.page.locator("[data-id] .cell-failures")
    .evaluateAll((all) =>
      all.map((it) => ({
        text: it.textContent,
        title: it.querySelector("[title]")?.getAttribute("title")?.split(",")
          .slice(0, -1).join(),
        whole: it.scrollWidth <= it.clientWidth,
      }))
    );
  assertEquals(cells, [
    { text: "9,999", title: "9,999", whole: true },
    { text: "10.0M", title: "9,999,999", whole: true },
  ]);
});

browserTest("a command breaks between its words alone", async (browser) => {
  await using scene = await Scene.start();
  await using tab = await Tab.open(browser, scene.sidecar.url, { width: 390 });
  await tab.page.getByRole("button", { name: /Connections/ }).click();
  await tab.shows("No connections yet");
  const broken = await tab.page.evaluate(() =>
    [...document.querySelectorAll(".commands code")].flatMap((code) => {
      const texts = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
      const found: string[] = [];
      while (texts.nextNode()) {
        const node = texts.currentNode as Text;
        for (const { 0: word, index } of node.data.matchAll(/\S+/g)) {
          const range = document.createRange();
          range.setStart(node, index);
          range.setEnd(node, index + word.length);
          const tops = [...range.getClientRects()].map(({ top }) => top);
          if (new Set(tops).size > 1) found.push(word);
        }
      }
      return found;
    })
  );
  assertEquals(broken, []);
});

browserTest(
  "a server that has stopped is not called ready",
  async (browser) => {
    await using scene = await Scene.start();
    await scene.server.stop({ grace: 0 });
    await using tab = await Tab.open(browser, scene.sidecar.url);
    await tab.shows("press hall is not listening: nobody can connect.");
    assertEquals(await tab.page.locator(".commands").count(), 0);
  },
);

browserTest(
  "who has large letters gets the layout they fit",
  async (browser) => {
    await using scene = await Scene.start();
    await using tab = await Tab.open(browser, scene.sidecar.url);
    await tab.live();
    const boxes = ["#connections-title", "#signals-title", ".tabs"];
    const shown = await Promise.all(
      boxes.map((one) => tab.page.locator(one).count()),
    );
    // 1440 px are 960 of such letters: the phone's views, one at a time.
    assertEquals(shown, [0, 0, 1]);
  },
  "--blink-settings=defaultFontSize=24",
);

browserTest(
  "letters twice as large leave room for a name on a phone",
  async (browser) => {
    await using scene = await Scene.start();
    await using tab = await Tab.open(browser, scene.sidecar.url, {
      width: 390,
    });
    await scene.clients({ "cnc-mill-a": 1 });
    await tab.page.getByRole("button", { name: /Connections/ }).click();
    const { has, needs } = await tab.page.locator("[data-id] .name")
      .filter({ hasText: "cnc-mill-a" }).evaluate((it) => ({
        has: it.clientWidth,
        needs: it.scrollWidth,
      }));
    assert(has >= needs, `${has} px of ${needs}`);
  },
  "--blink-settings=defaultFontSize=32",
);
