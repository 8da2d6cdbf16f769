import { signal } from "@preact/signals";

/** Whose drawer is open. */
export const subject = signal<string | null>(null);
/** Whom the dialog asks about. */
export const disconnecting = signal<string | null>(null);
/** Whether the list of keys is open. */
export const helping = signal(false);

let before: HTMLElement | null = null;

/** Opens a drawer, remembering where the focus is to return to. */
export function openDrawer(id: string): void {
  if (subject.peek() === null) {
    before = document.activeElement instanceof HTMLElement
      ? document.activeElement
      : null;
  }
  subject.value = id;
}

/** Closes the drawer; the focus goes back to where it was. */
export function closeDrawer(): void {
  if (subject.peek() === null) return;
  subject.value = null;
  const target = before;
  before = null;
  // What the drawer covered takes no focus before the next render.
  requestAnimationFrame(() => {
    if (subject.peek() === null) target?.focus({ preventScroll: true });
  });
}

/** Asks about nobody any more, and shows nobody. */
export function forgetSubject(): void {
  disconnecting.value = null;
  closeDrawer();
}
