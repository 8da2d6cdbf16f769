/** What the programs of the soak dial with. */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { CypherClient, type CypherClientOptions } from "../../mod.ts";
import { KEYS } from "../support.ts";

/** Where attackers come from: an address of their own, on this machine. */
const STRANGE = "127.0.0.2";

/** A client that has the keys. */
export function clientOf(
  port: number,
  options: Partial<CypherClientOptions> = {},
): CypherClient {
  return new CypherClient({
    port,
    encryptionKey: KEYS.clientToServer,
    decryptionKey: KEYS.serverToClient,
    ...options,
  });
}

/**
 * A bare connection from {@linkcode STRANGE}; its errors are the end of it, and
 * what it receives is dropped.
 */
export function strangerTo(port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port, localAddress: STRANGE });
  socket.on("error", () => {});
  socket.resume();
  return socket;
}

/** Resolves once a socket is connected, or is gone. */
export function settled(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("connect", resolve);
    socket.once("close", () => resolve());
  });
}

/** Resolves once a socket is gone. */
export function closed(socket: Socket): Promise<void> {
  return socket.closed
    ? Promise.resolve()
    : new Promise((resolve) => socket.once("close", () => resolve()));
}

/** Resolves after some ms; in the next turn if there are none left. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}

/**
 * How many connections are opened at once: more than the listener's queue of
 * 128 takes would have to dial again, a second later.
 */
export const TOGETHER = 100;

/** A token of the right form that no key has made. */
export function badToken(size = 64): Uint8Array {
  const body = randomBytes(57 + size);
  body[0] = 0x80;
  return new TextEncoder().encode(
    body.toBase64({ alphabet: "base64url" }) + "\0",
  );
}
