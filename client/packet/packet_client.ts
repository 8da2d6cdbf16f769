import {
  Broadcast,
  type SubscribeOptions,
  type Subscription,
} from "../../protocol/broadcast.ts";
import { CypherError } from "../../protocol/errors.ts";
import { checkNames } from "../../protocol/options.ts";
import type { Agreement } from "../../protocol/packet/handshake.ts";
import { bytesOf } from "../../protocol/packet/message.ts";
import type { Delivery } from "../../protocol/packet/sending.ts";
import type { Transport } from "../../protocol/transport.ts";
import { dialWithin } from "./dial.ts";
import { PacketLink } from "./link.ts";
import {
  checkPacketClientOptions,
  type PacketClientOptions,
  type PacketClientSettings,
} from "./options.ts";
import { connectingAborted, unlessAborted } from "./waiting.ts";
import type { PacketClientSignal, PacketOfflineReason } from "./signals.ts";

/** Where a packet client stands. */
export type PacketClientState = "idle" | "connecting" | "online" | "closed";

type ClientState =
  /** Not connected: `connect` does that, for the first time or again. */
  | { readonly kind: "idle" }
  /** Dialling, or in the handshake. */
  | { readonly kind: "connecting"; readonly connected: Promise<void> }
  | {
    readonly kind: "online";
    readonly link: PacketLink;
    readonly agreement: Agreement;
  }
  /** Closed for good. */
  | { readonly kind: "closed" };

/** How many messages a subscriber may leave waiting. */
const MESSAGES = 1_000;

/**
 * Sends messages over the packet protocol. It does not reconnect by itself: a
 * message that was not acknowledged rejects, and `connect` opens a new session.
 *
 * @example
 * ```ts
 * import { PacketClient } from "@cypher/protocol/packet";
 *
 * await using client = new PacketClient({ port: 5000, mode: "burst" });
 * const sent = client.connect().then(() => client.send("hello"));
 * sent.catch((error) => console.log(error.code)); // CLOSED, as it is closed
 * ```
 */
export class PacketClient implements AsyncDisposable {
  #settings: PacketClientSettings;
  #state: ClientState = { kind: "idle" };
  #signals = new Broadcast<PacketClientSignal>();
  #messages = new Broadcast<Uint8Array>();
  #closing = new AbortController();
  /** The last link that was online. */
  #wasOnline: PacketLink | undefined;
  /** Resolves when every link so far is closed. */
  #running: Promise<void> = Promise.resolve();

  /**
   * Makes a client; {@linkcode PacketClient.connect} connects it.
   *
   * @throws {CypherError} `BAD_OPTION` naming the option that is not right.
   */
  constructor(options: PacketClientOptions = {}) {
    this.#settings = checkPacketClientOptions(options);
  }

  /** Where it stands: `"idle"`, `"connecting"`, `"online"` or `"closed"`. */
  get state(): PacketClientState {
    return this.#state.kind;
  }

  /** What was agreed on with the server; undefined while not online. */
  get agreement(): Agreement | undefined {
    return this.#state.kind === "online" ? this.#state.agreement : undefined;
  }

  /**
   * Dials and shakes hands; at once if it is online. `signal` ends the waiting,
   * not the attempt, which others may wait for.
   *
   * @throws {CypherError} `ABORTED`; `CLOSED` if the client is closed;
   * `CONNECT_FAILED` if nobody accepts; `DEADLINE` if the handshake takes too
   * long; `NO_ANSWER` if the server goes before it is done.
   * @throws {PacketError} `BAD_HANDSHAKE` if the server refuses, or does not
   * speak the protocol.
   */
  async connect(options: { signal?: AbortSignal } = {}): Promise<void> {
    checkNames("", options, ["signal"]);
    const { signal } = options;
    if (signal?.aborted) throw connectingAborted(signal);
    if (this.#state.kind === "closed") throw closed();
    if (this.#state.kind === "online") return;
    if (this.#state.kind === "idle") {
      const connected = this.#connect();
      // Whoever waits is told; nobody may.
      connected.catch(() => {});
      this.#state = { kind: "connecting", connected };
    }
    await unlessAborted(this.#state.connected, signal);
  }

  /**
   * Sends a copy of a message, a text as UTF-8; resolves once all of it is
   * acknowledged. Messages go out in the order of the calls.
   *
   * When it rejects with `ABORTED`, `NO_ANSWER` or `CLOSED`, the message may
   * have arrived. `signal` takes back a message of which nothing is sent; the
   * rest of one that has begun follows nevertheless.
   *
   * @throws {CypherError} `CLOSED` unless online; `TOO_LARGE` and `QUEUE_FULL`
   * before anything is sent; `ABORTED`; `NO_ANSWER` if the connection is lost.
   * @throws {PacketError} `RETRANSMISSIONS_EXCEEDED`, or what else the peer ended
   * the connection for.
   */
  async send(
    message: Uint8Array | string,
    options: { signal?: AbortSignal } = {},
  ): Promise<Delivery> {
    checkNames("", options, ["signal"]);
    const bytes = bytesOf(message);
    if (this.#state.kind === "closed") throw closed();
    if (this.#state.kind !== "online") {
      throw new CypherError(
        "CLOSED",
        "Cannot send the message: the client is not connected",
      );
    }
    return await this.#state.link.send(bytes, options.signal);
  }

  /**
   * The server's messages from now on, as an async iterable. Of more than
   * `capacity` that nobody took, default 1,000, the oldest are dropped.
   */
  messages(options: SubscribeOptions = {}): Subscription<Uint8Array> {
    return this.#messages.subscribe({ capacity: MESSAGES, ...options });
  }

  /** The signals from now on, as an async iterable. */
  signals(options?: SubscribeOptions): Subscription<PacketClientSignal> {
    return this.#signals.subscribe(options);
  }

  /**
   * Says goodbye and closes for good. What is not acknowledged yet rejects with
   * `CLOSED`.
   */
  async close(): Promise<void> {
    const connected = this.#state.kind === "connecting"
      ? this.#state.connected
      : undefined;
    this.#state = { kind: "closed" };
    // Ends the dialling, the handshake or the connection, whichever there is.
    this.#closing.abort();
    await connected?.catch(() => {});
    await this.#running;
    this.#messages.close();
    this.#signals.close();
  }

  /** The same as {@linkcode PacketClient.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #connect(): Promise<void> {
    try {
      await this.#handshake(
        await dialWithin(this.#settings, this.#closing.signal),
      );
    } catch (error) {
      if (this.#state.kind === "closed") throw closed();
      this.#state = { kind: "idle" };
      throw error;
    }
  }

  /** Resolves when the handshake is done; the link runs on. */
  async #handshake(transport: Transport): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { signal } = this.#closing;
    const leave = () => link.leave();
    const link = new PacketLink({
      transport,
      settings: this.#settings,
      opened: (agreement) => {
        this.#online(link, agreement);
        resolve();
      },
      deliver: (message) => {
        this.#messages.publish(message);
        call(this.#settings.onMessage, message);
      },
      ended: ({ reason, error }) => {
        signal.removeEventListener("abort", leave);
        this.#offline(link, reason);
        reject(error);
      },
    });
    signal.addEventListener("abort", leave);
    const running = link.run();
    this.#running = Promise.all([this.#running, running]).then(() => {});
    if (signal.aborted) leave();
    await promise;
  }

  #online(link: PacketLink, agreement: Agreement): void {
    this.#state = { kind: "online", link, agreement };
    this.#wasOnline = link;
    this.#signals.publish({ kind: "online", at: this.#settings.clock.wall() });
    call(this.#settings.onOnline);
  }

  /** Tells it, unless the link never was online. */
  #offline(link: PacketLink, reason: PacketOfflineReason): void {
    if (this.#wasOnline !== link) return;
    if (this.#state.kind === "online") this.#state = { kind: "idle" };
    // However the server took our goodbye.
    if (this.#state.kind === "closed") reason = "closed";
    const at = this.#settings.clock.wall();
    this.#signals.publish({ kind: "offline", at, reason });
    call(this.#settings.onOffline, reason);
  }
}

/** What a callback of the program's throws is the program's, not the link's. */
function call<A extends unknown[]>(
  callback: ((...args: A) => void) | undefined,
  ...args: A
): void {
  try {
    callback?.(...args);
  } catch (error) {
    reportError(error);
  }
}

function closed(): CypherError {
  return new CypherError("CLOSED", "The client is closed");
}
