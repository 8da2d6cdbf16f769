/**
 * Clients that ask all at once, for what the server takes its time over or
 * burns its processor for.
 *
 * @module
 */
import { answering, given } from "../answering.ts";
import { clientOf } from "../clients.ts";

/** What they are started with. */
export interface CrowdTask {
  readonly port: number;
  /** How many clients there are, on each wire. */
  readonly session: number;
  readonly classic: number;
}

/** What each of them asks for. */
export interface Wish {
  readonly path: string;
  readonly data: number;
}

/** How that ended. */
export interface CrowdFigures {
  readonly answered: number;
  /** The codes of the errors. */
  readonly failed: Readonly<Record<string, number>>;
}

await answering(async () => {
  const { port, session, classic } = given<CrowdTask>();
  const clients = [
    ...Array.from({ length: session }, () => clientOf(port)),
    ...Array.from(
      { length: classic },
      () => clientOf(port, { wire: "classic" }),
    ),
  ];
  await Promise.all(clients.map((client) => client.connect()));
  return {
    /** So many requests, shared out; a classic client makes one. */
    ask: async (
      { path, data, count }: Wish & { count: number },
    ): Promise<CrowdFigures> => {
      const failed: Record<string, number> = {};
      let answered = 0;
      const one = async (number: number) => {
        const client = number < clients.length
          ? clients[number]!
          : clients[number % session]!;
        try {
          await client.request({ path, data }, { deadline: 30_000 });
          answered++;
        } catch (error) {
          const code = (error as { code?: string }).code ?? String(error);
          failed[code] = (failed[code] ?? 0) + 1;
        }
      };
      await Promise.all(Array.from({ length: count }, (_, i) => one(i)));
      return { answered, failed };
    },
    /** Each client one at a time, for so long: requests per second. */
    rate: async (
      { path, data, ms }: Wish & { ms: number },
    ): Promise<number> => {
      const start = performance.now();
      let answered = 0;
      await Promise.all(clients.map(async (client) => {
        while (performance.now() - start < ms) {
          await client.request({ path, data });
          answered++;
        }
      }));
      return answered / (performance.now() - start) * 1_000;
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
});
