import type { RefObject } from "preact";
import { useEffect } from "preact/hooks";

/** Closes a menu on Escape, on a click elsewhere, and when focus leaves it. */
export function useDismiss(
  root: RefObject<HTMLElement | null>,
  open: boolean,
  close: () => void,
): void {
  useEffect(() => {
    if (!open) return;
    const elsewhere = (event: Event) => {
      if (
        event.target instanceof Node && !root.current?.contains(event.target)
      ) {
        close();
      }
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      // The page's own Escape would close the drawer as well.
      event.stopPropagation();
      close();
      root.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", elsewhere, true);
    document.addEventListener("focusin", elsewhere);
    document.addEventListener("keydown", escape, true);
    return () => {
      document.removeEventListener("pointerdown", elsewhere, true);
      document.removeEventListener("focusin", elsewhere);
      document.removeEventListener("keydown", escape, true);
    };
  }, [open]);
}
