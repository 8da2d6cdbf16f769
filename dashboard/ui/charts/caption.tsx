import type { ComponentChildren } from "preact";
import { clockMinute, clockSecond } from "../format/moment.ts";
import { now } from "../state/clock.ts";
import { samples } from "../state/store.ts";

/** A chart's head: what it is, and the values under the crosshair. */
export function Caption({ title, time, values }: {
  readonly title: string;
  /** The time under the crosshair, in seconds. */
  readonly time: number | undefined;
  readonly values: ComponentChildren;
}) {
  return (
    <div class="caption">
      <span class="caption-title">{title}</span>
      <span class="caption-values">
        {time !== undefined && (
          <>
            {clockSecond(time * 1000)} <b>{values}</b>
          </>
        )}
      </span>
    </div>
  );
}

/** The clock below a chart: every five minutes of its fifteen. */
export function TimeAxis() {
  const end = samples.value.at(-1)?.at ?? now.value;
  return (
    <div class="time-axis">
      {[15, 10, 5, 0].map((minutes) => (
        <span key={minutes}>{clockMinute(end - minutes * 60_000)}</span>
      ))}
    </div>
  );
}
