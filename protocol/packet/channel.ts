import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { CypherError } from "../errors.ts";
import { Arrivals } from "./arrivals.ts";
import { PacketError } from "./errors.ts";
import {
  type Fragment,
  type NumberedFragment,
  readFragment,
  Reassembler,
} from "./fragments.ts";
import type { Agreement } from "./handshake.ts";
import {
  ESTABLISHED,
  isAcknowledgement,
  type Packet,
  readError,
  writeAcknowledgement,
  writeError,
  writePacket,
} from "./packet.ts";
import { type Delivery, Sending, type SendingLimits } from "./sending.ts";

/** How a channel came to its end. */
export type ChannelEnd =
  /** This end said goodbye. */
  | { readonly kind: "left" }
  /** The peer said goodbye. */
  | { readonly kind: "disconnected" }
  /** The peer did not keep to the protocol, and was told. */
  | { readonly kind: "failed"; readonly error: PacketError }
  /** The peer says that this end did not keep to the protocol. */
  | { readonly kind: "refused"; readonly error: PacketError };

/** How a {@linkcode Channel} is made. */
export interface ChannelOptions {
  readonly agreement: Agreement;
  readonly clock: Clock;
  /** How long to wait for an acknowledgement, in ms. */
  readonly ackTimeout: number;
  /** How often a packet may be sent again. */
  readonly maxRetransmissions: number;
  /** How long to write nothing before saying that one is there, in ms. */
  readonly keepAlive: number;
  readonly limits: SendingLimits & { readonly messageBytes: number };
  /** Takes what is to be written. */
  readonly write: (bytes: Uint8Array) => void;
  /** Takes a message, which is acknowledged by then. */
  readonly deliver: (message: Uint8Array) => void;
  /** Told of each packet that came damaged. */
  readonly damaged?: () => void;
  /** Called once, at the end; what is written by then should still go out. */
  readonly ended: (end: ChannelEnd) => void;
}

type ChannelState =
  | { readonly kind: "open" }
  /** Takes no data any more, so that what was delivered can be finished. */
  | { readonly kind: "finishing" }
  /** Has said goodbye. */
  | { readonly kind: "leaving" }
  | { readonly kind: "over" };

/**
 * An established connection as both ends see it: data either way, in order and
 * once each where that was agreed on (spec: Data).
 */
export class Channel {
  #options: ChannelOptions;
  #state: ChannelState = { kind: "open" };
  #sending: Sending;
  #arrivals: Arrivals<Fragment>;
  #reassembler: Reassembler;
  #quiet: Deadline;

  constructor(options: ChannelOptions) {
    const { agreement, limits, clock } = options;
    this.#options = options;
    this.#sending = new Sending({
      ...options,
      write: (bytes) => this.#write(bytes),
      exceeded: () => this.fail(unacknowledged(options.maxRetransmissions)),
      left: () => this.#end({ kind: "left" }),
    });
    const window = agreement.mode === "burst" ? agreement.windowSize : 1;
    this.#arrivals = new Arrivals(window);
    this.#reassembler = new Reassembler(limits.messageBytes);
    this.#quiet = new Deadline(clock, () => this.#saySomething());
    this.#quiet.set(options.keepAlive);
  }

  /** Sends a copy of a message, see {@linkcode Sending.send}. */
  send(message: Uint8Array, signal?: AbortSignal): Promise<Delivery> {
    return this.#state.kind === "open" || this.#state.kind === "finishing"
      ? this.#sending.send(message, signal)
      : Promise.reject(notConnected());
  }

  /** Takes a packet that has come. */
  receive(packet: Packet): void {
    if (this.#state.kind === "over") return;
    const { type, sequence, payload, intact } = packet;
    switch (type) {
      case ESTABLISHED.data:
        if (this.#state.kind === "open") this.#receiveData(packet);
        return;
      case ESTABLISHED.acknowledgement:
        // The checksum does not cover the type: what says something else was
        // an error packet before its type was damaged.
        return intact && isAcknowledgement(payload)
          ? this.#sending.acknowledged(sequence)
          : this.#sending.unclear();
      case ESTABLISHED.error:
        return intact ? this.#receiveError(packet) : this.#sending.unclear();
      case ESTABLISHED.disconnect:
        if (!intact) return this.#reportDamage(sequence);
        this.#write(writeAcknowledgement(sequence));
        return this.#end({
          kind: this.#state.kind === "leaving" ? "left" : "disconnected",
        });
    }
  }

  /** Takes no more data; what comes is not acknowledged. */
  finish(): void {
    if (this.#state.kind === "open") this.#state = { kind: "finishing" };
  }

  /** Rejects what is being sent, says goodbye, and waits for its answer. */
  leave(): void {
    if (this.#state.kind === "leaving" || this.#state.kind === "over") return;
    this.#state = { kind: "leaving" };
    this.#sending.disconnect(notConnected());
  }

  /** The peer does not keep to the protocol: tells it, and ends. */
  fail(error: PacketError): void {
    if (this.#state.kind === "over") return;
    this.#write(writeError(error.reason));
    this.#end({ kind: "failed", error });
  }

  /** The connection is gone: what is being sent rejects with `error`. */
  close(error: CypherError): void {
    this.#state = { kind: "over" };
    this.#sending.close(error);
    this.#quiet.stop();
  }

  #receiveData({ payload, sequence, intact }: Packet): void {
    if (!intact) return this.#reportDamage(sequence);
    try {
      const fragment = this.#read(payload, sequence);
      // The number under the checksum is the right one.
      if (fragment.sequence !== sequence) {
        return this.#reportDamage(fragment.sequence);
      }
      const messages = this.#place(fragment);
      if (!messages) return this.#reportDamage(sequence);
      // Before what the program may send about it.
      this.#write(writeAcknowledgement(sequence));
      for (const message of messages) this.#options.deliver(message);
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.fail(error);
    }
  }

  #read(payload: Uint8Array, sequence: number): NumberedFragment {
    return this.#options.agreement.fragments
      ? readFragment(payload)
      : { sequence, last: true, body: payload };
  }

  /** The messages it completes; undefined if it is beyond the window. */
  #place(fragment: NumberedFragment): Uint8Array[] | undefined {
    if (!this.#options.agreement.sequenced) return [fragment.body];
    const arrival = this.#arrivals.take(fragment.sequence, fragment);
    switch (arrival.kind) {
      case "outside":
        return undefined;
      case "repeated":
        return [];
      case "new":
        return arrival.ready.map((one) => this.#reassembler.add(one))
          .filter((message) => message !== undefined);
    }
  }

  #receiveError({ payload, sequence }: Packet): void {
    const reason = readError(payload);
    if (reason === "CHECKSUM") return this.#sending.damaged(sequence);
    // It may be an acknowledgement whose type was damaged: in time the packet is
    // sent again, and acknowledged again.
    if (reason === undefined) return this.#sending.unclear();
    const message = `The peer ended the connection: ${reason}`;
    this.#end({ kind: "refused", error: new PacketError(reason, message) });
  }

  #reportDamage(sequence: number): void {
    this.#options.damaged?.();
    this.#write(writeError("CHECKSUM", sequence));
  }

  #saySomething(): void {
    if (this.#sending.idle) this.#write(writePacket(ESTABLISHED.keepAlive, 0));
    else this.#quiet.set(this.#options.keepAlive);
  }

  #write(bytes: Uint8Array): void {
    this.#options.write(bytes);
    this.#quiet.set(this.#options.keepAlive);
  }

  #end(end: ChannelEnd): void {
    if (this.#state.kind === "over") return;
    this.close("error" in end ? end.error : notConnected());
    this.#options.ended(end);
  }
}

function notConnected(): CypherError {
  return new CypherError("CLOSED", "The connection was closed");
}

function unacknowledged(retransmissions: number): PacketError {
  return new PacketError(
    "RETRANSMISSIONS_EXCEEDED",
    `The peer did not acknowledge a packet, though it was sent ${
      retransmissions + 1
    } times`,
  );
}
