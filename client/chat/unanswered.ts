import type { Clock } from "../../protocol/clock.ts";
import { Deadline } from "../../protocol/deadline.ts";
import type { CypherError } from "../../protocol/errors.ts";

/** A command whose answer has not come yet. */
interface Entry {
  /** What its answer says it is about. */
  readonly of: string;
  resolve(text: string): void;
  reject(error: CypherError): void;
}

/**
 * The commands that wait for their answers. Answers carry no number: they come
 * in the order of the commands.
 */
export class Unanswered {
  #entries: Entry[] = [];
  #timeout: number;
  #deadline: Deadline;

  /** `overdue` is called if the first one has waited `timeout` ms. */
  constructor(clock: Clock, timeout: number, overdue: () => void) {
    this.#timeout = timeout;
    this.#deadline = new Deadline(clock, overdue);
  }

  /** How many commands wait. */
  get size(): number {
    return this.#entries.length;
  }

  /** Adds a command; resolves to what its `OK <of>` says after that. */
  add(of: string): Promise<string> {
    if (this.#entries.length === 0) this.#deadline.set(this.#timeout);
    return new Promise((resolve, reject) =>
      this.#entries.push({ of, resolve, reject })
    );
  }

  /** The first command was carried out; false if it is not of that word. */
  settle(of: string, text: string): boolean {
    if (this.#entries[0]?.of !== of) return false;
    this.#take()!.resolve(text);
    return true;
  }

  /** The first command failed; false if there is none. */
  fail(error: CypherError): boolean {
    const entry = this.#take();
    entry?.reject(error);
    return entry !== undefined;
  }

  /** No answer will come any more. */
  failAll(error: CypherError): void {
    this.#deadline.stop();
    for (const entry of this.#entries.splice(0)) entry.reject(error);
  }

  #take(): Entry | undefined {
    const entry = this.#entries.shift();
    // Each answer is a sign that the server gets on: the next has its time.
    if (this.#entries.length > 0) this.#deadline.set(this.#timeout);
    else this.#deadline.clear();
    return entry;
  }
}
