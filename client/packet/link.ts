import { Deadline } from "../../protocol/deadline.ts";
import { CypherError } from "../../protocol/errors.ts";
import { Channel, type ChannelEnd } from "../../protocol/packet/channel.ts";
import { PacketError } from "../../protocol/packet/errors.ts";
import {
  type Agreement,
  readSynAck,
  writeAck,
  writeSyn,
} from "../../protocol/packet/handshake.ts";
import { Outbox } from "../../protocol/packet/outbox.ts";
import { HANDSHAKE, type Packet } from "../../protocol/packet/packet.ts";
import {
  establishedLimits,
  HANDSHAKE_LIMITS,
  PacketParser,
} from "../../protocol/packet/parser.ts";
import type { Delivery } from "../../protocol/packet/sending.ts";
import { lossOf, type Transport } from "../../protocol/transport.ts";
import type { PacketClientSettings } from "./options.ts";
import type { PacketOfflineReason } from "./signals.ts";

/** What is read at once while little comes, in bytes. */
const SMALLEST_READ = 4_096;
/** What may wait for a peer that does not read, beside the window, in bytes. */
const UNREAD = 65_536;

/** How a link is made. */
export interface PacketLinkOptions {
  transport: Transport;
  settings: PacketClientSettings;
  /** The handshake is done. */
  opened: (agreement: Agreement) => void;
  /** Takes a message. */
  deliver: (message: Uint8Array) => void;
  /** Called once, when nothing can be sent or received any more. */
  ended: (end: LinkEnd) => void;
}

/** How a link came to its end. */
export interface LinkEnd {
  readonly reason: PacketOfflineReason;
  /** What whoever waits for the handshake or a message is told. */
  readonly error: CypherError;
}

/** Where a link stands. */
type LinkState =
  /** Waits for the SYN-ACK. */
  | { readonly kind: "greeting" }
  | { readonly kind: "open"; readonly channel: Channel }
  /** Says its last words, then the connection ends. */
  | { readonly kind: "over" };

/** The client's end of one connection, from the SYN to the last byte. */
export class PacketLink {
  #options: PacketLinkOptions;
  #offer: Parameters<typeof readSynAck>[1] & { clientId: string | undefined };
  #state: LinkState = { kind: "greeting" };
  #parser = new PacketParser(HANDSHAKE_LIMITS);
  #outbox: Outbox;
  #patience: Deadline;

  constructor(options: PacketLinkOptions) {
    const { settings, transport } = options;
    this.#options = options;
    this.#offer = {
      mode: settings.mode,
      clientId: settings.clientId,
      maxPacketSize: settings.maxSize,
      windowSize: settings.windowSize,
      maxMessageSize: settings.limits.messageBytes,
      sequenced: true,
      fragments: true,
    };
    this.#outbox = new Outbox(async (bytes) => {
      try {
        await transport.write(bytes);
      } catch (error) {
        this.#lose(lossOf(error));
      }
    });
    this.#patience = new Deadline(settings.clock, () => this.#expired());
  }

  /** Runs the connection until it is closed. */
  async run(): Promise<void> {
    this.#patience.set(this.#options.settings.handshakeTimeout);
    this.#outbox.push(writeSyn(this.#offer));
    await this.#readAll();
    this.#patience.stop();
    this.#options.transport.close();
  }

  /** Sends a message, see `PacketClient.send`. */
  send(message: Uint8Array, signal?: AbortSignal): Promise<Delivery> {
    return this.#state.kind === "open"
      ? this.#state.channel.send(message, signal)
      : Promise.reject(closed());
  }

  /** Says goodbye and ends. */
  leave(): void {
    if (this.#state.kind === "open") this.#state.channel.leave();
    else this.#lose("closed", closed());
  }

  async #readAll(): Promise<void> {
    const { transport, settings } = this.#options;
    const { recvBuffer, windowSize, maxSize } = settings;
    // A peer that keeps to the window can always go on, so that two ends that
    // send at once never wait for each other to read.
    const unread = UNREAD + 2 * windowSize * maxSize;
    let buffer = new Uint8Array(SMALLEST_READ);
    for (;;) {
      const count = await transport.read(buffer).catch(lossOf);
      if (typeof count === "string") return this.#lose(count);
      if (count === null) return this.#lose("peer-closed");
      this.#take(buffer.subarray(0, count));
      // A full buffer means that there is more.
      if (count === buffer.length && count < recvBuffer) {
        buffer = new Uint8Array(Math.min(recvBuffer, 2 * count));
      }
      if (this.#outbox.pending > unread) await this.#outbox.flushed();
    }
  }

  #take(chunk: Uint8Array): void {
    if (this.#state.kind === "over") return;
    if (this.#state.kind === "open") {
      this.#patience.set(this.#options.settings.timeout);
    }
    try {
      for (const packet of this.#parser.push(chunk)) this.#receive(packet);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#refuse(error);
    }
  }

  #receive(packet: Packet): void {
    if (this.#state.kind === "greeting") this.#greeted(packet);
    else if (this.#state.kind === "open") this.#state.channel.receive(packet);
  }

  #greeted({ type, payload, intact }: Packet): void {
    if (type !== HANDSHAKE.synAck || !intact) {
      throw new PacketError(
        "BAD_HANDSHAKE",
        "Cannot accept the SYN-ACK: it is damaged, or something else",
      );
    }
    const { settings, deliver, opened } = this.#options;
    const agreement = readSynAck(payload, this.#offer);
    const channel = new Channel({
      ...settings,
      agreement,
      write: (bytes) => this.#outbox.push(bytes),
      deliver,
      ended: (end) => this.#finish(endOf(end)),
    });
    this.#outbox.push(writeAck(agreement.session));
    this.#parser.limits = establishedLimits(agreement.maxPacketSize);
    this.#state = { kind: "open", channel };
    this.#patience.set(settings.timeout);
    opened(agreement);
  }

  #refuse(error: PacketError): void {
    if (this.#state.kind === "open") return this.#state.channel.fail(error);
    this.#lose("protocol-error", error);
  }

  #expired(): void {
    const { settings, transport } = this.#options;
    if (this.#state.kind === "open") this.#lose("timeout");
    else if (this.#state.kind === "greeting") {
      const error = new CypherError(
        "DEADLINE",
        `The handshake was not done within ${settings.handshakeTimeout} ms`,
      );
      this.#lose("timeout", error);
    } else transport.close();
  }

  /** The connection is gone, or given up. */
  #lose(reason: PacketOfflineReason, error?: CypherError): void {
    const end = error ? { reason, error } : lostBy(reason);
    if (this.#state.kind === "open") this.#state.channel.close(end.error);
    this.#over(end);
    this.#options.transport.close();
  }

  /**
   * Ends once everything is written and the peer has closed as well: closing
   * with unread input would take the last words on their way with it.
   */
  #finish(end: LinkEnd): void {
    const { transport, settings } = this.#options;
    this.#over(end);
    this.#patience.set(settings.ackTimeout);
    this.#outbox.flushed()
      .then(() => transport.closeWrite())
      .catch(() => transport.close());
  }

  #over(end: LinkEnd): void {
    if (this.#state.kind === "over") return;
    this.#state = { kind: "over" };
    this.#options.ended(end);
  }
}

function endOf(end: ChannelEnd): LinkEnd {
  switch (end.kind) {
    case "left":
      return { reason: "closed", error: closed() };
    case "disconnected":
      return lostBy("peer-closed");
    case "refused":
    case "failed":
      return { reason: reasonOf(end.error), error: end.error };
  }
}

function reasonOf({ reason }: PacketError): PacketOfflineReason {
  if (reason === "TOO_LARGE") return "too-large";
  return reason === "RETRANSMISSIONS_EXCEEDED"
    ? "unresponsive"
    : "protocol-error";
}

function lostBy(reason: PacketOfflineReason): LinkEnd {
  const error = new CypherError(
    "NO_ANSWER",
    `The connection ended before it was acknowledged: ${reason}`,
  );
  return { reason, error };
}

function closed(): CypherError {
  return new CypherError("CLOSED", "The client is closed");
}
