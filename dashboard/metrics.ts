import { Counter, Gauge, Registry } from "prom-client";
import type { Monitor } from "../server/monitor.ts";
import type { Collector } from "./collector.ts";
import type { Events } from "./events.ts";
import { LatencyMetric } from "./latency_metric.ts";

/**
 * What Prometheus asks for, put together when it asks. Labels are few, whatever
 * peers send.
 */
export function metrics(
  monitor: Monitor,
  collector: Collector,
  events: Events,
): Registry {
  const registry = new Registry();
  const registers = [registry];
  const { totals, sampler } = collector;

  /** A counter whose values are counted elsewhere. */
  const counter = (
    name: string,
    help: string,
    label: string | undefined,
    counts: () => Iterable<readonly [string, number]>,
  ) =>
    new Counter({
      name: `cypher_${name}`,
      help,
      registers,
      labelNames: label === undefined ? [] : [label],
      collect() {
        this.reset();
        for (const [value, count] of counts()) {
          this.inc(label === undefined ? {} : { [label]: value }, count);
        }
      },
    });

  /** A gauge without labels. */
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `cypher_${name}`,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });

  new Gauge({
    name: "cypher_connections",
    help: "Connections by wire and state",
    registers,
    labelNames: ["wire", "state"],
    collect() {
      this.reset();
      for (const { wire, state } of monitor.connections()) {
        this.inc({ wire, state: state.kind });
      }
    },
  });
  new Gauge({
    name: "cypher_listeners",
    help: "Addresses listened on by state",
    registers,
    labelNames: ["state"],
    collect() {
      this.reset();
      for (const { state } of monitor.listeners()) this.inc({ state });
    },
  });
  gauge(
    "connections_peak",
    "The most connections there have been",
    () => sampler.figures().peak.connections,
  );
  gauge(
    "start_time_seconds",
    "When the sidecar started, in seconds since the epoch",
    () => collector.started / 1000,
  );
  gauge("dashboard_streams", "Open event streams", () => events.size);
  gauge(
    "dashboard_stream_queue_bytes",
    "What waits to be read on event streams",
    () => events.queued,
  );
  counter(
    "dashboard_streams_dropped_total",
    "Event streams dropped because nobody read them",
    undefined,
    () => [["", events.dropped]],
  );
  counter(
    "connections_total",
    "Connections that came online, by wire",
    "wire",
    () => totals.online.entries(),
  );
  counter(
    "disconnections_total",
    "Connections that went offline, by reason",
    "reason",
    () => totals.offline.entries(),
  );
  counter(
    "timeouts_total",
    "Connections that made no request in time",
    undefined,
    () => [["", totals.timeouts]],
  );
  counter(
    "failures_total",
    "Failures by code",
    "code",
    () => totals.failures.entries(),
  );
  counter(
    "limits_total",
    "Limits reached, by limit",
    "limit",
    () => totals.limits.entries(),
  );
  counter(
    "requests_total",
    "Requests answered, by status",
    "status",
    () => totals.requests.entries(),
  );
  counter(
    "requests_repeated_total",
    "Requests answered from memory",
    undefined,
    () => [["", totals.repeated]],
  );
  counter(
    "request_bytes_total",
    "Bytes of requests (in) and their answers (out)",
    "direction",
    () => [["in", totals.bytesIn], ["out", totals.bytesOut]],
  );

  new LatencyMetric(totals.latencies, registry);
  return registry;
}
