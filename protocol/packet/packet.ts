import { createHash } from "node:crypto";
import { isPacketErrorCode, type PacketErrorCode } from "./errors.ts";

/**
 * The bytes of a header, all integers big-endian (spec: Packet):
 * `length u32 | type u8 | sequence u16 | checksum 4 bytes`.
 */
export const HEADER = 11;
/** Sequence numbers count up modulo this. */
export const SEQUENCES = 65_536;

/** What a type means before the ACK. */
export const HANDSHAKE = { syn: 0x01, synAck: 0x02, ack: 0x03 } as const;

/** What a type means after the ACK. */
export const ESTABLISHED = {
  data: 0x01,
  acknowledgement: 0x02,
  error: 0x03,
  keepAlive: 0x04,
  disconnect: 0x05,
} as const;

/** One packet as it was received. */
export interface Packet {
  /** What it is, which depends on the phase. */
  readonly type: number;
  /** Its number; 0 from peers that do not count. */
  readonly sequence: number;
  /** What it carries: nobody else's bytes. */
  readonly payload: Uint8Array;
  /** Whether the checksum is that of the payload. */
  readonly intact: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const ACKNOWLEDGED = encoder.encode("ACK");

/** The first 4 bytes of MD5(payload): it finds errors, and secures nothing. */
export function checksum(payload: Uint8Array): number {
  return createHash("md5").update(payload).digest().readUInt32BE(0);
}

/** The bytes of a packet whose payload is `parts`, one after the other. */
export function writePacket(
  type: number,
  sequence: number,
  ...parts: readonly Uint8Array[]
): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const packet = new Uint8Array(HEADER + length);
  let at = HEADER;
  for (const part of parts) {
    packet.set(part, at);
    at += part.length;
  }
  const view = new DataView(packet.buffer);
  view.setUint32(0, length);
  view.setUint8(4, type);
  view.setUint16(5, sequence);
  view.setUint32(7, checksum(packet.subarray(HEADER)));
  return packet;
}

/** Acknowledges the packet of that number. */
export function writeAcknowledgement(sequence: number): Uint8Array {
  return writePacket(ESTABLISHED.acknowledgement, sequence, ACKNOWLEDGED);
}

/**
 * Whether a payload is an acknowledgement's. The checksum does not cover the
 * type, so an error packet whose type was damaged could pass for one.
 */
export function isAcknowledgement(payload: Uint8Array): boolean {
  return payload.length === ACKNOWLEDGED.length &&
    ACKNOWLEDGED.every((byte, i) => payload[i] === byte);
}

/** Says what went wrong; the number is that of the packet, 0 for none. */
export function writeError(
  code: PacketErrorCode,
  sequence: number = 0,
): Uint8Array {
  const payload = encoder.encode(JSON.stringify({ code }));
  return writePacket(ESTABLISHED.error, sequence, payload);
}

/** What an error packet says; undefined if that is none of the codes. */
export function readError(payload: Uint8Array): PacketErrorCode | undefined {
  try {
    const code: unknown = JSON.parse(decoder.decode(payload))?.code;
    return isPacketErrorCode(code) ? code : undefined;
  } catch {
    return undefined;
  }
}
