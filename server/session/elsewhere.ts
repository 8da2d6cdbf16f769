import type { Ending } from "./client_record.ts";

/** The threads that hold the other clients. */
export interface Elsewhere {
  /** A number that orders this connection among those on all threads. */
  ticket(): number;
  /**
   * Brings a client here, where it has proven itself, but with `unlessNew` not
   * one that nobody knows. Gives whether the server knew it; undefined if it
   * has a newer connection.
   */
  fetch(
    client: string,
    ticket: number,
    unlessNew: boolean,
  ): Promise<boolean | undefined>;
  /** A request of a client that is not here has ended here. */
  ended(client: string, id: number, ending: Ending): void;
  /** Nobody wants a request that runs somewhere else. */
  cancel(client: string, id: number): void;
  /** A client is not remembered any more. */
  forgotten(client: string): void;
  /** A handler is to begin: others know of it should this thread die. */
  enter(slot: number, id: number, idempotent: boolean): number;
  /** A request that was entered there is over. */
  leave(place: number): void;
}
