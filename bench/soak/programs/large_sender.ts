/**
 * Clients that send a large message over a slow line, one on each wire.
 *
 * @module
 */
import type { Dial } from "../../../mod.ts";
import { filler } from "../../support.ts";
import { answering, given } from "../answering.ts";
import { clientOf, pause } from "../clients.ts";

/** What it is started with. */
export interface LargeTask {
  readonly port: number;
  /** How large the message is on the wire, in bytes. */
  readonly size: number;
  /** How fast the line is, in bytes per second. */
  readonly rate: number;
}

/** How it went. */
export interface LargeFigures {
  readonly seconds: number;
  /** How often the connection was lost meanwhile. */
  readonly lost: number;
}

/** How often the slow line takes something, in ms. */
const TICK = 100;

await answering(() => {
  const { port, size, rate } = given<LargeTask>();
  const slowly: Dial = async (target) => {
    const conn = await Deno.connect(target);
    const write = conn.write.bind(conn);
    conn.write = async (bytes) => {
      await pause(TICK);
      return await write(bytes.subarray(0, rate * TICK / 1_000));
    };
    return conn;
  };
  return Promise.resolve({
    send: async (wire: "session" | "classic"): Promise<LargeFigures> => {
      let lost = 0;
      await using client = clientOf(port, {
        wire,
        dial: slowly,
        timeout: 600_000,
        onOffline: () => lost++,
      });
      await client.connect();
      // A token is base64 of what it carries.
      const text = filler(wire === "classic" ? Math.floor(size / 4 * 3) : size);
      const start = performance.now();
      await client.request({ path: "/LENGTH", data: text });
      const seconds = (performance.now() - start) / 1_000;
      return { seconds, lost };
    },
  });
});
