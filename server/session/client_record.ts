import { type AnsweredJson, AnsweredSet } from "../../protocol/answered.ts";
import { CypherError } from "../../protocol/errors.ts";
import type { Place } from "../../protocol/fifo.ts";
import type { FrameType } from "../../protocol/frames.ts";
import { IdMap } from "../../protocol/id_map.ts";
import { LARGEST_WINDOW } from "../../protocol/offers.ts";

/** What ends a request: a frame, kept until the client says it has it. */
export interface Ending {
  readonly type: FrameType;
  readonly payload: string;
}

/** A request whose handler runs, or is about to. */
export interface Running {
  /**
   * Where it stands in the thread's ledger, -1 once it does not any more;
   * undefined: its handler runs on another thread, if there are several.
   */
  place?: number;
  /**
   * How its handler stands, once it is at work on this thread. Nobody waits for
   * it any more: it runs on by itself, counted in {@linkcode
   * ClientRecord.abandoned}, or is held against the window until it ends.
   */
  handler?: "working" | "abandoned" | "held";
  /** Tells the handler to stop, and the monitor that nobody waits. */
  cancel(): void;
}

/** The connection that a client's answers go to. */
export interface Owner {
  /** A request has ended. */
  deliver(id: number, ending: Ending): void;
  /** The same client has proven itself on a newer connection. */
  replaced(): void;
  /** The client is to come back, and to send again what has no answer. */
  interrupted(): void;
}

/** What is known of a request id. */
export type Known =
  /** Nothing: it is to be executed. */
  | { readonly kind: "new" }
  /** It is being executed; its answer will go to the owner. */
  | { readonly kind: "running" }
  /** It has ended so. */
  | { readonly kind: "ended"; readonly ending: Ending }
  /** It has ended, and how is not known any more. */
  | { readonly kind: "lost" };

/** An ending that is kept. */
export interface Kept {
  readonly record: ClientRecord;
  readonly id: number;
  readonly ending: Ending;
  /** Its place among those that may be given up; undefined: it may not. */
  place: Place<Kept> | undefined;
}

/** A client's record on its way to another thread. */
export interface Handover {
  /** The highest id ever accepted. */
  readonly highest: number;
  /** The ids that are done with. */
  readonly finished: AnsweredJson;
  /** The endings that the client has not confirmed. */
  readonly kept: readonly (readonly [id: number, ending: Ending])[];
  /** The requests that have no ending yet, wherever their handlers run. */
  readonly running: readonly number[];
}

/** What the server knows of one client id, whatever its connections. */
export class ClientRecord {
  /** The client's id. */
  readonly id: string;
  /** The requests whose handlers run. */
  readonly running = new IdMap<Running>();
  /** The requests whose ending is being put on record. */
  readonly ending = new Set<number>();
  /** The endings that the client has not confirmed. */
  readonly kept = new IdMap<Kept>();
  /** The newest proven connection. */
  owner: Owner | undefined;
  /** Its number among all connections, or that of the last one. */
  ticket = 0;
  /** The highest id ever accepted, if only to be cancelled. */
  highest = 0;
  /** The highest id whose handler may have begun, here or anywhere. */
  begun = 0;
  /**
   * The ids that are done with. Its gaps may be those of an earlier server's
   * window, larger than that of now.
   */
  readonly finished = new AnsweredSet(LARGEST_WINDOW);
  /** Its place among the clients of all threads. */
  slot = 0;
  /** How many handlers are at work for requests that ended in a cancel. */
  abandoned = 0;

  constructor(id: string) {
    this.id = id;
  }

  /** How many requests have no ending that could be told. */
  get unfinished(): number {
    return this.running.size + this.ending.size;
  }

  /**
   * Whether an id leaves so many others open below it that finishing it could
   * be one gap too many. Such an id is not to be accepted.
   */
  isFarAhead(id: number): boolean {
    const highest = Math.max(id, this.highest);
    return highest - this.finished.floor > LARGEST_WINDOW &&
      this.finished.countMissing(highest) > LARGEST_WINDOW;
  }

  /** What is known of a request id. */
  find(id: number): Known {
    if (this.running.has(id) || this.ending.has(id)) return { kind: "running" };
    const kept = this.kept.get(id);
    if (kept) return { kind: "ended", ending: kept.ending };
    return { kind: this.finished.has(id) ? "lost" : "new" };
  }

  /** A handler begins. */
  begin(id: number, running: Running): void {
    this.running.set(id, running);
    this.highest = Math.max(this.highest, id);
    this.begun = Math.max(this.begun, id);
  }

  /** A request that was accepted is over: it will never be executed again. */
  finish(id: number): void {
    this.ending.delete(id);
    this.highest = Math.max(this.highest, id);
    this.finished.add(id);
  }

  /**
   * The client has these answers. Gives what need not be kept any more.
   *
   * @throws {CypherError} `BAD_MESSAGE` if that leaves more ids open than any
   * window allows; nothing has changed then. What runs could not finish, for
   * want of room in the set.
   */
  confirm(answered: AnsweredSet): Kept[] {
    const highest = Math.max(this.highest, answered.highest);
    const floor = Math.max(this.finished.floor, answered.floor);
    if (
      highest - floor > LARGEST_WINDOW &&
      this.finished.countMissing(highest, answered) > LARGEST_WINDOW
    ) {
      throw new CypherError(
        "BAD_MESSAGE",
        `Cannot go on: over ${LARGEST_WINDOW} ids are left open`,
        { limit: "window" },
      );
    }
    this.finished.merge(answered);
    this.highest = highest;
    return this.kept.ids().filter((id) => answered.has(id)).map((id) => {
      const kept = this.kept.get(id)!;
      this.kept.delete(id);
      return kept;
    });
  }

  /** What another thread has to know to go on with it. */
  handover(): Handover {
    return {
      highest: this.highest,
      finished: this.finished.toJSON(),
      kept: this.kept.values().map(({ id, ending }) => [id, ending] as const),
      running: [...this.running.ids(), ...this.ending],
    };
  }
}
