import {
  Broadcast,
  type SubscribeOptions,
  type Subscription,
} from "../../protocol/broadcast.ts";
import { CypherError } from "../../protocol/errors.ts";
import { checkNames, checkNumber } from "../../protocol/options.ts";
import type { Agreement } from "../../protocol/segment/data.ts";
import { payloadLimit } from "../../protocol/segment/header.ts";
import { DEADLINE } from "../options.ts";
import { abortable } from "./abortable.ts";
import { dialLink } from "./dial_link.ts";
import { aborted, closed } from "./errors.ts";
import type { SegmentLink } from "./link.ts";
import {
  checkSegmentClientOptions,
  type SegmentClientOptions,
  type SegmentClientSettings,
} from "./options.ts";
import { type SendOptions, SendQueue } from "./queue.ts";
import type {
  SegmentClientSignal,
  SegmentClientState,
  SegmentOfflineReason,
} from "./signals.ts";

type State =
  | { readonly kind: "idle" }
  | {
    readonly kind: "connecting";
    readonly opening: Promise<SegmentLink>;
    readonly abort: AbortController;
  }
  | { readonly kind: "online"; readonly link: SegmentLink }
  | { readonly kind: "closed" };

/**
 * Sends messages over the segment protocol and gives each one's answer, checked
 * and whole. Messages go one at a time, in the order they were sent.
 *
 * A lost connection rejects the message under way, as the server may have seen
 * it; the next message connects again.
 *
 * @example
 * ```ts
 * import { SegmentClient, SegmentServer } from "@cypher/protocol/segment";
 *
 * await using server = new SegmentServer({ port: 0 });
 * await server.start();
 * await using client = new SegmentClient({ port: server.address.port });
 * const echo = await client.send("Hello!");
 * console.log(new TextDecoder().decode(echo)); // Hello!
 * ```
 */
export class SegmentClient implements AsyncDisposable {
  #settings: SegmentClientSettings;
  #state: State = { kind: "idle" };
  #queue: SendQueue;
  #signals = new Broadcast<SegmentClientSignal>();

  /**
   * Makes a client; the first message, or {@linkcode SegmentClient.connect},
   * connects it.
   *
   * @throws {CypherError} `BAD_OPTION` naming the option that is not right.
   */
  constructor(options: SegmentClientOptions = {}) {
    const settings = this.#settings = checkSegmentClientOptions(options);
    this.#queue = new SendQueue(settings.clock, settings.limits.queued, {
      open: () => this.#open(),
      exchange: (message) => this.#exchange(message),
      abandon: () => this.#link?.close("abandoned"),
    });
  }

  /** Where the connection stands. */
  get state(): SegmentClientState {
    return this.#state.kind;
  }

  /** What the handshake agreed on; undefined while there is no connection. */
  get agreed(): Agreement | undefined {
    return this.#link?.agreed;
  }

  /** How many messages wait for their answers. */
  get pending(): number {
    return this.#queue.size;
  }

  /**
   * Connects; resolves once the handshake is done, at once if it is already.
   *
   * @throws {CypherError} `CONNECT_FAILED` if nobody is there or the handshake
   * fails, naming its step; `ABORTED` if `signal` aborts; `CLOSED`.
   */
  async connect(options: { signal?: AbortSignal } = {}): Promise<void> {
    checkNames("", options, ["signal"]);
    const { signal } = options;
    if (signal?.aborted) throw aborted(signal);
    await abortable(this.#open(), signal);
  }

  /**
   * Sends a message (a string as UTF-8) and gives its answer. A message has at
   * least one byte, and at most the agreed buffer size less the header, or
   * 65,535 bytes if that is less.
   *
   * @throws {CypherError} `UNSENDABLE` if it is empty, `TOO_LARGE`,
   * `QUEUE_FULL`, `CONNECT_FAILED`, `NO_ANSWER` if the connection is lost,
   * `BAD_MESSAGE` if no intact answer comes, `DEADLINE`, `ABORTED`, `CLOSED`.
   */
  async send(
    message: Uint8Array | string,
    options: SendOptions = {},
  ): Promise<Uint8Array> {
    checkNames("", options, ["signal", "deadline"]);
    const deadline = checkNumber("deadline", options.deadline, DEADLINE);
    if (this.#state.kind === "closed") throw closed();
    const bytes = typeof message === "string"
      ? new TextEncoder().encode(message)
      : message.slice();
    if (bytes.length === 0) {
      throw new CypherError("UNSENDABLE", "Cannot send an empty message");
    }
    checkSize(bytes, this.agreed ?? this.#settings);
    return await this.#queue.add(bytes, { signal: options.signal, deadline });
  }

  /** The signals from now on, as an async iterable. */
  signals(options?: SubscribeOptions): Subscription<SegmentClientSignal> {
    return this.#signals.subscribe(options);
  }

  /** Closes the connection for good; waiting messages reject with `CLOSED`. */
  async close(): Promise<void> {
    const state = this.#state;
    if (state.kind === "closed") return;
    this.#state = { kind: "closed" };
    this.#queue.failAll(closed());
    if (state.kind === "connecting") {
      state.abort.abort();
      await state.opening.catch(() => {});
    } else if (state.kind === "online") {
      state.link.close("closed");
      await state.link.ended;
    }
    this.#signals.close();
  }

  /** The same as {@linkcode SegmentClient.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #link(): SegmentLink | undefined {
    return this.#state.kind === "online" ? this.#state.link : undefined;
  }

  #open(): Promise<SegmentLink> {
    const state = this.#state;
    switch (state.kind) {
      case "online":
        return state.link.agreed
          ? Promise.resolve(state.link)
          // It has just ended, and its state is about to.
          : state.link.ended.then(() => this.#open());
      case "connecting":
        return state.opening;
      case "closed":
        return Promise.reject(closed());
      case "idle": {
        const abort = new AbortController();
        const opening = this.#connect(abort.signal);
        this.#state = { kind: "connecting", opening, abort };
        return opening;
      }
    }
  }

  async #connect(signal: AbortSignal): Promise<SegmentLink> {
    // The state is set first, then changed.
    await Promise.resolve();
    try {
      const link = await dialLink(this.#settings, signal, (step) => {
        this.#signals.publish({ kind: "step", at: this.#now, step });
        this.#settings.onStep?.(step);
      });
      if (signal.aborted) {
        link.close("closed");
        throw closed();
      }
      this.#state = { kind: "online", link };
      link.ended.then((reason) => this.#offline(reason));
      this.#signals.publish({ kind: "online", at: this.#now });
      this.#settings.onOnline?.();
      return link;
    } catch (error) {
      if (this.#state.kind === "connecting") this.#state = { kind: "idle" };
      throw error;
    }
  }

  async #exchange(message: Uint8Array): Promise<Uint8Array> {
    const link = this.#link;
    if (!link) throw new CypherError("NO_ANSWER", "The connection was lost");
    checkSize(message, link.agreed ?? this.#settings);
    return await link.exchange(message);
  }

  #offline(reason: SegmentOfflineReason): void {
    if (this.#state.kind === "online") this.#state = { kind: "idle" };
    this.#signals.publish({ kind: "offline", at: this.#now, reason });
    this.#settings.onOffline?.(reason);
  }

  get #now(): number {
    return this.#settings.clock.wall();
  }
}

function checkSize(
  message: Uint8Array,
  { version, bufferSize }: Agreement,
): void {
  const limit = payloadLimit(version, bufferSize);
  if (message.length <= limit) return;
  throw new CypherError(
    "TOO_LARGE",
    `Cannot send a message of ${message.length} bytes: it may have ${limit}`,
  );
}
