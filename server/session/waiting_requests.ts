import type { MaybePromise } from "../../protocol/envelope.ts";
import { FifoMap } from "../../protocol/fifo_map.ts";
import type { Frame } from "../../protocol/frames.ts";
import type { Connection } from "../connection.ts";
import type { Flow } from "./flow.ts";
import type { Requests } from "./requests.ts";
import type { SessionWireOptions } from "./session_options.ts";

/** How {@linkcode WaitingRequests} are made. */
export interface WaitingRequestsOptions {
  wire: SessionWireOptions;
  connection: Connection;
  flow: Flow;
  /** Where they go when it is their turn. */
  requests: Requests;
  /** Whether nothing more is to be done for the peer. */
  over: () => boolean;
  /** Told why one could not be taken: that is to be the connection's end. */
  failed: (error: unknown) => void;
}

/**
 * The requests of one connection that have come while as many handlers run as
 * may. They wait here, and not in the stream, where everything behind them
 * would wait too: also the cancels that are to make room.
 *
 * Whoever has all of its window waiting, or `writeBufferBytes` of it, and sends
 * another request is not read until none waits any more.
 */
export class WaitingRequests {
  #options: WaitingRequestsOptions;
  /** Undefined while there are none. */
  #frames: FifoMap<number, Frame> | undefined;
  /** What their payloads take. */
  #bytes = 0;
  /** Whether they are looked after: once is enough. */
  #working = false;
  /** For the reader who waits until there are none. */
  #emptied: PromiseWithResolvers<void> | undefined;

  constructor(options: WaitingRequestsOptions) {
    this.#options = options;
  }

  /**
   * A request has come: it is taken now, or waits its turn. Resolves once the
   * next frame may be read.
   *
   * @throws {CypherError} `BAD_MESSAGE` as {@linkcode Requests.request} does.
   */
  request(frame: Frame): MaybePromise<void> {
    const { wire, requests, connection } = this.#options;
    if (this.#frames === undefined && wire.runner.room === undefined) {
      return requests.request(frame, connection.draining);
    }
    return this.#wait(frame);
  }

  /**
   * The caller does not want a request any more: if it waits, it never runs.
   *
   * @throws {CypherError} `BAD_MESSAGE` as {@linkcode Requests.cancel} does.
   */
  cancel(id: number): void {
    this.#drop(id);
    this.#options.requests.cancel(id);
  }

  /** Gives up all that wait: to the client they are as good as never read. */
  clear(): void {
    this.#frames = undefined;
    this.#bytes = 0;
    this.#emptied?.resolve();
    this.#emptied = undefined;
  }

  #wait(frame: Frame): MaybePromise<void> {
    const { wire, connection, requests } = this.#options;
    // Where no handler is to run, there is nothing to wait for.
    if (connection.draining || !requests.isNew(frame.id)) {
      return requests.request(frame, connection.draining);
    }
    const count = this.#frames?.size ?? 0;
    if (count >= wire.window || this.#bytes >= wire.writeBufferBytes) {
      return this.#pause(frame);
    }
    this.#keep(frame);
  }

  /** Nothing is read until none waits; then this one is looked at again. */
  async #pause(frame: Frame): Promise<void> {
    const { flow, over } = this.#options;
    this.#emptied ??= Promise.withResolvers();
    await flow.pause(this.#emptied.promise);
    if (!over()) await this.request(frame);
  }

  #keep({ type, id, payload }: Frame): void {
    const { connection, failed } = this.#options;
    const frames = this.#frames ??= new FifoMap();
    if (frames.get(id)) return;
    connection.limit("requests");
    // A copy, as it is a view of all that came with it.
    frames.add(id, { type, id, payload: payload.slice() });
    this.#bytes += payload.length;
    if (this.#working) return;
    this.#working = true;
    this.#work().catch((error) => {
      this.clear();
      failed(error);
    });
  }

  /** Lets them begin, one by one, as there is room. */
  async #work(): Promise<void> {
    const { wire, connection, flow, over } = this.#options;
    while (this.#frames) {
      const { room } = wire.runner;
      if (room) await connection.unlessEnded(room);
      // Their answers would be too much for who does not read any.
      else if (flow.room) await flow.room;
      else {
        this.#next(this.#frames);
        // Behind the other connections that were told of room: each has a turn.
        await Promise.resolve();
      }
      if (over()) this.clear();
    }
    this.#working = false;
  }

  #next(frames: FifoMap<number, Frame>): void {
    const [id, frame] = frames.oldest!;
    this.#drop(id);
    this.#options.requests.request(frame, false);
  }

  #drop(id: number): void {
    const frame = this.#frames?.get(id);
    if (!this.#frames || !frame) return;
    this.#frames.delete(id);
    this.#bytes -= frame.payload.length;
    if (this.#frames.size === 0) this.clear();
  }
}
