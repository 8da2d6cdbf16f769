import { AnsweredSet } from "../../protocol/answered.ts";
import { CypherError } from "../../protocol/errors.ts";
import { Fifo } from "../../protocol/fifo.ts";
import { clientIdOf, SECRET_BYTES } from "../../protocol/hello.ts";
import { IdMap } from "../../protocol/id_map.ts";
import { LARGEST_WINDOW } from "../../protocol/offers.ts";
import type { Pending, PendingRequest } from "../pending.ts";

/** What is to be written next. */
export type Next =
  | {
    readonly kind: "request";
    readonly id: number;
    readonly request: PendingRequest;
    /** Whether it was written before, and may have been executed. */
    readonly again: boolean;
  }
  | { readonly kind: "cancel"; readonly id: number };

/**
 * What a client knows of its requests across connections: which have been
 * written, which are to be written again, and whose answers it has.
 */
export class SessionState {
  /** What proves that the client id is ours; never leaves but encrypted. */
  readonly secret: Uint8Array = crypto.getRandomValues(
    new Uint8Array(SECRET_BYTES),
  );
  /** The client's id. */
  readonly clientId: string = clientIdOf(this.secret);
  /** The ids that are done with. */
  readonly answered: AnsweredSet = new AnsweredSet(LARGEST_WINDOW);
  #pending: Pending;
  #resend: boolean;
  /** The server that our ids mean something to. */
  #server: string | undefined;
  #lastId = 0;
  /** Never written, in the order they were made. */
  #queue = new Fifo<PendingRequest>();
  /** Written, and without an ending; undefined: its caller has gone. */
  #written = new IdMap<PendingRequest | undefined>();
  /** Written on earlier connections, to be written again: ascending. */
  #again: number[] = [];
  /** Written on this connection. */
  #inFlight = new IdMap<true>();

  /** `resend`: whether everything may be executed twice. */
  constructor(pending: Pending, resend: boolean) {
    this.#pending = pending;
    this.#resend = resend;
  }

  /** A request waits to be written. */
  add(request: PendingRequest): void {
    request.unwritten = this.#queue.add(request);
  }

  /** Whether a server is the one that should remember us. */
  met(server: string): boolean {
    return server === this.#server;
  }

  /** The server that we had met remembers nothing. */
  forgotten(): void {
    this.#server = undefined;
    this.#endUnknown();
  }

  /**
   * A connection is proven. If the server does not remember us, it cannot know
   * what ran: requests that were written end, unless they may run twice.
   */
  connected(server: string, known: boolean): void {
    const same = known && server === this.#server;
    this.#server = server;
    this.#inFlight = new IdMap();
    if (!same) this.#endUnknown();
    this.#again = this.#written.ids().sort((a, b) => a - b);
  }

  /** What is to be written next, with `window` in flight at most. */
  next(window: number): Next | undefined {
    if (this.#inFlight.size >= window) return undefined;
    let id = this.#again.shift();
    while (id !== undefined && !this.#written.has(id)) id = this.#again.shift();
    if (id !== undefined) {
      this.#inFlight.set(id, true);
      const request = this.#written.get(id);
      if (!request) return { kind: "cancel", id };
      request.resent?.();
      return { kind: "request", id, request, again: true };
    }
    const request = this.#queue.oldest;
    if (!request) return undefined;
    this.#queue.delete(request.unwritten);
    id = request.id ??= ++this.#lastId;
    this.#written.set(id, request);
    this.#inFlight.set(id, true);
    return { kind: "request", id, request, again: request.mayHaveRun };
  }

  /** Whether an id was written, and has no ending yet. */
  awaits(id: number): boolean {
    return this.#written.has(id);
  }

  /** An ending came; gives its request, unless nobody waits for that. */
  ended(id: number): PendingRequest | undefined {
    const request = this.#written.get(id);
    if (!this.#written.delete(id)) return undefined;
    this.#inFlight.delete(id);
    this.answered.add(id);
    return request;
  }

  /**
   * The caller has gone; gives the id to cancel, if it is on the wire. What was
   * written keeps its place until the server has confirmed the cancel.
   */
  abandon(request: PendingRequest): number | undefined {
    if (this.#queue.delete(request.unwritten)) {
      // It had an id and lost it to a goodbye: nobody will use that any more.
      if (request.id !== undefined) this.answered.add(request.id);
      return undefined;
    }
    const { id } = request;
    if (id === undefined || !this.#written.has(id)) return undefined;
    this.#written.set(id, undefined);
    return this.#inFlight.has(id) ? id : undefined;
  }

  /** The server says goodbye: what is above `last` it has never accepted. */
  goodbye(last: number): void {
    const back: PendingRequest[] = [];
    for (const id of this.#written.ids()) {
      if (id <= last) continue;
      const request = this.#written.get(id);
      this.#written.delete(id);
      this.#inFlight.delete(id);
      if (request) back.push(request);
      else this.answered.add(id);
    }
    back.sort((a, b) => a.id! - b.id!);
    const behind = this.#queue.values();
    this.#queue = new Fifo();
    for (const request of [...back, ...behind]) this.add(request);
  }

  #endUnknown(): void {
    for (const id of this.#written.ids()) {
      const request = this.#written.get(id);
      if (request && (this.#resend || request.idempotent)) {
        // Also if another server never accepts it.
        request.mayHaveRun = true;
        continue;
      }
      this.#written.delete(id);
      this.answered.add(id);
      if (request) this.#pending.fail(request, unknownOutcome());
    }
  }
}

function unknownOutcome(): CypherError {
  return new CypherError(
    "OUTCOME_UNKNOWN",
    "The server has forgotten this client: the request may have been executed",
  );
}
