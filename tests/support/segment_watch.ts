import type {
  SegmentServer,
  SegmentServerStep,
  Signal,
} from "../../segment.ts";

/** What is said as text. */
export function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Text as bytes. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Bytes that are the same in every run, and of which no two parts are. */
export function pattern(size: number): Uint8Array<ArrayBuffer> {
  const random = seeded(size);
  return Uint8Array.from({ length: size }, () => random() * 256);
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 0x1_0000_0000;
  };
}

/** Everything that a server tells, and waiting for some of it. */
export class Watch implements Disposable {
  readonly signals: Signal[] = [];
  readonly steps: SegmentServerStep["step"][] = [];
  #wake = new Set<() => void>();
  #unlisten: () => void;
  #steps: AsyncDisposable;

  constructor(server: SegmentServer) {
    this.#unlisten = server.monitor.listen((signal) => {
      this.signals.push(signal);
      this.#look();
    });
    const steps = server.steps();
    this.#steps = steps;
    (async () => {
      for await (const { step } of steps) {
        this.steps.push(step);
        this.#look();
      }
    })();
  }

  /** Waits until `condition` holds; it is looked at whenever something is told. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => this.#wake.add(resolve));
    }
  }

  /** Waits for a signal of a kind, the first one or a later one. */
  async signal<K extends Signal["kind"]>(
    kind: K,
    count = 1,
  ): Promise<Signal & { kind: K }> {
    const found = () => this.signals.filter((one) => one.kind === kind);
    await this.until(() => found().length >= count);
    return found()[count - 1] as Signal & { kind: K };
  }

  /** Waits until a step was told so many times. */
  async step(step: SegmentServerStep["step"], count = 1): Promise<void> {
    await this.until(() =>
      this.steps.filter((one) => one === step).length >= count
    );
  }

  [Symbol.dispose](): void {
    this.#unlisten();
    this.#steps[Symbol.asyncDispose]();
  }

  #look(): void {
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }
}
