import axe from "axe-core";
import type { Page } from "playwright-core";

/** The serious and critical faults that axe finds in a page as it is. */
export async function axeFaults(page: Page): Promise<string[]> {
  // Run in the page by the debugger, which its CSP does not bind.
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: typeof import("axe-core");
    };
    return (await axe.run(document)).violations;
  });
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) =>
      `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`
    );
}
