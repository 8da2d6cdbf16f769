/**
 * Peers that connect and say nothing; once told to, half of them send half a
 * message. Who is closed comes again.
 *
 * @module
 */
import type { Socket } from "node:net";
import { answering, given } from "../answering.ts";
import {
  badToken,
  closed,
  pause,
  settled,
  strangerTo,
  TOGETHER,
} from "../clients.ts";

/** What they are started with. */
export interface SilentTask {
  readonly port: number;
  readonly count: number;
  /** How much half a message is, in bytes. */
  readonly half: number;
}

/** How many there are. */
export interface SilentFigures {
  readonly open: number;
  /** How often one was closed by the server. */
  readonly closed: number;
}

await answering(() => {
  const { port, count, half } = given<SilentTask>();
  const message = badToken(half).subarray(0, half);
  const talkers = new Set<Socket>();
  let talking = false;
  let coming = true;
  let open = 0;
  let ended = 0;

  async function live(talks: boolean): Promise<void> {
    while (coming) {
      const socket = strangerTo(port);
      await settled(socket);
      if (!socket.destroyed) {
        open++;
        if (talks && talking) socket.write(message);
        else if (talks) talkers.add(socket);
        await closed(socket);
        talkers.delete(socket);
        open--;
        ended++;
      }
      await pause(1_000);
    }
  }

  return Promise.resolve({
    /** Resolves once all of them are there. */
    come: async () => {
      for (let i = 0; i < count; i++) {
        live(i % 2 === 1);
        if ((i + 1) % TOGETHER === 0) await pause(20);
      }
      // Those that the server will not have are not waited for.
      for (let i = 0; i < 100 && open < count; i++) await pause(100);
    },
    talk: async () => {
      talking = true;
      let number = 0;
      for (const socket of [...talkers]) {
        socket.write(message);
        if (++number % TOGETHER === 0) await pause(100);
      }
    },
    /** Who is closed from now on stays away. */
    stay: () => void (coming = false),
    figures: (): SilentFigures => ({ open, closed: ended }),
  });
});
