/**
 * Peers that connect and say nothing; once told to, half of them send half a
 * message. Who is closed comes again.
 *
 * @module
 */
import type { Socket } from "node:net";
import { answering, given } from "../answering.ts";
import { badToken, closed, pause, settled, strangerTo } from "../clients.ts";

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
  let open = 0;
  let ended = 0;

  async function live(talks: boolean): Promise<void> {
    for (;;) {
      const socket = strangerTo(port);
      await settled(socket);
      if (!socket.destroyed) {
        open++;
        if (talks) talkers.add(socket);
        if (talks && talking) socket.write(message);
        await closed(socket);
        talkers.delete(socket);
        open--;
        ended++;
      }
      await pause(100);
    }
  }

  return Promise.resolve({
    /** Resolves once all of them are there. */
    come: async () => {
      for (let i = 0; i < count; i++) {
        live(i % 2 === 1);
        if (i % 100 === 99) await pause(10);
      }
      // Those that the server will not have are not waited for.
      for (let i = 0; i < 100 && open < count; i++) await pause(100);
    },
    talk: () => {
      talking = true;
      for (const socket of talkers) socket.write(message);
    },
    figures: (): SilentFigures => ({ open, closed: ended }),
  });
});
