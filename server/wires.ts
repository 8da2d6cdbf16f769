import type { Clock } from "../protocol/clock.ts";
import type { Connection } from "./connection.ts";
import { foreignProtocol } from "./foreign_protocol.ts";

type Read = Promise<Uint8Array | null>;

/** One protocol that can be spoken on a connection. */
export interface Wire {
  /** Its name, as the monitor shows it. */
  readonly name: string;
  /** Whether a connection whose first byte is this speaks this wire. */
  startsWith(byte: number): boolean;
  /**
   * Serves a connection until it is over. `firstRead` is under way, or done,
   * when it is called.
   */
  serve(connection: Connection, firstRead: Read): Promise<void>;
}

/** How a wire is chosen among several. */
export interface WireChoice {
  /** The wires, those that speak first at once before those that may not. */
  readonly wires: readonly Wire[];
  readonly clock: Clock;
  /** How long a connection may be silent before it is the last wire's, in ms. */
  readonly patience: number;
}

/**
 * Serves a connection on the wire that its first byte chooses. With one wire
 * there is nothing to choose, and nothing to wait for. A byte that no wire
 * claims goes to the last one, which says what is wrong with it; so does a
 * connection that says nothing, as a classic client may for as long as it likes.
 */
export async function serveWires(
  { wires, clock, patience }: WireChoice,
  connection: Connection,
): Promise<void> {
  const firstRead = connection.read();
  let wire = wires.at(-1);
  if (wires.length > 1) {
    const chunk = await within(clock, patience, firstRead);
    if (chunk === null) return;
    if (chunk) {
      const claimed = wires.find((wire) => wire.startsWith(chunk[0]!));
      const foreign = claimed ? undefined : foreignProtocol(chunk);
      if (foreign) {
        connection.unopened("WIRE_MISMATCH", foreign);
        return connection.end("protocol-error");
      }
      wire = claimed ?? wire;
    }
  }
  await wire?.serve(connection, firstRead);
}

/** What a read brings within `delay` ms; undefined if it is not over then. */
function within(clock: Clock, delay: number, read: Read): Promise<
  Uint8Array | null | undefined
> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => resolve(undefined), delay);
    read.then((chunk) => {
      clock.clearTimeout(timer);
      resolve(chunk);
    });
  });
}
