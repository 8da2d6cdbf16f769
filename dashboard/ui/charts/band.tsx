import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { count, rate } from "../format/number.ts";
import { AreaChart } from "./area_chart.tsx";
import { followColours } from "./colours.ts";
import { EventsChart } from "./events_chart.tsx";
import { Figure } from "./figure.tsx";
import { ASKED, type FigureSpec, SPEED, WHO, WRONG } from "./figures.ts";
import { LatencyChart } from "./latency_chart.tsx";

/** Four columns: who is here, what do they ask, how fast, what went wrong. */
export function Band() {
  useEffect(followColours, []);
  return (
    <section class="band" aria-label="Overview" id="overview">
      <Cell figures={WHO}>
        <AreaChart
          title="Connections"
          pick={(sample) => sample.connections}
          stepped
          format={count}
        />
      </Cell>
      <Cell figures={ASKED}>
        <AreaChart
          title="Requests per second"
          pick={(sample) => sample.requests}
          format={rate}
        />
      </Cell>
      <Cell figures={SPEED}>
        <LatencyChart />
      </Cell>
      <Cell figures={WRONG}>
        <EventsChart />
      </Cell>
    </section>
  );
}

function Cell({ figures, children }: {
  readonly figures: readonly FigureSpec[];
  readonly children: ComponentChildren;
}) {
  return (
    <div class="cell">
      <dl class="figures">
        {figures.map((one) => <Figure key={one.label} of={one} />)}
      </dl>
      {children}
    </div>
  );
}
