import {
  Broadcast,
  type SubscribeOptions,
  type Subscription,
} from "../protocol/broadcast.ts";
import { CypherError } from "../protocol/errors.ts";
import type { JsonValue } from "../protocol/json.ts";
import type { Answer, RequestInit } from "../protocol/message.ts";
import { writeRequest } from "../protocol/write_message.ts";
import { checkNames, checkNumber, checkSignal } from "../protocol/options.ts";
import type { Tracing } from "../protocol/tracing.ts";
import { ClassicClientWire } from "./classic_client_wire.ts";
import type { ClientLink, ClientWire } from "./client_wire.ts";
import { type ClientState, Keeper } from "./keeper.ts";
import {
  checkClientOptions,
  type ClientSettings,
  type CypherClientOptions,
  DEADLINE,
} from "./options.ts";
import {
  Pending,
  type PendingOptions,
  type RequestOptions,
} from "./pending.ts";
import { SessionClientWire } from "./session/session_client_wire.ts";
import type { ClientSignal } from "./signals.ts";

const REQUEST_OPTIONS = ["signal", "deadline", "idempotent"];

/** Somebody who waits for the connection. */
interface Waiter {
  resolve(): void;
  reject(error: CypherError): void;
}

/**
 * Sends requests over a connection that keeps itself alive: it reconnects,
 * sends again what has no answer yet, and tells when it is offline.
 *
 * @example
 * ```ts
 * import { CypherClient } from "@cypher/protocol";
 *
 * await using client = new CypherClient({
 *   encryptionKey: "client-to-server-key-of-32-chars",
 *   decryptionKey: "server-to-client-key-of-32-chars",
 *   onOffline: (reason) => console.log("offline:", reason),
 * });
 * const answer = client.request({ path: "/NUMBER", operation: "READ" });
 * answer.catch((error) => console.log(error.code)); // CLOSED, as it is closed
 * ```
 */
export class CypherClient implements AsyncDisposable {
  #settings: ClientSettings;
  #wire: ClientWire;
  #pending: Pending;
  #keeper: Keeper<ClientLink>;
  #signals = new Broadcast<ClientSignal>();
  #waiters = new Set<Waiter>();
  #closed: Promise<void> | undefined;
  /** Why it is closed, if it was not its owner who closed it. */
  #replaced: CypherError | undefined;

  /**
   * Makes a client; the first request, or {@linkcode CypherClient.connect},
   * connects it.
   *
   * @throws {CypherError} `BAD_OPTION` naming the option that is not right.
   */
  constructor(options: CypherClientOptions) {
    const settings = this.#settings = checkClientOptions(options);
    this.#pending = new Pending(
      settings.clock,
      settings.limits.queued,
      (request) => {
        this.#wire.ended(request);
        this.#link?.send();
      },
      () => this.#keeper.trouble,
    );
    this.#wire = settings.wire === "session"
      ? new SessionClientWire(settings, this.#pending)
      : new ClassicClientWire(settings, this.#pending);
    this.#signals.listen((signal) => {
      if (signal.kind === "online") settings.onOnline?.();
      else settings.onOffline?.(signal.reason);
    });
    this.#keeper = new Keeper(settings, {
      link: (transport) => this.#wire.link(transport),
      online: () => this.#online(),
      offline: (reason) => {
        this.#signals.publish({ kind: "offline", at: this.#now, reason });
      },
      refused: (error) => this.#endWaiters(error),
      gaveUp: (error) => {
        if (error.code === "REPLACED") this.#replaced = error;
        this.#endAll(error);
      },
    });
  }

  /** Where the connection stands. */
  get state(): ClientState {
    return this.#keeper.state.kind;
  }

  /** How many requests wait for their answers. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Connects; resolves once connected, at once if it is already.
   *
   * @throws {CypherError} `ABORTED` if `signal` aborts, `CLOSED` if the client
   * is closed, `REPLACED` if another has its secret, `CONNECT_FAILED` once the
   * allowed attempts are used up, and at once without `--allow-net` or where no
   * TLS comes about; `UNAUTHORIZED`, `WIRE_MISMATCH`, `REFUSED`, `BAD_TOKEN` or
   * `BAD_MESSAGE` if the server refuses, or does not shake hands as it must.
   */
  async connect(options: { signal?: AbortSignal } = {}): Promise<void> {
    checkNames("", options, ["signal"]);
    const signal = checkSignal(options.signal);
    if (signal?.aborted) throw aborted(signal);
    this.#requireOpen();
    if (this.#link) return;
    this.#keeper.start();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { resolve, reject };
    const abort = () => reject(aborted(signal!));
    this.#waiters.add(waiter);
    signal?.addEventListener("abort", abort);
    try {
      await promise;
    } finally {
      this.#waiters.delete(waiter);
      signal?.removeEventListener("abort", abort);
    }
  }

  /**
   * Sends a request and waits for its answer, through as many connections as
   * that takes. Requests are written in the order they were made; answers come
   * in any order, on the classic wire in that same one.
   *
   * `deadline` is the most it may take in all, in ms; default `Infinity`.
   *
   * @throws {CypherError} `ABORTED`, `DEADLINE`, `CLOSED`, `CONNECT_FAILED`,
   * `OUTCOME_UNKNOWN`, `ANSWER_LOST`, `ANSWER_TOO_LARGE`, `REPLACED`,
   * `NO_ANSWER`, `BAD_TOKEN`, `BAD_MESSAGE`, `TOO_LARGE`, `UNSENDABLE`,
   * `QUEUE_FULL`, `BAD_OPTION`.
   * @throws {CypherStatus} If the answer is a failure status.
   */
  async request<T = JsonValue>(
    request: RequestInit,
    options: RequestOptions = {},
  ): Promise<Answer<T>> {
    checkNames("", options, REQUEST_OPTIONS);
    checkSignal(options.signal);
    const deadline = checkNumber("deadline", options.deadline, DEADLINE);
    this.#requireOpen();
    const bounded = { ...options, deadline };
    const { tracing } = this.#settings;
    const answer = tracing
      ? this.#traced(tracing, request, bounded)
      : this.#send(request, bounded);
    try {
      return await answer as Answer<T>;
    } catch (error) {
      // Where it arose is in here; whoever reads it looks for who asked.
      if (error instanceof CypherError) Error.captureStackTrace(error);
      throw error;
    }
  }

  /** The signals from now on, as an async iterable. */
  signals(options?: SubscribeOptions): Subscription<ClientSignal> {
    return this.#signals.subscribe(options);
  }

  /** Closes the connection for good; waiting requests reject with `CLOSED`. */
  close(): Promise<void> {
    return this.#closed ??= this.#close();
  }

  /** The same as {@linkcode CypherClient.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    const closed = this.#keeper.close();
    this.#endAll(closedError());
    await closed;
    this.#signals.close();
    this.#wire[Symbol.dispose]();
  }

  /** By itself, as a function that is made costs those who do not trace. */
  #traced(
    tracing: Tracing,
    request: RequestInit,
    options: RequestOptions,
  ): Promise<Answer> {
    return tracing.client(
      request,
      this.#settings,
      (traced, resent) => this.#send(traced, { ...options, resent }),
    );
  }

  #send(request: RequestInit, options: PendingOptions): Promise<Answer> {
    const plain = writeRequest(request);
    this.#wire.checkSize(plain);
    // The data's own toJSON may have closed it.
    this.#requireOpen();
    const answer = this.#pending.add(
      request,
      plain,
      options,
      (added) => this.#wire.added(added),
    );
    if (this.#link) this.#link.send();
    else this.#keeper.start();
    return answer;
  }

  get #link(): ClientLink | undefined {
    const { state } = this.#keeper;
    return state.kind === "online" ? state.link : undefined;
  }

  get #now(): number {
    return this.#settings.clock.wall();
  }

  #online(): void {
    for (const waiter of this.#waiters) waiter.resolve();
    this.#signals.publish({ kind: "online", at: this.#now });
  }

  #endWaiters(error: CypherError): void {
    for (const waiter of this.#waiters) waiter.reject(error);
  }

  #endAll(error: CypherError): void {
    this.#endWaiters(error);
    this.#pending.failAll(error);
  }

  #requireOpen(): void {
    if (this.#keeper.state.kind !== "closed") return;
    throw this.#closed ? closedError() : this.#replaced ?? closedError();
  }
}

function closedError(): CypherError {
  return new CypherError("CLOSED", "The client is closed");
}

function aborted(signal: AbortSignal): CypherError {
  return new CypherError("ABORTED", "Connecting was aborted", {
    cause: signal.reason,
  });
}
