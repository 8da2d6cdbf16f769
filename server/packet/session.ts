import { CypherError } from "../../protocol/errors.ts";
import { Channel, type ChannelEnd } from "../../protocol/packet/channel.ts";
import { PacketError } from "../../protocol/packet/errors.ts";
import { bytesOf } from "../../protocol/packet/message.ts";
import { Outbox } from "../../protocol/packet/outbox.ts";
import type { Packet } from "../../protocol/packet/packet.ts";
import {
  establishedLimits,
  HANDSHAKE_LIMITS,
  PacketParser,
} from "../../protocol/packet/parser.ts";
import type { Connection } from "../connection.ts";
import type { OfflineReason } from "../signals.ts";
import { type Greeted, Greeting } from "./greeting.ts";
import type { PacketContext } from "./handler.ts";
import { Handling } from "./handling.ts";
import type { PacketServerSettings } from "./options.ts";

/** The wire's name, as the monitor shows it. */
export const WIRE = "packet";

/** What is read at once while little comes, in bytes. */
const SMALLEST_READ = 1_024;
/** What may wait for a peer that does not read, beside its window, in bytes. */
const UNREAD = 65_536;

/** Where a session stands. */
type SessionState =
  | { readonly kind: "greeting"; readonly greeting: Greeting }
  | {
    readonly kind: "open";
    readonly channel: Channel;
    readonly context: PacketContext;
  }
  /** Says its last words, then the connection ends. */
  | { readonly kind: "over"; readonly done: Promise<void> };

/** One connection to a packet server, from its first byte to its last. */
export class Session {
  #settings: PacketServerSettings;
  #connection: Connection;
  /** Aborts when the grace of a stop is over. */
  #abandoned: AbortSignal;
  #state: SessionState;
  #leaving = false;
  #parser = new PacketParser(HANDSHAKE_LIMITS);
  #outbox: Outbox;
  #handling: Handling;

  constructor(
    settings: PacketServerSettings,
    connection: Connection,
    abandoned: AbortSignal,
  ) {
    const { maxSize, windowSize, limits, newSession } = settings;
    this.#settings = settings;
    this.#connection = connection;
    this.#handling = new Handling(settings, connection);
    this.#abandoned = abandoned;
    this.#outbox = new Outbox((bytes) => connection.write(bytes));
    const terms = {
      maxPacketSize: maxSize,
      windowSize,
      maxMessageSize: limits.messageBytes,
    };
    const greeting = new Greeting(terms, newSession);
    this.#state = { kind: "greeting", greeting };
  }

  /** Serves the connection until it is over and its messages are handled. */
  async run(): Promise<void> {
    const drop = () => this.#handling.inbox.drop();
    this.#abandoned.addEventListener("abort", drop);
    this.#connection.allow(
      this.#settings.handshakeTimeout,
      "handshake-timeout",
    );
    await this.#readAll();
    if (this.#state.kind === "over") await this.#state.done;
    if (this.#state.kind === "open") this.#state.channel.close(lost());
    await this.#handling.inbox.done();
    this.#abandoned.removeEventListener("abort", drop);
  }

  /**
   * Ends it politely: takes no more messages, lets the handler finish those it
   * has, and says goodbye.
   */
  async leave(): Promise<void> {
    this.#leaving = true;
    if (this.#state.kind === "greeting") this.#finish("stopped");
    if (this.#state.kind !== "open") return;
    const { channel } = this.#state;
    channel.finish();
    await this.#handling.inbox.done();
    channel.leave();
  }

  async #readAll(): Promise<void> {
    const { recvBuffer, maxSize, windowSize, limits } = this.#settings;
    // A peer that keeps to the window can always go on, so that two ends that
    // send at once never wait for each other to read.
    const unread = UNREAD + 2 * windowSize * maxSize;
    let size = SMALLEST_READ;
    while (this.#state.kind !== "over") {
      const chunk = await this.#connection.read(size);
      if (chunk === null || this.#connection.ended) return;
      this.#take(chunk);
      const filled = chunk.length === size;
      size = filled ? Math.min(recvBuffer, 2 * size) : SMALLEST_READ;
      if (this.#outbox.pending > unread) await this.#outbox.flushed();
      await this.#handling.inbox.below(limits.unhandledBytes);
    }
  }

  #take(chunk: Uint8Array): void {
    // While a message is being handled the peer may be silent.
    if (this.#state.kind === "open" && this.#handling.inbox.idle) {
      this.#connection.active();
    }
    try {
      for (const packet of this.#parser.push(chunk)) this.#receive(packet);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#refuse(error);
    }
  }

  #receive(packet: Packet): void {
    switch (this.#state.kind) {
      case "greeting": {
        const result = this.#state.greeting.take(packet);
        if ("agreement" in result) this.#open(result);
        else this.#outbox.push(result);
        return;
      }
      case "open":
        return this.#state.channel.receive(packet);
      case "over":
        return;
    }
  }

  #open({ agreement, clientId }: Greeted): void {
    const connection = this.#connection;
    const channel = new Channel({
      ...this.#settings,
      agreement,
      write: (bytes) => this.#outbox.push(bytes),
      deliver: (message) => this.#deliver(message),
      damaged: () =>
        connection.failure("CHECKSUM", "A packet's checksum is wrong"),
      ended: (end) => this.#ended(end),
    });
    const context: PacketContext = {
      address: connection.address,
      connection: connection.id,
      session: agreement.session,
      clientId,
      signal: this.#abandoned,
      send: async (message, { signal } = {}) =>
        await channel.send(bytesOf(message), signal),
    };
    this.#parser.limits = establishedLimits(agreement.maxPacketSize);
    this.#state = { kind: "open", channel, context };
    connection.online(WIRE, clientId);
    connection.active();
  }

  #deliver(message: Uint8Array): void {
    if (this.#state.kind !== "open") return;
    this.#handling.deliver(message, this.#state.context);
  }

  #refuse(error: PacketError): void {
    if (this.#state.kind === "open") return this.#state.channel.fail(error);
    if (this.#state.kind === "over") return;
    this.#outbox.push(this.#state.greeting.refusal(error));
    this.#ended({ kind: "failed", error });
  }

  #ended(end: ChannelEnd): void {
    if ("error" in end) {
      this.#connection.failure(end.error.reason, end.error.message);
    }
    this.#finish(this.#leaving ? "stopped" : reasonOf(end));
  }

  #finish(reason: OfflineReason): void {
    this.#state = { kind: "over", done: this.#lastWords(reason) };
  }

  async #lastWords(reason: OfflineReason): Promise<void> {
    this.#connection.allow(this.#settings.ackTimeout);
    await this.#outbox.flushed();
    this.#connection.end(reason);
  }
}

function reasonOf(end: ChannelEnd): OfflineReason {
  switch (end.kind) {
    case "left":
      return "stopped";
    case "disconnected":
      return "peer-closed";
    case "refused":
      return "protocol-error";
    case "failed":
      if (end.error.reason === "TOO_LARGE") return "too-large";
      return end.error.reason === "RETRANSMISSIONS_EXCEEDED"
        ? "unresponsive"
        : "protocol-error";
  }
}

function lost(): CypherError {
  return new CypherError(
    "NO_ANSWER",
    "The connection ended before the message was acknowledged",
  );
}
