import type { MaybePromise } from "../../protocol/envelope.ts";
import type { Connection } from "../connection.ts";
import type { PacketContext } from "./handler.ts";
import { Inbox } from "./inbox.ts";
import type { PacketServerSettings } from "./options.ts";

/** Hands a connection's messages to the handler, and counts them. */
export class Handling {
  /** The messages that wait for the handler. */
  readonly inbox = new Inbox();
  #settings: PacketServerSettings;
  #connection: Connection;

  constructor(settings: PacketServerSettings, connection: Connection) {
    this.#settings = settings;
    this.#connection = connection;
  }

  /** A message has come: the handler gets it after those before it. */
  deliver(message: Uint8Array, context: PacketContext): void {
    const began = this.#connection.requestBegins();
    const { length } = message;
    this.inbox.push(length, () => this.#handle(message, context, began));
  }

  #handle(
    message: Uint8Array,
    context: PacketContext,
    began: number,
  ): MaybePromise<void> {
    const { length } = message;
    const done = () => this.#ends(began, length, "OK");
    const failed = (error: unknown) => {
      const { address, id: connection } = this.#connection;
      this.#settings.onHandlerError(error, { address, connection });
      this.#ends(began, length, "HANDLER_FAILED");
    };
    try {
      const handling = this.#settings.handler(message, context);
      if (handling instanceof Promise) return handling.then(done, failed);
      done();
    } catch (error) {
      failed(error);
    }
  }

  #ends(began: number, bytesIn: number, status: string): void {
    if (this.#connection.ended) return this.#connection.requestLeft();
    this.#connection.requestEnds(began, {
      path: "",
      operation: "DATA",
      status,
      message: status === "OK" ? "" : "The handler failed",
      repeated: false,
      bytesIn,
      bytesOut: 0,
    });
  }
}
