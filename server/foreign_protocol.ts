/** What people speak to the wrong port, and what to tell whoever runs it. */
const FOREIGN = [
  {
    // A record of a handshake, of any version (RFC 8446, 5.1).
    start: /^\x16\x03/,
    advice: "The peer speaks TLS, and this server listens without it",
  },
  {
    // A method and a target (RFC 9112, 3).
    start: /^[A-Z]{3,16} [/*h]/,
    advice: "The peer speaks HTTP; the dashboard has a port of its own",
  },
];
/** What is looked at, in bytes. */
const START = 20;
const latin1 = new TextDecoder("latin1");

/** What is wrong, if a connection starts as one of another protocol does. */
export function foreignProtocol(chunk: Uint8Array): string | undefined {
  const start = latin1.decode(chunk.subarray(0, START));
  return FOREIGN.find((one) => one.start.test(start))?.advice;
}
