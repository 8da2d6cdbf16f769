/**
 * Somebody who has recorded what classic clients sent, and sends it again: as
 * it was, and in other spellings of the same bytes.
 *
 * @module
 */
import { answering, given } from "../answering.ts";
import { clientOf, closed, strangerTo } from "../clients.ts";

/** What it is started with. */
export interface ReplayTask {
  /** How many tokens it records. */
  readonly tokens: number;
}

/** What to send again. */
export interface Replay {
  readonly port: number;
  /** How many tokens to send in all. */
  readonly times: number;
}

/** What came back. */
export interface ReplayFigures {
  readonly sent: number;
  readonly answers: number;
  /** Connections that the server closed. */
  readonly closed: number;
}

/** How many tokens are sent on one connection. */
const TOGETHER = 100;

await answering(async () => {
  const { tokens } = given<ReplayTask>();
  const recorded: Uint8Array[] = [];

  /** A token and its NUL, as a client sends them to a tap. */
  async function record(port: number): Promise<void> {
    using tap = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const client = clientOf(tap.addr.port, { wire: "classic" });
    const number = recorded.length;
    const asking = client.request({ path: "/NUMBER", data: number });
    using outer = await tap.accept();
    using inner = await Deno.connect({ port });
    const parts: Uint8Array[] = [];
    for await (const part of outer.readable.values({ preventCancel: true })) {
      parts.push(part);
      await inner.write(part);
      if (part.at(-1) === 0) break;
    }
    const answer = new Uint8Array(4_096);
    for (let size = 0; size === 0 || answer[size - 1] !== 0;) {
      size += (await inner.read(answer.subarray(size)))!;
      if (answer[size - 1] === 0) await outer.write(answer.subarray(0, size));
    }
    await asking;
    await client.close();
    recorded.push(Uint8Array.from(parts.flatMap((part) => [...part])));
  }

  /** Other spellings of the same bytes: none of them is to be executed. */
  function spellings(token: Uint8Array): Uint8Array[] {
    const text = new TextDecoder().decode(token.subarray(0, -1));
    return [
      text.replace(/=+$/, ""),
      text.replaceAll("-", "+").replaceAll("_", "/"),
      `${text}=`,
      `${text}\n`,
      ` ${text}`,
    ].map((other) => new TextEncoder().encode(`${other}\0`));
  }

  return await Promise.resolve({
    record: async (port: number) => {
      while (recorded.length < tokens) await record(port);
    },
    replay: async ({ port, times }: Replay): Promise<ReplayFigures> => {
      const figures = { sent: 0, answers: 0, closed: 0 };
      /** One connection's worth; resolves when all is answered, or it is gone. */
      async function send(all: Uint8Array[]): Promise<void> {
        const socket = strangerTo(port);
        let answers = 0;
        socket.on("data", (part: Uint8Array) => {
          for (const byte of part) if (byte === 0) answers++;
          if (answers === all.length) socket.end();
        });
        for (const token of all) socket.write(token);
        figures.sent += all.length;
        await closed(socket);
        figures.answers += answers;
        if (answers < all.length) figures.closed++;
      }
      const lane = async () => {
        while (figures.sent < times) {
          const at = figures.sent % recorded.length;
          const again = Array.from(
            { length: Math.min(TOGETHER, times - figures.sent) },
            (_, i) => recorded[(at + i) % recorded.length]!,
          );
          await send(again);
          // A token that does not open ends its connection.
          for (const other of spellings(recorded[at]!)) {
            if (figures.sent < times) await send([other]);
          }
        }
      };
      await Promise.all(Array.from({ length: 8 }, lane));
      return figures;
    },
  });
});
