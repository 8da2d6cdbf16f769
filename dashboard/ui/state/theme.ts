import { effect } from "@preact/signals";
import { stored } from "./prefs.ts";

const THEMES = ["auto", "light", "dark"] as const;
export type Theme = typeof THEMES[number];

export const theme = stored<Theme>(
  "theme",
  "auto",
  (value) => THEMES.find((one) => one === value) ?? null,
);

/** Auto, light, dark, and round again. */
export function cycleTheme(): void {
  const next = (THEMES.indexOf(theme.peek()) + 1) % THEMES.length;
  theme.value = THEMES[next] ?? "auto";
}

/** Puts the theme on the root element, where the style sheet looks for it. */
export function startTheme(): void {
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
}
