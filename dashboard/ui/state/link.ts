import { computed, signal } from "@preact/signals";

/** How the page stands with the server. */
export type Link =
  /** No snapshot yet. */
  | { readonly kind: "connecting" }
  /** The stream is open. */
  | { readonly kind: "live" }
  /** It broke a moment ago; most such gaps close at once. */
  | { readonly kind: "reconnecting" }
  /**
   * It is gone; the view is from `seen`, the next try at `retryAt` on the
   * clock that never jumps.
   */
  | { readonly kind: "gone"; readonly seen: number; readonly retryAt: number }
  /** The server wants a token. `ended`: there was a session before. */
  | { readonly kind: "login"; readonly ended: boolean };

export const link = signal<Link>({ kind: "connecting" });

export const gone = computed(() => link.value.kind === "gone");
