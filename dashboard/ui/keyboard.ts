import { togglePause } from "./signals/log.ts";
import { singleKeys } from "./state/keys.ts";
import { phone, tab } from "./state/layout.ts";
import { link } from "./state/link.ts";
import { rows } from "./state/store.ts";
import { cycleTheme } from "./state/theme.ts";
import { closeDrawer, disconnecting, helping, subject } from "./state/view.ts";
import { clearFilter } from "./table/query.ts";

/** How long `g` waits for its second key, in ms. */
const CHORD = 1000;

let chord = 0;

/** The keys that work anywhere on the page; lists have their own besides. */
export function startKeyboard(): void {
  addEventListener("keydown", onKey);
}

function onKey(event: KeyboardEvent): void {
  if (
    event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey
  ) {
    return;
  }
  if (link.peek().kind === "login" || document.querySelector("dialog[open]")) {
    return;
  }
  if (event.key === "Escape") return escape(event);
  if (isTyping(event.target)) return;
  if (event.key === "Delete") return askDisconnect();
  if (!singleKeys.peek()) return;
  const action = (performance.now() - chord < CHORD && GO[event.key]) ||
    KEYS[event.key];
  chord = 0;
  if (!action) return;
  event.preventDefault();
  action();
}

const KEYS: Readonly<Record<string, () => void>> = {
  "/": () => go("connections", "#filter"),
  "p": togglePause,
  "t": cycleTheme,
  "?": () => helping.value = true,
  "g": () => chord = performance.now(),
};

const GO: Readonly<Record<string, () => void>> = {
  c: () => go("connections", "#connections-grid"),
  s: () => go("signals", "#signals-log"),
};

function go(name: "connections" | "signals", selector: string): void {
  // What it covers takes no focus.
  if (name === "signals" || phone.peek()) closeDrawer();
  tab.value = name;
  const focus = () => {
    const element = document.querySelector<HTMLElement>(selector);
    element?.focus();
    return element !== null && document.activeElement === element;
  };
  // A phone shows the tab, and a drawer goes, only with the next render.
  if (!focus()) requestAnimationFrame(focus);
}

function escape(event: KeyboardEvent): void {
  // Browsers empty a search field by themselves; that goes through here too.
  event.preventDefault();
  if (subject.peek() !== null) return closeDrawer();
  clearFilter();
  if (isTyping(event.target)) event.target.blur();
}

function askDisconnect(): void {
  const id = subject.peek();
  const row = id === null ? undefined : rows.get(id);
  if (row && row.state.kind !== "closed") disconnecting.value = row.id;
}

const isTyping = (target: EventTarget | null): target is HTMLElement =>
  target instanceof HTMLElement &&
  target.matches("input:not([type=checkbox]), textarea, select");
