import { assertEquals, assertMatch } from "@std/assert";
import { makeClient, until } from "./support/cypher.ts";
import { FaultProxy } from "./support/fault_proxy.ts";
import { availablePort, Program } from "./support/program.ts";
import { Scene } from "./support/scene.ts";
import { browserTest, Tab } from "./support/tab.ts";

const PROGRAM =
  new URL("./support/dashboard_program.ts", import.meta.url).pathname;

/** A server that is not there is an error in the console, and should be. */
const UNREACHABLE = /net::ERR_/;

async function startProgram(port: number, httpPort: number): Promise<Program> {
  const args = [PROGRAM, `${port}`, `${httpPort}`];
  const program = new Program(["run", "--no-check", "--allow-net", ...args]);
  await program.prints("ready");
  return program;
}

browserTest("a killed server is told, its restart too", async (browser) => {
  const port = availablePort();
  const httpPort = availablePort();
  const url = `http://127.0.0.1:${httpPort}/`;
  const first = await startProgram(port, httpPort);
  await using alpha = makeClient({ hostname: "127.0.0.1", port }, {
    wire: "session",
    name: "alpha",
  });
  await alpha.request({ path: "/ECHO" });
  await using tab = await Tab.open(browser, url, { expected: UNREACHABLE });
  const { page } = tab;
  await tab.names("alpha");
  await tab.live();
  await page.locator("[data-id]").click();
  const disconnect = page.getByRole("button", { name: "Disconnect…" });
  await disconnect.waitFor();

  await first[Symbol.asyncDispose]();
  const alarm = page.getByRole("alert");
  await alarm.getByText("Server unreachable").waitFor();
  await tab.shows(/^Showing the last view, from \d\d:\d\d:\d\d\.$/);
  await tab.shows(/^Trying again/);
  assertEquals((await tab.rows()).map(({ name }) => name), ["alpha"]);
  assertEquals(await disconnect.isDisabled(), true);
  await tab.until(
    "that nothing old moves",
    () => document.getAnimations().every((it) => it.playState !== "running"),
    null,
  );

  await using _second = await startProgram(port, httpPort);
  await using beta = makeClient({ hostname: "127.0.0.1", port }, {
    wire: "session",
    name: "beta",
  });
  await beta.request({ path: "/ECHO" });
  await alpha.request({ path: "/ECHO" });
  await page.getByRole("button", { name: "Try now" }).click()
    // It may have come back by itself.
    .catch(() => {});
  await tab.live();
  await tab.shows(
    "Back. The server was restarted; counts start anew.",
  );
  // Its id may be somebody else's by now.
  await page.getByRole("complementary").waitFor({ state: "hidden" });
  await page.mouse.move(0, 0);
  await tab.until("both clients", () => {
    const names = [...document.querySelectorAll("[data-id] .name")]
      .map((it) => it.textContent).sort().join();
    return names === "alpha,beta";
  }, null);
  const { signals } = await (await fetch(`${url}api/snapshot`)).json();
  assertEquals(
    await tab.signalIds(),
    signals.map(({ id }: { id: number }) => id).reverse(),
  );
});

browserTest("what a broken line missed is caught up with", async (browser) => {
  await using scene = await Scene.start({ dashboard: { heartbeat: 500 } });
  const { address } = scene.sidecar;
  await using proxy = FaultProxy.start(address);
  const nobody = { hostname: "127.0.0.1", port: availablePort() };
  await scene.clients({ alpha: 1, beta: 1 });
  await using tab = await Tab.open(
    browser,
    `http://127.0.0.1:${proxy.address.port}/`,
    { expected: UNREACHABLE },
  );
  await tab.live();
  await tab.names("alpha", "beta");

  proxy.retarget(nobody);
  proxy.cutAll();
  await tab.shows("Server unreachable");
  const [gamma] = await scene.clients({ gamma: 1, delta: 1 });
  await gamma!.close();
  const epsilon = scene.client("epsilon");
  for (let i = 0; i < 40; i++) {
    await epsilon.request({ path: "/FAIL", data: i }).catch(() => {});
  }
  await until("all signals", () => scene.server.monitor.lastSignal >= 45);
  proxy.retarget(address);
  await tab.live();
  await tab.shows("Back. Nothing was missed.");
  await tab.names("alpha", "beta", "delta", "epsilon", "gamma");
  assertEquals((await tab.rows()).map(({ closed }) => closed), [
    ...Array(4).fill(false),
    true,
  ]);
  const { signals } = await (await fetch(`${scene.sidecar.url}api/snapshot`))
    .json();
  assertEquals(
    await tab.signalIds(),
    signals.map(({ id }: { id: number }) => id).reverse(),
  );
});

browserTest("a dead line is noticed by its silence", async (browser) => {
  await using scene = await Scene.start({ dashboard: { heartbeat: 300 } });
  const down: { swallowFrom?: number } = {};
  await using proxy = FaultProxy.start(
    scene.sidecar.address,
    () => ({ down }),
  );
  await using tab = await Tab.open(
    browser,
    `http://127.0.0.1:${proxy.address.port}/`,
    // It may say that it reads a stream which is over by then.
    { expected: /net::ERR_|status of 404/ },
  );
  await tab.live();
  down.swallowFrom = 0;
  await tab.page.locator(".header-alarm").waitFor();
  delete down.swallowFrom;
  proxy.cutAll();
  await tab.live();
});

for (
  const [what, away, seen] of [
    ["a sleep", "50:00:00", /from \d\d? \w{3} \d\d:\d\d\.$/],
    ["a stall", "40", /from \d\d:\d\d:\d\d\.$/],
  ] as const
) {
  browserTest(
    `after ${what}, the view is as old as the last news`,
    async (browser) => {
      await using scene = await Scene.start();
      const down: { swallowFrom?: number } = {};
      await using proxy = FaultProxy.start(
        scene.sidecar.address,
        () => ({ down }),
      );
      await scene.clients({ alpha: 1 });
      await using tab = await Tab.open(browser, "about:blank", {
        expected: UNREACHABLE,
      });
      const { page } = tab;
      await page.clock.install();
      await page.goto(`http://127.0.0.1:${proxy.address.port}/`);
      await tab.live();
      await tab.names("alpha");
      const age = page.locator("[data-id] .cell-connected");

      down.swallowFrom = 0;
      await page.clock.fastForward(away);
      await tab.shows("Server unreachable");
      await tab.shows(seen);
      // Not the 40 s, not the 50 h that went by since.
      assertMatch(await age.textContent() ?? "", /^[12]?\ds$/);

      delete down.swallowFrom;
      proxy.cutAll();
      await tab.live();
      assertMatch(await age.textContent() ?? "", /^[12]?\ds$/);
    },
  );
}

browserTest(
  "another instance's connections are not taken for the old ones",
  async (browser) => {
    await using old = await Scene.start();
    await using next = await Scene.start();
    await old.clients({ alpha: 1 });
    await next.clients({ omega: 1 });
    await using proxy = FaultProxy.start(old.sidecar.address);
    await using tab = await Tab.open(
      browser,
      `http://127.0.0.1:${proxy.address.port}/`,
      { expected: /net::ERR_|status of 404/ },
    );
    const { page } = tab;
    const drawer = page.getByRole("complementary");
    const dialog = page.getByRole("dialog");
    await tab.names("alpha");
    await page.locator("[data-id]").click();
    await drawer.waitFor();
    await page.locator("#connections-grid").focus();
    await page.keyboard.press("Home");
    await tab.until(
      "an active row",
      () => document.querySelector(".row-active") !== null,
      null,
    );
    const ask = page.getByRole("button", { name: "Disconnect…" });
    await ask.click();
    await dialog.getByText("Disconnect alpha?").waitFor();

    // The next server answers before the page knows that there is one.
    const ids = [old, next].map(({ server }) =>
      server.monitor.connections()[0]!.id
    );
    assertEquals(ids[0], ids[1]);
    await page.route("**/api/connections/**", async (route) => {
      const { pathname, search } = new URL(route.request().url());
      const { origin } = new URL(next.sidecar.url);
      const headers = { ...route.request().headers(), origin };
      const url = origin + pathname + search;
      await route.fulfill({ response: await route.fetch({ url, headers }) });
    });
    await dialog.getByRole("button", { name: "Disconnect", exact: true })
      .click();
    await tab.shows("alpha was not disconnected: it has already left.");
    assertEquals(next.server.monitor.connections()[0]!.state.kind, "open");

    await ask.click();
    await dialog.waitFor();
    proxy.retarget(next.sidecar.address);
    proxy.cutAll();
    await tab.shows("Back. The server was restarted; counts start anew.");
    await dialog.waitFor({ state: "hidden" });
    await drawer.waitFor({ state: "hidden" });
    await page.mouse.move(0, 0);
    await tab.names("omega");
    // Nor do the keys act on whoever has that id now.
    assertEquals(await page.locator(".row-active").count(), 0);
    assertEquals(next.server.monitor.connections()[0]!.state.kind, "open");
  },
);
