import { useLayoutEffect, useRef } from "preact/hooks";
import type { ConnectionRow } from "../../contract.ts";
import { serverNow } from "../state/clock.ts";
import { gone } from "../state/link.ts";
import { still } from "../state/layout.ts";
import { idle } from "./idle.ts";

/**
 * How long a bar stands before it moves, in ms. Rows that fly by while the
 * user scrolls never get to start: each running bar is a layer to compose.
 */
const SETTLE = 200;

/**
 * A track that fills as the deadline nears. The browser animates it: script
 * runs when there was activity, not once a frame.
 */
export function IdleBar({ row, now, large = false }: {
  readonly row: ConnectionRow;
  /**
   * Changes whenever the row is drawn anew. A component that Preact 11.2 skips
   * keeps the tree of before alive, and that one the tree before it: without
   * this the page grows by a gigabyte an hour.
   */
  readonly now: number;
  readonly large?: boolean;
}) {
  const bar = useRef<HTMLSpanElement>(null);
  const { tone, fill } = idle(row, serverNow());
  const { state, lastActivity, timeout, inProgress } = row;
  const until = state.kind === "draining" ? state.until : 0;
  // Without motion the bar steps each second instead.
  const step = still.value ? now : 0;
  const stopped = gone.value;

  useLayoutEffect(() => {
    const element = bar.current;
    if (!element) return;
    const { fill, remaining } = idle(row, serverNow());
    const from = `scaleX(${fill ?? 0})`;
    element.style.transform = from;
    if (still.value || stopped || remaining === null) return;
    let animation: Animation | undefined;
    const timer = setTimeout(() => {
      animation = element.animate(
        { transform: [from, "scaleX(1)"] },
        {
          duration: Math.max(0, remaining - SETTLE),
          easing: "linear",
          fill: "forwards",
        },
      );
    }, SETTLE);
    return () => {
      clearTimeout(timer);
      animation?.cancel();
    };
  }, [lastActivity, timeout, until, inProgress > 0, step, stopped]);

  if (fill === null) return <span class="bar bar-none" />;
  return (
    <span class={`bar bar-${tone}${large ? " bar-large" : ""}`}>
      <span ref={bar} />
    </span>
  );
}
