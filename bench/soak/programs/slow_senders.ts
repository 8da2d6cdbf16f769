/**
 * Peers that send a byte a second and never finish a message, half of them on
 * each wire. Who is closed comes again: there are always as many.
 *
 * @module
 */
import { build } from "hdr-histogram-js";
import type { Socket } from "node:net";
import { answering, given } from "../answering.ts";
import { badToken, pause, settled, strangerTo, TOGETHER } from "../clients.ts";

/** What they are started with. */
export interface SlowTask {
  readonly port: number;
  readonly count: number;
}

/** How long the server let them live, in ms. */
export interface SlowFigures {
  readonly open: number;
  readonly closed: number;
  readonly p50: number;
  readonly max: number;
  /** The age of the oldest that is open. */
  readonly oldest: number;
}

/** How a session begins, and a handshake message of 1,024 bytes. */
const SESSION = [...new TextEncoder().encode("\0CYPHER/2\n"), 4, 0];

await answering(async () => {
  const { port, count } = given<SlowTask>();
  const lives = build({ numberOfSignificantValueDigits: 3 });
  const open = new Map<Socket, number>();
  const classic = badToken(100_000);
  const session = Uint8Array.of(...SESSION, ...badToken(2_000));

  async function live(message: Uint8Array): Promise<void> {
    for (;;) {
      const socket = strangerTo(port);
      await settled(socket);
      const since = performance.now();
      open.set(socket, since);
      for (let at = 0; !socket.destroyed; at++) {
        socket.write(message.subarray(at, at + 1));
        await pause(1_000);
      }
      open.delete(socket);
      // Who is turned away comes again, but is no flood.
      await pause(1_000);
    }
  }

  /** A socket's end is seen at once, and not only when a byte is due. */
  function watch(): void {
    const now = performance.now();
    for (const [socket, since] of open) {
      if (!socket.destroyed) continue;
      open.delete(socket);
      lives.recordValue(Math.round(now - since));
    }
  }
  setInterval(watch, 50);

  for (let i = 0; i < count; i++) {
    live(i % 2 === 0 ? classic : session);
    if ((i + 1) % TOGETHER === 0) await pause(20);
  }
  return {
    figures: (): SlowFigures => ({
      open: open.size,
      closed: lives.totalCount,
      p50: lives.getValueAtPercentile(50),
      max: lives.maxValue,
      oldest: performance.now() - Math.min(...open.values()),
    }),
  };
});
