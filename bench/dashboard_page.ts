/**
 * The page with 10,000 connections, a tenth of them at work, in headless
 * Chromium: from the snapshot's arrival to the painted rows, and the long tasks
 * while it is scrolled.
 *
 * `deno task bench:page [connections] [rounds]`
 *
 * @module
 */
import { serveDashboard } from "../dashboard/mod.ts";
import { Monitor } from "../mod.ts";
import { launchBrowser } from "../tests/support/browser.ts";
import { addSynthetic } from "../tests/support/synthetic.ts";
import { median } from "./support.ts";

const count = Number(Deno.args[0] ?? 10_000);
const rounds = Number(Deno.args[1] ?? 5);

interface Seen {
  arrived: number;
  painted: number;
  tasks: { at: number; ms: number }[];
}

const monitor = new Monitor();
addSynthetic(monitor, count);
await using sidecar = serveDashboard(monitor, { port: 0 });
const browser = await launchBrowser();

const renders: number[] = [];
const opening: number[] = [];
const scrolling: number[] = [];
let frames = 0;
for (let round = 0; round < rounds; round++) {
  const page = await browser.newPage({
    viewport: { width: 1440, height: 900 },
  });
  await page.addInitScript(() => {
    const seen: Seen = { arrived: 0, painted: 0, tasks: [] };
    (globalThis as unknown as { seen: Seen }).seen = seen;
    new PerformanceObserver((list) => {
      for (const { startTime, duration } of list.getEntries()) {
        seen.tasks.push({ at: startTime, ms: duration });
      }
    }).observe({ type: "longtask", buffered: true });
    const add = EventSource.prototype.addEventListener;
    EventSource.prototype.addEventListener = function (
      this: EventSource,
      type: string,
      ...rest: [never, never]
    ) {
      if (type === "snapshot" && seen.arrived === 0) {
        add.call(this, type, () => seen.arrived = performance.now());
      }
      add.call(this, type, ...rest);
    } as typeof add;
    const look = () => {
      if (document.querySelector("[data-id]") === null) {
        requestAnimationFrame(look);
        return;
      }
      // The task after the frame's: it has been painted.
      requestAnimationFrame(() =>
        setTimeout(() => seen.painted = performance.now())
      );
    };
    requestAnimationFrame(look);
  });
  await page.goto(sidecar.url);
  await page.waitForFunction(() =>
    (globalThis as unknown as { seen: Seen }).seen.painted > 0
  );
  const seen = await page.evaluate(() =>
    (globalThis as unknown as { seen: Seen }).seen
  );
  renders.push(seen.painted - seen.arrived);
  opening.push(...seen.tasks.map(({ ms }) => ms));

  // Down by hand's speed, then in leaps, for ten seconds, while batches come.
  const start = await page.evaluate(() => performance.now());
  await page.mouse.move(400, 600);
  for (let i = 0; i < 60; i++) await page.mouse.wheel(0, 400);
  frames += await page.evaluate(() =>
    new Promise<number>((resolve) => {
      const grid = document.querySelector("#connections-grid")!;
      const end = performance.now() + 8_000;
      let frames = 0;
      const step = () => {
        frames++;
        const phase = (end - performance.now()) / 8_000;
        grid.scrollTop = phase > 0.5
          ? grid.scrollTop + 60
          : (frames * 7_919) % grid.scrollHeight;
        if (phase > 0) requestAnimationFrame(step);
        else resolve(frames);
      };
      requestAnimationFrame(step);
    })
  );
  const tasks = await page.evaluate(() =>
    (globalThis as unknown as { seen: Seen }).seen.tasks
  );
  scrolling.push(
    ...tasks.filter(({ at }) => at > start).map(({ ms }) => ms),
  );
  await page.close();
}
await browser.close();

const most = (values: number[]) => Math.max(0, ...values).toFixed(0);
print(`${count} connections, ${rounds} rounds, Chromium ${browser.version()}`);
print(
  `snapshot arrived to rows painted: median ${
    median(renders).toFixed(0)
  } ms, worst ${most(renders)} ms`,
);
print(
  `long tasks (over 50 ms) while opening: ${opening.length}, longest ${
    most(opening)
  } ms`,
);
print(
  `scrolling, ${(frames / rounds / 8).toFixed(0)} frames/s: ` +
    `${scrolling.length} long tasks in ${rounds * 8} s, ` +
    `${scrolling.filter((ms) => ms > 100).length} over 100 ms, longest ${
      most(scrolling)
    } ms`,
);

function print(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}
