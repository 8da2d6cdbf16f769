/** A record of a handshake, of any version (RFC 8446, 5.1). */
const TLS = [0x16, 0x03] as const;
/** A method and a target (RFC 9112, 3). */
const HTTP = /^[A-Z]{3,16} [/*h]/;
/** What is looked at, in bytes. */
const START = 20;
const decoder = new TextDecoder();

/**
 * What is wrong, for whoever runs the server, if a connection starts as those
 * do that people open to the wrong port.
 */
export function foreignProtocol(chunk: Uint8Array): string | undefined {
  if (TLS.every((byte, at) => chunk[at] === byte)) {
    return "The peer speaks TLS, and this server listens without it";
  }
  return HTTP.test(decoder.decode(chunk.subarray(0, START)))
    ? "The peer speaks HTTP; the dashboard has a port of its own"
    : undefined;
}
