import type { Monitor } from "../server/monitor.ts";
import type { Signal } from "../server/signals.ts";
import type { Collector } from "./collector.ts";
import type { Role, Snapshot } from "./contract.ts";
import type { DashboardSettings } from "./options.ts";
import { VERSION } from "./version.ts";

/** How many signals a snapshot holds. */
const SIGNALS = 500;

/** Who a snapshot is for. */
export interface Viewer {
  readonly role: Role;
  readonly signedIn: boolean;
}

/** What of a snapshot is the same for everybody. */
export type CommonSnapshot = Omit<
  Snapshot,
  "id" | "signals" | "role" | "signedIn" | "stream" | "skipped"
>;

/** Puts snapshots together. */
export class Snapshots {
  #monitor: Monitor;
  #collector: Collector;
  #settings: DashboardSettings;

  constructor(
    monitor: Monitor,
    collector: Collector,
    settings: DashboardSettings,
  ) {
    this.#monitor = monitor;
    this.#collector = collector;
    this.#settings = settings;
  }

  /**
   * What of a snapshot is the same for everybody, with the samples before
   * number `end`.
   */
  common(end?: number): CommonSnapshot {
    const { instance, started, sampler } = this.#collector;
    const { name, clock, heartbeat } = this.#settings;
    return {
      instance,
      now: clock.wall(),
      name,
      version: VERSION,
      started,
      heartbeat,
      listeners: this.#monitor.listeners(),
      connections: [...this.#collector.live(), ...this.#collector.closed()],
      samples: sampler.samples(0, end),
      figures: sampler.figures(),
    };
  }

  /** The newest signals but `request`, oldest first. */
  signals(): Signal[] {
    return this.#collector.ring.newest(SIGNALS);
  }

  /** Everything, for one viewer. */
  full({ role, signedIn }: Viewer): Snapshot {
    return {
      id: this.#monitor.lastSignal,
      role,
      signedIn,
      signals: this.signals(),
      ...this.common(),
    };
  }
}
