import { phone } from "../state/layout.ts";

/**
 * Scrolls as little as it takes to show `height` px at `top` px of `list`,
 * which begins below what is sticky in its scroller.
 */
export function reveal(
  scroller: HTMLElement | null,
  list: HTMLElement | null,
  top: number,
  height: number,
): void {
  if (!scroller || !list) return;
  if (phone.peek()) {
    const at = list.getBoundingClientRect().top + top;
    if (at < 0 || at + height > innerHeight) scrollBy(0, at - innerHeight / 2);
    return;
  }
  const room = scroller.clientHeight - list.offsetTop;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top + height > scroller.scrollTop + room) {
    scroller.scrollTop = top + height - room;
  }
}
