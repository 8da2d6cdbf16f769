/** What the tests of the dashboard's event stream share. */
import type { Batch, Snapshot } from "../../dashboard/contract.ts";
import type { Signal } from "../../mod.ts";
import { within } from "./cypher.ts";

/** One event, as a browser would dispatch it. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
  /** The last id so far. */
  readonly id: string;
}

/** Server-sent events, by the rules of the HTML standard, 9.2.6. */
export class SseParser {
  /** Lines that started with a colon. */
  comments = 0;
  #rest = "";
  #id = "";
  #event = "";
  #data: string[] = [];

  /** The events that a further piece of the stream completes. */
  push(text: string): SseEvent[] {
    const events: SseEvent[] = [];
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length > 0) {
          const data = this.#data.join("\n");
          events.push({ event: this.#event, data, id: this.#id });
        }
        this.#event = "";
        this.#data = [];
        continue;
      }
      const colon = line.indexOf(":");
      if (colon === 0) this.comments++;
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "id") this.#id = value;
      else if (name === "event") this.#event = value;
      else if (name === "data") this.#data.push(value);
    }
    return events;
  }
}

/** Reads one stream, event by event. */
export class SseReader implements AsyncDisposable {
  readonly parser = new SseParser();
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly #events: SseEvent[] = [];

  constructor(response: Response) {
    if (!response.body || response.status !== 200) {
      throw new Error(`Expected a stream, got ${response.status}`);
    }
    this.#reader = response.body.getReader();
  }

  /** The next event; null at the end of the stream. */
  async next(): Promise<SseEvent | null> {
    while (this.#events.length === 0) {
      const { value, done } = await within("an event", this.#reader.read());
      if (done) return null;
      const text = this.#decoder.decode(value, { stream: true });
      this.#events.push(...this.parser.push(text));
    }
    return this.#events.shift()!;
  }

  /** The next event, which must be of this kind. */
  async expect(event: string): Promise<SseEvent> {
    const next = await this.next();
    if (next?.event === event) return next;
    throw new Error(`Expected ${event}, got ${next?.event ?? "the end"}`);
  }

  /** The next event, as the page gets it. */
  async snapshot(event = "snapshot"): Promise<Snapshot> {
    return JSON.parse((await this.expect(event)).data);
  }

  /** The next batch that fits; those before it are dropped. */
  async batch(fits: (batch: Batch) => boolean = () => true): Promise<Batch> {
    for (;;) {
      const event = await this.next();
      if (event === null) throw new Error("The stream ended");
      if (event.event !== "batch") continue;
      const batch: Batch = JSON.parse(event.data);
      if (fits(batch)) return batch;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }
}

/** What a browser's EventSource has got, over any number of connections. */
export interface Followed {
  /** The signals, in the order they came in. */
  readonly signals: Signal[];
  /** How each connection started. */
  readonly openings: string[];
  readonly skipped: number;
}

/**
 * Follows a stream like a browser: comes back with the last id at each break,
 * until `done`.
 */
export async function follow(
  url: string,
  done: (followed: Followed) => boolean,
): Promise<Followed> {
  const followed = {
    signals: [] as Signal[],
    openings: [] as string[],
    skipped: 0,
  };
  let last = "";
  for (;;) {
    try {
      const headers: HeadersInit = last ? { "Last-Event-ID": last } : {};
      await using reader = new SseReader(await fetch(url, { headers }));
      for (let event; (event = await reader.next());) {
        last = event.id;
        if (event.data === "") continue;
        const data: Snapshot | Batch = JSON.parse(event.data);
        if (event.event !== "batch") followed.openings.push(event.event);
        followed.signals.push(...data.signals);
        followed.skipped += data.skipped ?? 0;
        if (done(followed)) return followed;
      }
    } catch (error) {
      // A cut shows as a TypeError of fetch, in whatever state it finds it.
      if (!(error instanceof TypeError)) throw error;
    }
  }
}
