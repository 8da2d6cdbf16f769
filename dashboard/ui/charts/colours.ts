import { effect, signal } from "@preact/signals";
import { gone } from "../state/link.ts";
import { theme } from "../state/theme.ts";

/** The tokens a canvas needs; CSS resolves them for everything else. */
const TOKENS = ["data", "ink2", "ink3", "line", "warn", "bad", "area"] as const;
export type Colours = Readonly<Record<typeof TOKENS[number], string>>;

export const colours = signal<Colours>({
  data: "",
  ink2: "",
  ink3: "",
  line: "",
  warn: "",
  bad: "",
  area: "",
});

/**
 * Reads the tokens through an element's computed `color`: the property itself
 * would give an unresolved `light-dark()`.
 */
function read(): void {
  const probe = document.createElement("span");
  probe.hidden = true;
  (document.querySelector("main") ?? document.body).append(probe);
  const entries = TOKENS.map((token) => {
    probe.className = `token-${token}`;
    return [token, getComputedStyle(probe).color];
  });
  probe.remove();
  colours.value = Object.fromEntries(entries) as Colours;
}

/** Reads the colours now and whenever they change; returns what ends that. */
export function followColours(): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", read);
  const stop = effect(() => {
    void [theme.value, gone.value];
    // After the components have put the change on the page.
    requestAnimationFrame(read);
  });
  return () => {
    stop();
    system.removeEventListener("change", read);
  };
}
