import { bytes, count, milliseconds } from "../options.ts";

/** What both ends' numeric options allow; the command lines share it. */
export const PACKET_OPTIONS = {
  maxSize: bytes(1_024, 16, 1_048_576),
  windowSize: count(32, 1, 1_024),
  timeout: milliseconds(60_000),
  keepAlive: milliseconds(20_000),
  ackTimeout: milliseconds(2_000),
  handshakeTimeout: milliseconds(10_000),
  maxRetransmissions: count(3, 0, 100),
  recvBuffer: bytes(65_536, 4_096, 67_108_864),
  transmissionBuffer: bytes(2_097_152, 1_024, 67_108_864),
};

/** What both ends' `limits` allow. */
export const PACKET_LIMITS = {
  messageBytes: bytes(16_777_216, 16, 268_435_456),
  queued: count(1_000, 1, 1_000_000),
  queuedBytes: bytes(67_108_864, 1_024, 1_073_741_824),
};
