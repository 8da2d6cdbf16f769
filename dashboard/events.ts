import type { Timer } from "../protocol/clock.ts";
import type { Monitor } from "../server/monitor.ts";
import { Changes } from "./changes.ts";
import type { Collector } from "./collector.ts";
import type { ConnectionRow, Sample } from "./contract.ts";
import { cut } from "./cut.ts";
import type { DashboardSettings } from "./options.ts";
import type { Snapshots, Viewer } from "./snapshot.ts";
import { EventStream } from "./stream.ts";
import { head, HEARTBEAT, join, PREAMBLE, tail } from "./wire.ts";

/** How often batches are sent, in ms: four times a second. */
const BATCH_INTERVAL = 250;

/** What a stream is asked to be. */
export interface Subscribe {
  /** Who it is for. */
  readonly viewer: Viewer;
  /** Whether who it is for may still see it. */
  readonly valid: () => boolean;
  /** Whether it carries `request` signals. */
  readonly requests: boolean;
  /** The id of the last event its client has. */
  readonly after?: string | undefined;
}

/** What of a batch is the same for all streams. */
interface Common {
  readonly now: number;
  readonly connections: readonly ConnectionRow[];
  readonly samples: readonly Sample[];
  readonly figures: object;
  readonly listeners?: readonly object[];
}

/**
 * All SSE streams. What they have in common is made once for all of them, four
 * times a second; without any stream there is no timer and no work.
 */
export class Events {
  /** How many streams were dropped for not being read. */
  dropped = 0;
  #monitor: Monitor;
  #collector: Collector;
  #snapshots: Snapshots;
  #settings: DashboardSettings;
  #streams = new Map<string, EventStream>();
  #changes: Changes | undefined;
  #timer: Timer | undefined;
  #heartbeatAt = 0;
  /** The number of the sample that the next batch starts with. */
  #nextSample = 0;
  #listeners = "";
  /** The shared part of a snapshot, good until the next batch. */
  #shared: Uint8Array<ArrayBuffer> | undefined;

  constructor(
    monitor: Monitor,
    collector: Collector,
    snapshots: Snapshots,
    settings: DashboardSettings,
  ) {
    this.#monitor = monitor;
    this.#collector = collector;
    this.#snapshots = snapshots;
    this.#settings = settings;
  }

  /** How many streams there are. */
  get size(): number {
    return this.#streams.size;
  }

  /** What waits to be read on all streams together, in bytes. */
  get queued(): number {
    return this.#streams.values().reduce((sum, { queued }) => sum + queued, 0);
  }

  /** Opens a stream; undefined if there are too many. */
  open(
    { viewer, valid, requests, after }: Subscribe,
  ): ReadableStream<Uint8Array<ArrayBuffer>> | undefined {
    const { clock, limits } = this.#settings;
    if (this.#streams.size >= limits.streams) return undefined;
    const stream = new EventStream({
      requests,
      viewer,
      valid,
      limit: limits.streamBytes,
      clock,
      onEnd: ({ id }, dropped) => this.#ended(id, dropped),
    });
    this.#streams.set(stream.id, stream);
    if (this.#streams.size === 1) this.#start();
    if (requests) this.#collector.wantRequests();
    stream.open([PREAMBLE]);
    this.#first(stream, after);
    return stream.body;
  }

  /** A client says that it still reads; false if its stream is over. */
  keep(id: string): boolean {
    const stream = this.#streams.get(id);
    stream?.keep();
    return stream !== undefined;
  }

  /** Ends all streams. */
  close(): void {
    for (const stream of this.#streams.values()) stream.close();
  }

  /** Ends the streams whose viewers may not look any more. */
  expire(): void {
    for (const stream of this.#streams.values()) {
      if (!stream.valid()) stream.close();
    }
  }

  #start(): void {
    const { clock, heartbeat } = this.#settings;
    this.#changes = new Changes(this.#monitor, this.#collector);
    this.#heartbeatAt = clock.now() + heartbeat;
    this.#listeners = JSON.stringify(this.#monitor.listeners());
    this.#nextSample = this.#collector.sampler.made;
    this.#schedule();
  }

  #schedule(): void {
    this.#timer = this.#settings.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#tick();
      if (this.#streams.size > 0) this.#schedule();
    }, BATCH_INTERVAL);
  }

  #ended(id: string, dropped: boolean): void {
    if (dropped) this.dropped++;
    this.#streams.delete(id);
    if (this.#streams.size > 0) return;
    if (this.#timer !== undefined) {
      this.#settings.clock.clearTimeout(this.#timer);
    }
    this.#timer = this.#shared = undefined;
    this.#changes?.close();
    this.#changes = undefined;
  }

  #tick(): void {
    this.#shared = undefined;
    this.expire();
    this.#batches();
    const { clock, heartbeat, silence } = this.#settings;
    if (clock.now() >= this.#heartbeatAt) {
      this.#heartbeatAt = clock.now() + heartbeat;
      for (const stream of this.#streams.values()) stream.push(HEARTBEAT);
    }
    for (const stream of this.#streams.values()) {
      if (stream.silence >= silence) stream.drop("nobody seems to read it");
    }
  }

  /** A stream's first event. */
  #first(stream: EventStream, after: string | undefined): void {
    if (after === undefined) return this.#send("snapshot", stream);
    const [instance, number] = after.split("-");
    const cursor = /^\d{1,15}$/.test(number ?? "") ? Number(number) : NaN;
    const known = instance === this.#collector.instance && cursor >= 0;
    this.#send(known ? "resume" : "reset", stream, cursor);
  }

  #send(
    event: "snapshot" | "resume" | "reset",
    stream: EventStream,
    cursor = 0,
  ): void {
    // Rows that change after this was made are told in the next batch.
    this.#shared ??= tail(this.#snapshots.common(this.#nextSample));
    const last = this.#monitor.lastSignal;
    const missed = event === "resume"
      ? cut(this.#collector, { cursor, last, withRequests: stream.requests })
      : null;
    if (event === "resume" && missed === null) event = "reset";
    stream.cursor = missed?.id ?? last;
    const own = {
      id: stream.cursor,
      stream: stream.id,
      role: stream.viewer.role,
      signedIn: stream.viewer.signedIn,
      ...(missed?.skipped && { skipped: missed.skipped }),
      signals: missed?.signals ?? this.#snapshots.signals(),
    };
    stream.open([head(event, this.#id(stream.cursor), own), this.#shared]);
  }

  #batches(): void {
    const common = this.#common();
    const shared = tail(common);
    const something = common.connections.length > 0 ||
      common.samples.length > 0 || common.listeners !== undefined;
    // Streams that are equally far get the same bytes.
    const made = new Map<string, { id: number; bytes: typeof shared | null }>();
    for (const stream of this.#streams.values()) {
      const { cursor, requests } = stream;
      if (requests) this.#collector.wantRequests();
      const key = `${cursor} ${requests}`;
      let batch = made.get(key);
      if (batch === undefined) {
        const signals = cut(this.#collector, {
          cursor,
          last: this.#monitor.lastSignal,
          withRequests: requests,
        });
        if (signals === null) {
          this.#send("reset", stream);
          continue;
        }
        const { id, skipped } = signals;
        const empty = signals.signals.length === 0 && skipped === 0;
        const own = skipped > 0 ? signals : { id, signals: signals.signals };
        batch = {
          id,
          bytes: empty && !something
            ? null
            : join(head("batch", this.#id(id), own), shared),
        };
        made.set(key, batch);
      }
      stream.cursor = batch.id;
      if (batch.bytes !== null) stream.push(batch.bytes);
    }
  }

  #common(): Common {
    const { sampler } = this.#collector;
    const now = this.#settings.clock.wall();
    const samples = sampler.samples(this.#nextSample);
    this.#nextSample = sampler.made;
    const listeners = this.#monitor.listeners();
    const told = JSON.stringify(listeners);
    const changed = told !== this.#listeners;
    this.#listeners = told;
    return {
      now,
      connections: this.#changes?.take(now) ?? [],
      samples,
      figures: sampler.figures(),
      ...(changed && { listeners }),
    };
  }

  #id(signal: number): string {
    return `${this.#collector.instance}-${signal}`;
  }
}
