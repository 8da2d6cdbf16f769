import { UNKNOWN } from "../format/number.ts";
import { now } from "../state/clock.ts";
import { layout } from "../state/layout.ts";
import { figures, samples } from "../state/store.ts";
import type { FigureSpec } from "./figures.ts";
import { Sparkline } from "./sparkline.tsx";

/** One large number with its unit, and the last minute beside it. */
export function Figure({ of }: { readonly of: FigureSpec }) {
  const { label, measure, more, title, spark, ticks = false } = of;
  const current = figures.value;
  const raw = current && of.value(current);
  const { value, unit } = current ? measure(raw) : { value: UNKNOWN, unit: "" };
  return (
    <div class="figure">
      <dt>{label}{current && more?.(current, now.value)}</dt>
      <dd title={current && title ? title(current) : raw?.toString()}>
        <span class="figure-value">{value}</span>
        {unit && <span class="figure-unit">{unit}</span>}
        {spark && layout.value !== "narrow" && (
          <Sparkline samples={samples.value} pick={spark} ticks={ticks} />
        )}
      </dd>
    </div>
  );
}
