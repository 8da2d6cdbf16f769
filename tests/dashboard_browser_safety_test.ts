import { assert, assertEquals } from "@std/assert";
import { CypherStatus } from "../mod.ts";
import { Scene } from "./support/scene.ts";
import { browserTest, Tab } from "./support/tab.ts";

const ADMIN = "admin-token-of-24-letters";
const READ = "viewer-token-of-25-letters";

/** Being refused is an error in the console, and should be. */
const REFUSED = /status of (401|403|429)/;

const HOSTILE = {
  markup: '<img src=x onerror="alert(1)">',
  script: "</script><script>alert(1)</script>",
  lines: "a\nb\r\n\ndata: {}\n\nevent: reset\ndata: 1",
  controls: "\u0000\u0007\u001b[31m\u007f\u0085\u2028\u202e\ufeff",
  long: "x".repeat(10_240),
};

browserTest("hostile text is shown as text", async (browser) => {
  await using scene = await Scene.start({
    handler: ({ data }) => {
      throw new CypherStatus(String(data), String(data));
    },
  });
  await using tab = await Tab.open(browser, scene.sidecar.url);
  const { page } = tab;
  await tab.live();
  const scripts = await page.locator("script").count();
  const { monitor } = scene.server;
  const texts = Object.values(HOSTILE);
  for (const [i, text] of texts.entries()) {
    const id = `hostile-${i}`;
    const peer = { connection: id, address: text, name: text, wire: text };
    const now = Date.now();
    const watched = {
      id,
      info: () => ({
        id,
        address: text,
        name: text,
        wire: text,
        state: { kind: "open" as const },
        since: now - i,
        lastActivity: now,
        timeout: 60_000,
        requests: 1,
        failures: 1,
        bytesIn: 1,
        bytesOut: 1,
        inProgress: 0,
        lastLatency: 1,
      }),
      close: () => {},
    };
    monitor.add(watched);
    monitor.publish({ kind: "online", ...peer });
    monitor.publish({
      kind: "request",
      ...peer,
      path: text,
      operation: text,
      status: text,
      latency: 1,
      bytesIn: 1,
      bytesOut: 1,
      repeated: false,
    });
    const failure = { code: text, message: text };
    monitor.publish({ kind: "failure", ...peer, ...failure });
    monitor.publish({
      kind: "failure",
      ...peer,
      ...failure,
      path: text,
      operation: text,
    });
    monitor.publish({ kind: "notice", ...peer, ...failure });
    monitor.publish({ kind: "limit", ...peer, limit: text, count: 1 });
  }
  // And what a real client can send.
  const client = scene.client("real");
  for (const text of texts.slice(0, 3)) {
    await client.request({ path: text, operation: text, data: text })
      .catch(() => {});
  }
  await tab.until(
    "all rows",
    (count) => document.querySelectorAll("[data-id]").length === count,
    texts.length + 1,
  );
  const shown = (await tab.rows()).map(({ name }) => name);
  assert(shown.includes(HOSTILE.markup));
  assert(shown.includes(HOSTILE.script));
  assert(shown.includes("a␊b␍␊␊data: {}␊␊event: reset␊data: 1"));
  assert(shown.includes("␀␇␛[31m␡\ufffd\ufffd\ufffd\ufffd"));
  assert(shown.some((name) => /^x{255}…$/.test(name)));

  for (let i = 0; i < texts.length; i++) {
    await page.locator(`[data-id="hostile-${i}"]`).click();
    await page.locator(".requests li").first().waitFor();
    await page.getByRole("button", { name: "Disconnect…" }).click();
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
  }
  await page.getByRole("button", { name: "Close", exact: true }).click();
  const reopened = page.waitForResponse(/requests=1/);
  await page.getByRole("button", { name: "request", exact: true }).click();
  await reopened;
  await page.mouse.move(0, 0);
  await client.request({ path: HOSTILE.markup }).catch(() => {});
  await tab.shows(HOSTILE.markup, '.signal[data-kind="request"]');
  await tab.signalIds();
  const { images, now, wide } = await page.evaluate(() => ({
    images: document.querySelectorAll("img").length,
    now: document.querySelectorAll("script").length,
    wide: document.documentElement.scrollWidth > innerWidth,
  }));
  assertEquals([images, now, wide], [0, scripts, false]);
});

browserTest("signs in and out, slows down who guesses", async (browser) => {
  await using scene = await Scene.start({
    dashboard: { token: ADMIN, readToken: READ },
  });
  await scene.clients({ alpha: 1 });
  await using tab = await Tab.open(browser, scene.sidecar.url, {
    expected: REFUSED,
  });
  const { page } = tab;
  const field = page.getByLabel("Access token");
  const enter = async (token: string) => {
    await field.fill(token);
    await page.keyboard.press("Enter");
  };
  await field.waitFor();
  await enter("wrong-token-of-24-letters");
  await tab.shows("That token is not right. Check for a missing character.");
  await enter(ADMIN);
  await tab.live();
  await tab.names("alpha");
  await tab.shows("admin", ".role");
  const cookies = await page.context().cookies();
  assertEquals(cookies.map(({ httpOnly, sameSite }) => [httpOnly, sameSite]), [
    [true, "Strict"],
  ]);
  await page.getByRole("button", { name: "Sign out" }).click();
  await field.waitFor();
  assertEquals(await page.context().cookies(), []);

  for (let i = 0; i < 20; i++) {
    await field.fill(`wrong-token-of-24-letters${i}`);
    const answer = page.waitForResponse(/\/api\/login$/);
    await page.keyboard.press("Enter");
    if ((await answer).status() === 429) break;
    await page.getByRole("button", { name: "Open dashboard" })
      .and(page.locator(":enabled")).waitFor();
  }
  await tab.shows(/^Too many tries\. Try again in \d+ s\.$/);
});

browserTest("who may only look cannot disconnect", async (browser) => {
  await using scene = await Scene.start({
    dashboard: { token: ADMIN, readToken: READ },
  });
  await scene.clients({ alpha: 1 });
  await using tab = await Tab.open(browser, scene.sidecar.url, {
    expected: REFUSED,
  });
  const { page } = tab;
  await page.getByLabel("Access token").fill(READ);
  await page.getByRole("button", { name: "Open dashboard" }).click();
  await tab.shows("read-only", ".role");
  await page.locator("[data-id]").click();
  await tab.shows("Read-only. Sign in with the admin token to disconnect.");
  const button = page.getByRole("button", { name: "Disconnect…" });
  assertEquals(await button.isDisabled(), true);
  await page.keyboard.press("Delete");
  assertEquals(await page.getByRole("dialog").count(), 0);
  const status = await page.evaluate(async () => {
    const id = document.querySelector("[data-id]")!.getAttribute("data-id");
    return (await fetch(`./api/connections/${id}`, { method: "DELETE" }))
      .status;
  });
  assertEquals(status, 403);
  assertEquals(scene.server.monitor.connections().length, 1);
});

browserTest("a session that ended asks to sign in again", async (browser) => {
  await using scene = await Scene.start({
    dashboard: { token: ADMIN, session: 1_500 },
  });
  await using tab = await Tab.open(browser, scene.sidecar.url, {
    expected: REFUSED,
  });
  await tab.page.getByLabel("Access token").fill(ADMIN);
  await tab.page.keyboard.press("Enter");
  await tab.live();
  await tab.shows("Your session ended. Sign in again.");
});
