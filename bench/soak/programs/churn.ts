/**
 * Peers that come and go, round by round: nine in ten are strangers, one in ten
 * is a client that makes a request.
 *
 * @module
 */
import { answering, given } from "../answering.ts";
import {
  badToken,
  clientOf,
  closed,
  settled,
  strangerTo,
  TOGETHER,
} from "../clients.ts";

/** What they are started with. */
export interface ChurnTask {
  readonly port: number;
  readonly count: number;
}

await answering(() => {
  const { port, count } = given<ChurnTask>();
  const begun = badToken().subarray(0, 20);

  /** Comes, and gives what makes it go. */
  async function come(number: number): Promise<() => Promise<void>> {
    if (number % 10 === 0) {
      const wire = number % 20 === 0 ? "session" : "classic";
      const client = clientOf(port, { wire });
      await client.request({ path: "/NUMBER", data: number });
      return () => client.close();
    }
    const socket = strangerTo(port);
    await settled(socket);
    if (number % 2 === 0) socket.write(begun);
    return () => {
      // Half of them reset the connection, half say goodbye.
      if (number % 4 < 2) socket.resetAndDestroy();
      else socket.destroy();
      return closed(socket);
    };
  }

  return Promise.resolve({
    round: async () => {
      const leave: (() => Promise<void>)[] = [];
      while (leave.length < count) {
        const batch = Math.min(TOGETHER, count - leave.length);
        leave.push(
          ...await Promise.all(
            Array.from({ length: batch }, (_, i) => come(leave.length + i)),
          ),
        );
      }
      await Promise.all(leave.map((go) => go()));
    },
  });
});
