import type { Journal, Journalling } from "../journal.ts";
import type { FromThread, Note } from "./messages.ts";

/**
 * A thread's journal, which the main one keeps: what is noted in one tick goes
 * there together, and comes back when it is on the disk.
 */
export class Notes implements Journalling {
  #tell: (message: FromThread) => void;
  #noted: Note[] = [];
  #callbacks: (() => void)[] = [];
  #waiting = new Map<number, (() => void)[]>();
  #batch = 0;

  constructor(tell: (message: FromThread) => void) {
    this.#tell = tell;
  }

  know(client: string): void {
    this.#note({ kind: "know", values: [client] });
  }

  start(client: string, id: number, safe: () => void): void {
    this.#note({ kind: "start", values: [client, id] }, safe);
  }

  end(...[client, id, ending, safe]: Parameters<Journal["end"]>): void {
    this.#note({ kind: "end", values: [client, id, ending] }, safe);
  }

  remove(...[client, ids, finished]: Parameters<Journal["remove"]>): void {
    const { floor } = finished;
    // Copies of the ranges, too: the set grows by changing them.
    const ranges = finished.ranges.map(([first, last]) =>
      [first, last] as const
    );
    this.#note({ kind: "remove", values: [client, ids, { floor, ranges }] });
  }

  /** At once: whoever hears later that it is forgotten may know it anew. */
  forget(client: string): void {
    this.#note({ kind: "forget", values: [client] });
    this.flush();
  }

  startToken(serial: number, identity: Uint8Array, safe?: () => void): void {
    // A copy: it may be part of what is read into next.
    const values: [number, Uint8Array] = [serial, identity.slice()];
    this.#note({ kind: "startToken", values }, safe);
  }

  endToken(...[serial, answer, safe]: Parameters<Journal["endToken"]>): void {
    this.#note({ kind: "endToken", values: [serial, answer] }, safe);
  }

  dropAnswer(serial: number): void {
    this.#note({ kind: "dropAnswer", values: [serial] });
  }

  forgetTokens(below: number): void {
    this.#note({ kind: "forgetTokens", values: [below] });
  }

  /** Nothing: the main thread has that. */
  load(): [] {
    return [];
  }

  /** Nothing: the main thread has that. */
  *loadTokens(): Generator<never> {}

  close(): void {
    this.flush();
  }

  /** A batch is on the disk. */
  safe(batch: number): void {
    for (const callback of this.#waiting.get(batch) ?? []) callback();
    this.#waiting.delete(batch);
  }

  #note(note: Note, safe?: () => void): void {
    if (this.#noted.length === 0) queueMicrotask(() => this.flush());
    this.#noted.push(note);
    if (safe) this.#callbacks.push(safe);
  }

  /** Tells what is noted, before whatever else is told. */
  flush(): void {
    if (this.#noted.length === 0) return;
    const batch = ++this.#batch;
    if (this.#callbacks.length > 0) this.#waiting.set(batch, this.#callbacks);
    this.#tell({ kind: "notes", batch, notes: this.#noted });
    this.#noted = [];
    this.#callbacks = [];
  }
}

/** Writes down what a thread noted; `safe` is called once it is on the disk. */
export function writeDown(
  journal: Journal,
  notes: readonly Note[],
  safe: () => void,
): void {
  // All of them are one transaction: one callback is enough, and those that
  // nobody waits for need none.
  let waiting = safe;
  const once = () => {
    waiting();
    waiting = () => {};
  };
  for (const note of notes) {
    switch (note.kind) {
      case "know":
        journal.know(...note.values);
        break;
      case "start":
        journal.start(...note.values, once);
        break;
      case "end":
        journal.end(...note.values, once);
        break;
      case "remove":
        journal.remove(...note.values);
        break;
      case "forget":
        journal.forget(...note.values);
        break;
      case "startToken": {
        const [serial, identity] = note.values;
        journal.startToken(serial, identity, once);
        break;
      }
      case "endToken":
        journal.endToken(...note.values, once);
        break;
      case "dropAnswer":
        journal.dropAnswer(...note.values);
        break;
      case "forgetTokens":
        journal.forgetTokens(...note.values);
    }
  }
}
