import type { PacketError } from "./errors.ts";
import { Fields } from "./fields.ts";
import { HANDSHAKE, writePacket } from "./packet.ts";

/** How data is sent: one packet at a time, or a window of them. */
export type PacketMode = "step-by-step" | "burst";

/** The ways of sending data. */
export const MODES: readonly PacketMode[] = ["step-by-step", "burst"];

/** The smallest packet size that can be agreed on, in bytes. */
const SMALLEST_SIZE = 16;

/** A session's name, as its server says it. */
export type SessionId = string | number;

/** What one end can do. */
export interface Terms {
  /** The most a data packet may carry, in bytes. */
  readonly maxPacketSize: number;
  /** How many packets may be unacknowledged. */
  readonly windowSize: number;
  /** The largest message it takes, in bytes. */
  readonly maxMessageSize: number;
}

/** What a SYN asks for. What it leaves out is the server's to say. */
export interface Offer {
  readonly mode: PacketMode;
  readonly maxPacketSize: number;
  readonly windowSize?: number | undefined;
  readonly maxMessageSize?: number | undefined;
  readonly clientId?: string | undefined;
  readonly sequenced: boolean;
  readonly fragments: boolean;
}

/** What both ends agreed on for one connection (spec: Phases). */
export interface Agreement {
  /** The server's name for the connection. */
  readonly session: SessionId;
  /** How data is sent. */
  readonly mode: PacketMode;
  /** The most a data packet may carry, in bytes. */
  readonly maxPacketSize: number;
  /** How many packets may be unacknowledged in burst mode. */
  readonly windowSize: number;
  /** Whether packets are numbered: delivered once each, and in order. */
  readonly sequenced: boolean;
  /** Whether messages larger than a packet may be sent, in fragments. */
  readonly fragments: boolean;
  /** The largest message that either end may send, in bytes. */
  readonly maxMessageSize: number;
}

const encoder = new TextEncoder();

/** Asks for a session. Existing peers read `max_size`, so both are said. */
export function writeSyn(
  { mode, maxPacketSize, windowSize, maxMessageSize, clientId, ...rest }: Offer,
): Uint8Array {
  return write(HANDSHAKE.syn, {
    operation_mode: mode,
    max_packet_size: maxPacketSize,
    max_size: maxPacketSize,
    client_id: clientId,
    window_size: windowSize,
    sequenced: rest.sequenced || undefined,
    fragments: rest.fragments || undefined,
    max_message_size: rest.fragments ? maxMessageSize : undefined,
  });
}

/**
 * Reads a SYN's payload.
 *
 * @throws {PacketError} `BAD_HANDSHAKE` saying which field is not right.
 */
export function readSyn(payload: Uint8Array): Offer {
  const fields = new Fields("SYN", payload);
  const sequenced = fields.get("sequenced") === true;
  const clientId = fields.name("client_id");
  return {
    mode: modeOf(fields),
    maxPacketSize: sizeOf(fields),
    windowSize: fields.whole("window_size", 1),
    maxMessageSize: fields.whole("max_message_size", 1),
    clientId: clientId === undefined ? undefined : String(clientId),
    sequenced,
    fragments: sequenced && fields.get("fragments") === true,
  };
}

/** What comes of an offer on these terms: the smaller of each. */
export function agree(offer: Offer, own: Terms, session: SessionId): Agreement {
  const { mode, sequenced, fragments } = offer;
  const maxPacketSize = Math.min(offer.maxPacketSize, own.maxPacketSize);
  const maxMessageSize = Math.min(
    offer.maxMessageSize ?? Infinity,
    own.maxMessageSize,
  );
  return {
    session,
    mode,
    maxPacketSize,
    windowSize: Math.min(offer.windowSize ?? Infinity, own.windowSize),
    sequenced,
    fragments,
    maxMessageSize: fragments ? maxMessageSize : maxPacketSize,
  };
}

/** Accepts an offer. */
export function writeSynAck(agreement: Agreement): Uint8Array {
  return write(HANDSHAKE.synAck, {
    status: "ok",
    session_id: agreement.session,
    operation_mode: agreement.mode,
    max_packet_size: agreement.maxPacketSize,
    max_size: agreement.maxPacketSize,
    window_size: agreement.windowSize,
    sequenced: agreement.sequenced || undefined,
    fragments: agreement.fragments || undefined,
    max_message_size: agreement.fragments
      ? agreement.maxMessageSize
      : undefined,
  });
}

/** Refuses an offer; `code` is the protocol's word for why. */
export function writeRefusal({ reason, message }: PacketError): Uint8Array {
  const status = "error";
  return write(HANDSHAKE.synAck, { status, code: reason, message });
}

/**
 * Reads the payload of the SYN-ACK to an offer.
 *
 * @throws {PacketError} `BAD_HANDSHAKE` if it refuses, saying the peer's reason,
 * or is not an answer to that offer.
 */
export function readSynAck(
  payload: Uint8Array,
  offer: Offer & Terms,
): Agreement {
  const fields = new Fields("SYN-ACK", payload);
  const status = fields.get("status");
  if (status === "error") throw fields.bad(`it refuses: ${refusalOf(fields)}`);
  if (status !== "ok") throw fields.bad('"status" must be "ok" or "error"');
  const session = sessionOf(fields);
  const mode = modeOf(fields);
  if (mode !== offer.mode) {
    throw fields.bad(`"operation_mode" must be "${offer.mode}", as was asked`);
  }
  const sequenced = offer.sequenced && fields.get("sequenced") === true;
  const answered: Offer = {
    mode,
    maxPacketSize: sizeOf(fields),
    windowSize: fields.whole("window_size", 1),
    maxMessageSize: fields.whole("max_message_size", 1),
    sequenced,
    fragments: offer.fragments && sequenced &&
      fields.get("fragments") === true,
  };
  return agree(answered, offer, session);
}

/** Confirms a session. */
export function writeAck(session: SessionId): Uint8Array {
  return write(HANDSHAKE.ack, { session_id: session, message: "ready" });
}

/**
 * Reads an ACK's payload: the session that it confirms.
 *
 * @throws {PacketError} `BAD_HANDSHAKE` if it names none.
 */
export function readAck(payload: Uint8Array): SessionId {
  return sessionOf(new Fields("ACK", payload));
}

function write(type: number, fields: Record<string, unknown>): Uint8Array {
  return writePacket(type, 0, encoder.encode(JSON.stringify(fields)));
}

function sessionOf(fields: Fields): SessionId {
  const session = fields.name("session_id");
  if (session !== undefined) return session;
  throw fields.bad('"session_id" must be there');
}

function modeOf(fields: Fields): PacketMode {
  const mode = fields.get("operation_mode");
  const known = MODES.find((one) => one === mode);
  if (known) return known;
  throw fields.bad('"operation_mode" must be "step-by-step" or "burst"');
}

/** The size in either spelling; the smaller where they disagree. */
function sizeOf(fields: Fields): number {
  const size = Math.min(
    fields.whole("max_packet_size", SMALLEST_SIZE) ?? Infinity,
    fields.whole("max_size", SMALLEST_SIZE) ?? Infinity,
  );
  if (size !== Infinity) return size;
  throw fields.bad('"max_packet_size" or "max_size" must be there');
}

/** A peer's reason, quoted, as it may be anything. */
function refusalOf(fields: Fields): string {
  const message = fields.get("message");
  return typeof message === "string"
    ? JSON.stringify(message.slice(0, 200))
    : "without a message";
}
