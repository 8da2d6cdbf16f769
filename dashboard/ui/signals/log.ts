import { computed, effect, signal } from "@preact/signals";
import type { Signal } from "../../../server/signals.ts";
import { stored } from "../state/prefs.ts";
import { EMPTY, type Held, release, take } from "./hold.ts";
import { type Kind, KINDS, summary } from "./words.ts";

const log = signal<Held<Signal>>(EMPTY);

/** Which kinds show. */
export const kinds = stored<readonly Kind[]>(
  "kinds",
  KINDS.filter((kind) => kind !== "request"),
  (value) =>
    Array.isArray(value) ? KINDS.filter((kind) => value.includes(kind)) : null,
);

/** Whether the stream has to bring `request` signals. */
export const wantRequests = computed(() => kinds.value.includes("request"));

/** Held by the button. */
export const paused = signal(false);
/** Held by the pointer, the focus, or because the list is scrolled down. */
export const hovering = signal(false);
export const scrolled = signal(false);

const holding = computed(() =>
  paused.value || hovering.value || scrolled.value
);

const shows = computed(() => {
  const on = new Set<string>(kinds.value);
  const toggled = new Set<string>(KINDS);
  return ({ kind }: Signal) => on.has(kind) || !toggled.has(kind);
});

/** What the list shows, oldest first. */
export const shown = computed(() => log.value.shown.filter(shows.value));
/** How many of the kinds that show are held back. */
export const held = computed(() => log.value.held.filter(shows.value).length);
export const dropped = computed(() => log.value.dropped);

/** Shows what is held and lets the rest follow. */
export function resume(): void {
  paused.value = false;
  log.value = release(log.peek());
}

/** Pause, or the opposite. */
export function togglePause(): void {
  if (paused.peek()) resume();
  else paused.value = true;
}

/** How many requests the server could not tell for their number. */
export const leftOut = signal(0);

/** Takes in new signals. */
export function receive(signals: readonly Signal[], skipped = 0): void {
  if (skipped > 0) leftOut.value += skipped;
  log.value = take(log.peek(), signals, holding.peek());
  unspoken.push(...signals.filter(({ kind }) => kind !== "request"));
}

/** Starts over with what a snapshot brought. */
export function restart(signals: readonly Signal[]): void {
  log.value = { ...EMPTY, shown: [...signals] };
  leftOut.value = 0;
}

/** Read out by screen readers: a summary, at most every ten seconds. */
export const announced = signal("");
let unspoken: Signal[] = [];

/** Lets go when nothing holds any more, and keeps the announcements going. */
export function startLog(): void {
  effect(() => {
    if (!holding.value) log.value = release(log.peek());
  });
  setInterval(() => {
    if (unspoken.length === 0) return;
    announced.value = summary(unspoken);
    unspoken = [];
  }, 10_000);
}
