import { signal } from "@preact/signals";

/** One message at the bottom; errors stay until dismissed. */
export interface Toast {
  readonly text: string;
  readonly error: boolean;
}

export const toast = signal<Toast | null>(null);

let timer: ReturnType<typeof setTimeout> | undefined;

/** Shows `text` for six seconds. */
export function say(text: string): void {
  show({ text, error: false });
  timer = setTimeout(dismiss, 6000);
}

/** Shows an error until it is dismissed or replaced. */
export function sayError(text: string): void {
  show({ text, error: true });
}

/** Takes the message away. */
export function dismiss(): void {
  clearTimeout(timer);
  toast.value = null;
}

function show(next: Toast): void {
  clearTimeout(timer);
  toast.value = next;
}
