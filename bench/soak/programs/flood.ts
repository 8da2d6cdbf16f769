/**
 * Peers that send tokens which no key has made, as fast as they can: each
 * connection one, as the server closes it then.
 *
 * @module
 */
import { answering, given } from "../answering.ts";
import { badToken, closed, strangerTo } from "../clients.ts";

/** What they are started with. */
export interface FloodTask {
  readonly port: number;
  /** How many connections there are at a time. */
  readonly lanes: number;
}

await answering(() => {
  const { port, lanes } = given<FloodTask>();
  let sent = 0;
  let since = performance.now();
  const tokens = Array.from({ length: 64 }, () => badToken());

  async function send(): Promise<void> {
    for (;;) {
      const socket = strangerTo(port);
      socket.write(tokens[sent % tokens.length]!);
      await closed(socket);
      sent++;
    }
  }

  for (let i = 0; i < lanes; i++) send();
  return Promise.resolve({
    begin: () => {
      sent = 0;
      since = performance.now();
    },
    /** Tokens per second. */
    rate: () => sent / (performance.now() - since) * 1_000,
  });
});
