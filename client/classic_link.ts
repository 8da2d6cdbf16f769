import { asciiBytes } from "../protocol/ascii.ts";
import type { ClassicEnvelope } from "../protocol/classic.ts";
import type { Clock } from "../protocol/clock.ts";
import { Deadline } from "../protocol/deadline.ts";
import type { Opened } from "../protocol/envelope.ts";
import { CypherError } from "../protocol/errors.ts";
import type { IdentityRing } from "../protocol/identity_ring.ts";
import { NulSplitter } from "../protocol/nul_splitter.ts";
import { answerIn } from "../protocol/payload.ts";
import { lossOf, type Transport } from "../protocol/transport.ts";
import { type ClientLink, SPEAKS_TLS } from "./client_wire.ts";
import type { Pending, PendingRequest } from "./pending.ts";
import type { ClientOfflineReason } from "./signals.ts";

const SMALLEST_READ = 4_096;
/** An alert's record, of any version (RFC 8446, 5.1): no token begins so. */
const TLS_ALERT = [0x15, 0x03] as const;
const KEYS_MATCH = "Do the keys match?";

/** How a {@linkcode ClassicLink} is made. */
export interface ClassicLinkOptions {
  transport: Transport;
  envelope: ClassicEnvelope;
  pending: Pending;
  /** The identities of answers that were accepted, on any connection. */
  accepted: IdentityRing;
  clock: Clock;
  /** How long to wait for an answer, in ms. */
  timeout: number;
  /** How often a request may be cut off in a row. */
  maxUnanswered: number;
  /** The most that is read at once, in bytes. */
  recvBuffer: number;
  /** The largest answer, in bytes on the wire. */
  messageBytes: number;
  /** How deep an answer's JSON may nest. */
  depth: number;
}

/**
 * One connection on the classic wire. It has one request in flight, as Python
 * peers take all they have read for one request; it reads all the time, so a
 * dead connection is noticed without a request.
 */
export class ClassicLink implements ClientLink {
  #options: ClassicLinkOptions;
  #inFlight: PendingRequest | undefined;
  #overdue: Deadline;
  #end: ClientOfflineReason | undefined;
  #answered = false;
  /** Whether it took a request with it. */
  #cut = false;
  #refusal: CypherError | undefined;

  constructor(options: ClassicLinkOptions) {
    this.#options = options;
    this.#overdue = new Deadline(
      options.clock,
      () => this.close("timeout"),
    );
  }

  /** Whether it has brought any answer. */
  get answered(): boolean {
    return this.#answered;
  }

  /** Why the server would not have us, if that is how it ended. */
  get refusal(): CypherError | undefined {
    return this.#refusal;
  }

  /** Whether it was cut off as by a server that does not take the keys. */
  get suspicion(): string | undefined {
    return this.#cut && !this.#answered ? KEYS_MATCH : undefined;
  }

  /** Runs the connection until it is over; resolves to the reason. */
  async run(ready: () => void): Promise<ClientOfflineReason> {
    ready();
    this.send();
    const { transport, recvBuffer, messageBytes } = this.#options;
    const splitter = new NulSplitter(messageBytes);
    let buffer = new Uint8Array(SMALLEST_READ);
    while (this.#end === undefined) {
      const size = Math.max(SMALLEST_READ, splitter.pending);
      if (size !== buffer.length) {
        buffer = new Uint8Array(Math.min(recvBuffer, size));
      }
      try {
        const count = await transport.read(buffer);
        if (count === null) this.close("peer-closed");
        else await this.#receive(splitter, buffer.subarray(0, count));
      } catch (error) {
        if (error instanceof CypherError) this.#refused(error);
        else this.close(lossOf(error));
      }
    }
    this.#overdue.stop();
    this.#countCut();
    return this.#end;
  }

  /** Sends the next request, if there is one and none is in flight. */
  send(): void {
    const next = this.#options.pending.first;
    if (this.#inFlight || !next || this.#end !== undefined) return;
    this.#inFlight = next;
    this.#overdue.set(this.#options.timeout);
    if (next.sealed) next.resent?.();
    const sealed = next.sealed ??= this.#options.envelope.seal(
      asciiBytes(next.plain),
    );
    if (!(sealed instanceof Promise)) return this.#write(sealed);
    sealed.then(
      (bytes) => this.#write(bytes),
      (cause) => this.#options.pending.fail(next, unsealable(cause)),
    );
  }

  /** A request ended early: its late answer must not meet the next one. */
  abandon(request: PendingRequest): void {
    if (request !== this.#inFlight) return;
    this.#inFlight = undefined;
    this.close("abandoned");
  }

  /** Closes the connection; the first reason counts. */
  close(reason: ClientOfflineReason): void {
    if (this.#end !== undefined) return;
    this.#end = reason;
    this.#options.transport.close();
  }

  #refused(error: CypherError): void {
    this.#refusal = error;
    this.close("refused");
  }

  #write(bytes: Uint8Array): void {
    if (this.#end !== undefined) return;
    this.#options.transport.write(bytes).catch((error) =>
      this.close(lossOf(error))
    );
  }

  async #receive(splitter: NulSplitter, chunk: Uint8Array): Promise<void> {
    const request = this.#inFlight;
    if (!request) return this.close("unexpected-data");
    const [message, ...more] = splitter.push(chunk);
    if (message) {
      const answer = this.#open(message);
      const rest = more.length > 0 || splitter.pending > 0;
      this.#accept(
        request,
        answer instanceof Promise ? await answer : answer,
        rest || splitter.overflowed,
      );
    } else if (splitter.overflowed) {
      this.#inFlight = undefined;
      this.close("too-large");
      const { pending, messageBytes } = this.#options;
      pending.fail(request, answerTooLarge(messageBytes));
    }
  }

  /** Opens an answer; what is wrong with it comes as a value. */
  #open(
    message: Uint8Array,
  ): Promise<Opened | CypherError> | Opened | CypherError {
    if (TLS_ALERT.every((byte, at) => message[at] === byte)) {
      return new CypherError("BAD_TOKEN", SPEAKS_TLS);
    }
    try {
      const opened = this.#options.envelope.open(message);
      return opened instanceof Promise
        ? opened.catch((error) => error as CypherError)
        : opened;
    } catch (error) {
      return error as CypherError;
    }
  }

  #accept(
    request: PendingRequest,
    opened: Opened | CypherError,
    rest: boolean,
  ): void {
    // While a large answer was being opened its request may have ended.
    if (request !== this.#inFlight) return;
    const { pending, accepted } = this.#options;
    this.#inFlight = undefined;
    this.#overdue.clear();
    const error = opened instanceof CypherError
      ? opened
      : accepted.find(opened.identity) !== -1
      ? repeated()
      : undefined;
    if (error) {
      this.close("bad-token");
      return pending.fail(request, error);
    }
    accepted.add((opened as Opened).identity);
    this.#answered = true;
    if (rest) this.close("unexpected-data");
    const { plain } = opened as Opened;
    const outcome = answerIn(plain, request.request, this.#options.depth);
    if (outcome instanceof CypherError) pending.fail(request, outcome);
    else pending.settle(request, outcome);
    this.send();
  }

  /** A request that was in flight was cut off, unless it was merely late. */
  #countCut(): void {
    const { pending, maxUnanswered } = this.#options;
    const request = this.#inFlight;
    this.#inFlight = undefined;
    if (!request) return;
    const cut = this.#end === "peer-closed" || this.#end === "peer-reset" ||
      this.#end === "refused";
    this.#cut = cut;
    request.cuts = cut ? request.cuts + 1 : 0;
    if (request.cuts >= maxUnanswered) {
      pending.fail(request, this.#refusal ?? noAnswer(maxUnanswered));
    }
  }
}

function unsealable(cause: unknown): CypherError {
  return new CypherError("UNSENDABLE", "Cannot seal the request", { cause });
}

/** Not `TOO_LARGE`, which says that nothing was sent. */
function answerTooLarge(limit: number): CypherError {
  return new CypherError(
    "ANSWER_TOO_LARGE",
    `Cannot receive the answer: it may have ${limit} bytes`,
  );
}

function repeated(): CypherError {
  return new CypherError(
    "BAD_TOKEN",
    "Cannot accept the answer: it was given to another request before",
  );
}

function noAnswer(times: number): CypherError {
  return new CypherError(
    "NO_ANSWER",
    `The peer closed the connection ${times} times in a row instead of ` +
      `answering. ${KEYS_MATCH} If they did not before, it refuses this ` +
      `address for a while, its limits.banTime; or it is full, its ` +
      `limits.connections. A Python server closes it when its handler raises`,
  );
}
