import { computed, signal } from "@preact/signals";

/** Which of the three layouts of the style sheet holds. */
export type Layout = "phone" | "narrow" | "wide";

// In em, as all lengths are in rem: who has large letters has less room.
const PHONE = matchMedia("(width < 64em)");
const NARROW = matchMedia("(width < 80em)");
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

const read = (): Layout =>
  PHONE.matches ? "phone" : NARROW.matches ? "narrow" : "wide";
const readRem = (): number =>
  parseFloat(getComputedStyle(document.documentElement).fontSize);

export const layout = signal<Layout>(read());
export const phone = computed(() => layout.value === "phone");
export const still = signal(STILL.matches);

/** The root font size in px: every length follows it, on walls too. */
export const rem = signal(16);

/** What shows on a phone. */
export type Tab = "overview" | "connections" | "signals";
export const tab = signal<Tab>("overview");

/** Follows the window. */
export function startLayout(): void {
  const update = () => {
    layout.value = read();
    rem.value = readRem();
    document.documentElement.style
      .setProperty("--gutter", `${scrollbarWidth()}px`);
  };
  update();
  addEventListener("resize", update);
  STILL.addEventListener("change", () => still.value = STILL.matches);
}

/** Reserved beside the lists, so that figures stay flush with the charts. */
function scrollbarWidth(): number {
  const probe = document.createElement("div");
  probe.className = "scroller probe";
  document.body.append(probe);
  const width = probe.offsetWidth - probe.clientWidth;
  probe.remove();
  return width;
}
