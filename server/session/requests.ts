import { CypherError } from "../../protocol/errors.ts";
import { FRAME, type Frame } from "../../protocol/frames.ts";
import { writeError } from "../../protocol/notices.ts";
import { requestIn } from "../../protocol/payload.ts";
import type { Connection } from "../connection.ts";
import { Call } from "../handler.ts";
import { failure, UNREADABLE } from "../runner.ts";
import type { StoredAnswer } from "../stored_answer.ts";
import type { ClientRecord, Ending, Running } from "./client_record.ts";
import type { SessionWireOptions } from "./session_options.ts";

/** How many endings a client may leave unconfirmed, beside two windows. */
const UNCONFIRMED = 1_024;

/** How {@linkcode Requests} are made. */
export interface RequestsOptions {
  wire: SessionWireOptions;
  connection: Connection;
  /** What is known of the client that makes them. */
  record: ClientRecord;
  /** The largest payload that the client takes, in bytes. */
  peerBytes: number;
  /** Sends an ending once more. */
  deliver: (id: number, ending: Ending) => void;
}

/** The requests that come on one proven connection. */
export class Requests {
  #options: RequestsOptions;
  /** How many endings may be unconfirmed. */
  #most: number;

  constructor(options: RequestsOptions) {
    this.#options = options;
    const { wire, record } = options;
    // What an earlier server's larger window has left is not held against it.
    this.#most = Math.max(2 * wire.window + UNCONFIRMED, record.kept.size);
  }

  /** Whether nothing is known of a request: it would be executed. */
  isNew(id: number): boolean {
    return this.#options.record.find(id).kind === "new";
  }

  /**
   * A request has come: it is executed, unless it was before. While draining
   * new ones count as never written.
   *
   * @throws {CypherError} `BAD_MESSAGE` if its id is 0 or over the window, or if
   * too many answers are unconfirmed.
   */
  request({ id, payload }: Frame, draining: boolean): void {
    requireId(id);
    const { record, deliver } = this.#options;
    const known = record.find(id);
    switch (known.kind) {
      case "running":
        return;
      case "ended":
        return deliver(id, known.ending);
      case "lost":
        return deliver(id, LOST);
      case "new":
        if (draining) return;
        this.#requireRoom(id);
        return this.#execute(id, payload);
    }
  }

  /**
   * The caller does not want a request any more; it ends, if it has not: at
   * once, unless too many handlers of its client do not heed that.
   *
   * @throws {CypherError} `BAD_MESSAGE` if its id is 0 or far ahead of the
   * window, or if too many answers are unconfirmed.
   */
  cancel(id: number): void {
    requireId(id);
    const { wire, record, deliver } = this.#options;
    const known = record.find(id);
    if (known.kind === "ended") return deliver(id, known.ending);
    if (record.ending.has(id)) return;
    const running = record.running.get(id);
    if (!running) this.#requireConfirmed();
    if (record.isFarAhead(id)) throw overWindow();
    running?.cancel();
    if (running?.handler) this.#leave(running);
    if (running?.handler !== "held") wire.clients.end(record, id, CANCELLED);
  }

  /**
   * A handler may run on by itself, as one of a window of them. Any further one
   * keeps its request's place in the window, or a client whose handlers do not
   * stop would use up the room of all others.
   */
  #leave(running: Running): void {
    const { wire, connection, record } = this.#options;
    if (record.abandoned < wire.window) {
      running.handler = "abandoned";
      record.abandoned++;
    } else {
      running.handler = "held";
      connection.limit("window");
    }
  }

  #requireRoom(id: number): void {
    const { wire, record } = this.#options;
    this.#requireConfirmed();
    if (record.unfinished < wire.window && !record.isFarAhead(id)) return;
    throw overWindow();
  }

  /**
   * Whoever goes on without confirming anything, as no client of ours does,
   * would make each confirmation cost as much as all that is kept.
   */
  #requireConfirmed(): void {
    if (this.#options.record.kept.size > this.#most) throw overWindow();
  }

  #execute(id: number, payload: Uint8Array): void {
    const { wire, connection, record } = this.#options;
    const { clients, runner, depth } = wire;
    const request = requestIn(payload, depth);
    if (request instanceof CypherError) connection.limit(request.limit);
    const { address } = connection;
    const call = new Call(address, connection.id, () => `${record.id}-${id}`);
    const began = connection.requestBegins();
    const running: Running = {
      cancel: () => {
        // After a reconnect it is cancelled again, if it has no ending yet.
        if (running.handler === "held") return;
        call.abort(new CypherError("ABORTED", "The caller cancelled"));
        runner.forgo(call);
        connection.requestLeft();
      },
    };
    const done = (answer: StoredAnswer) => {
      if (running.handler === "abandoned") record.abandoned--;
      // A request that was cancelled meanwhile has its ending already.
      if (record.running.get(id) !== running) return;
      if (running.handler === "held") {
        return clients.end(record, id, CANCELLED);
      }
      const { path, operation } = request instanceof CypherError
        ? UNREADABLE
        : request;
      // Not left for later: what comes in the same read is timed and counted by
      // itself, and may be the connection's end.
      connection.requestEnds(began, {
        path,
        operation,
        status: answer.status,
        message: answer.message,
        repeated: false,
        bytesIn: payload.length,
        bytesOut: answer.text.length,
      });
      clients.end(record, id, this.#endingOf(answer));
    };
    const idempotent = !(request instanceof CypherError) &&
      wire.idempotent(request);
    let expected = !(request instanceof CypherError);
    clients.begin(record, id, running, idempotent, () => {
      expected = false;
      if (request instanceof CypherError) {
        return done(failure(UNREADABLE, "BAD_REQUEST", request.message));
      }
      const answer = runner.run(request, call);
      if (!(answer instanceof Promise)) return done(answer);
      running.handler = "working";
      answer.then(done);
    });
    if (expected) runner.expect(call);
  }

  #endingOf({ text }: StoredAnswer): Ending {
    return text.length > this.#options.peerBytes
      ? ANSWER_TOO_LARGE
      : { type: FRAME.response, payload: text };
  }
}

const LOST = errorEnding(
  "ANSWER_LOST",
  "The request was executed, its answer is no longer kept",
);
const ANSWER_TOO_LARGE = errorEnding(
  "ANSWER_TOO_LARGE",
  "The answer is over the client's limit",
);
const CANCELLED = errorEnding("CANCELLED", "The request was cancelled");

function errorEnding(code: string, message: string): Ending {
  return { type: FRAME.error, payload: writeError({ code, message }) };
}

/** An ending for 0 would be read as one of the connection. */
function requireId(id: number): void {
  if (id > 0) return;
  throw new CypherError("BAD_MESSAGE", "Cannot go on: requests count from 1");
}

function overWindow(): CypherError {
  return new CypherError("BAD_MESSAGE", "Cannot go on: over the window", {
    limit: "window",
  });
}
