import { computed, effect, signal } from "@preact/signals";
import { server } from "../state/store.ts";
import { focused } from "./arranged.ts";

/** The row that the keys act on. */
export const active = signal<string | null>(null);
/** Whether the keys are in the table's head instead. */
export const atHead = signal(false);

const instance = computed(() => server.value?.instance);

/** A row that becomes active while the table has the focus freezes it. */
export function startActive(): void {
  effect(() => {
    // The ids start anew: the keys would act on somebody else.
    void instance.value;
    active.value = null;
  });
  effect(() => {
    if (active.value === null) return;
    focused.value = document.activeElement?.closest("[role=grid]") !== null &&
      document.activeElement !== null;
  });
}
