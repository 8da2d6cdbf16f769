import { useLayoutEffect, useState } from "preact/hooks";
import type { RefObject } from "preact";

/** The part of a long list that can be seen, in px from the list's top. */
export interface Viewport {
  readonly top: number;
  readonly height: number;
}

/**
 * Follows the scrolling of `scroller`, or of the page where the page scrolls.
 * `list` is the long element; both must exist for as long as the component.
 */
export function useViewport(
  scroller: RefObject<HTMLElement | null>,
  list: RefObject<HTMLElement | null>,
  page: boolean,
): Viewport {
  const [view, setView] = useState<Viewport>({ top: 0, height: 800 });
  useLayoutEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const measure = () => {
      const next = page
        ? {
          top: Math.max(0, -(list.current?.getBoundingClientRect().top ?? 0)),
          height: innerHeight,
        }
        : { top: box.scrollTop, height: box.clientHeight };
      setView((before) =>
        before.top === next.top && before.height === next.height ? before : next
      );
    };
    measure();
    const source = page ? globalThis : box;
    source.addEventListener("scroll", measure, { passive: true });
    const sizes = new ResizeObserver(measure);
    sizes.observe(box);
    return () => {
      source.removeEventListener("scroll", measure);
      sizes.disconnect();
    };
  }, [page]);
  return view;
}
