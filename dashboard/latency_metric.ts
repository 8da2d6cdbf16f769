import { Histogram, type Registry } from "prom-client";
import { BOUNDS, type Buckets } from "./totals.ts";

const NAME = "cypher_request_duration_seconds";
const HELP = "From a request's last byte to its answer's first";

/** One line of a histogram, as the registry writes it. */
interface Line {
  readonly metricName: string;
  readonly labels: { readonly le?: number | string };
  readonly value: number;
}

/** The library's histogram, but of what was counted elsewhere. */
export class LatencyMetric extends Histogram<"le"> {
  #buckets: Buckets;

  constructor(buckets: Buckets, registry: Registry) {
    super({ name: NAME, help: HELP, registers: [registry] });
    this.#buckets = buckets;
  }

  /** What the registry writes; in seconds, and each bucket with those below. */
  getForPromString(): object {
    const { counts, sum } = this.#buckets;
    let count = 0;
    const values: Line[] = counts.map((here, i) => ({
      metricName: `${NAME}_bucket`,
      labels: { le: i < BOUNDS.length ? BOUNDS[i]! / 1000 : "+Inf" },
      value: count += here,
    }));
    values.push(
      { metricName: `${NAME}_sum`, labels: {}, value: sum / 1000 },
      { metricName: `${NAME}_count`, labels: {}, value: count },
    );
    return { name: NAME, help: HELP, type: "histogram", values };
  }
}
