import type { Connection } from "./connection.ts";

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

/**
 * Serves a connection on the wire that its first byte chooses. With one wire
 * there is nothing to choose, and nothing to wait for. A byte that no wire
 * claims goes to the last one, which says what is wrong with it.
 */
export function serveWires(
  wires: readonly Wire[],
  connection: Connection,
): Promise<void> {
  const firstRead = connection.read();
  const [only, ...others] = wires;
  return only && others.length === 0
    ? only.serve(connection, firstRead)
    : serveChosen(wires, connection, firstRead);
}

async function serveChosen(
  wires: readonly Wire[],
  connection: Connection,
  firstRead: Read,
): Promise<void> {
  const chunk = await firstRead;
  if (chunk === null) return;
  const wire = wires.find((wire) => wire.startsWith(chunk[0]!)) ?? wires.at(-1);
  await wire?.serve(connection, firstRead);
}
