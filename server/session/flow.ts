import { Deadline } from "../../protocol/deadline.ts";
import type { FrameWriter } from "../../protocol/frame_writer.ts";
import { FRAME } from "../../protocol/frames.ts";
import { Heartbeat } from "../../protocol/heartbeat.ts";
import type { Connection } from "../connection.ts";
import type { SessionWireOptions } from "./session_options.ts";

/** How a {@linkcode Flow} is made. */
export interface FlowOptions {
  wire: SessionWireOptions;
  connection: Connection;
  /** What the peer is written to with, once the handshake is through. */
  writer: () => FrameWriter | undefined;
  /** Called when the peer has been silent for so long that it is pinged. */
  silent: () => void;
  /** Whether nothing more is to be done for the peer. */
  over: () => boolean;
}

/**
 * When more is read from a session's peer, and whether it is there at all. Who
 * does not read its answers is not listened to, nor is anybody of whom too many
 * requests wait for their turn.
 */
export class Flow {
  #options: FlowOptions;
  #heartbeat: Heartbeat;
  /** Until when the peer has to read what waits for it. */
  #slow: Deadline;
  #room: Promise<void> | undefined;
  /** Whether nothing is read, as too many of its requests wait. */
  #paused = false;

  constructor(options: FlowOptions) {
    const { wire, connection, writer, silent } = this.#options = options;
    this.#slow = new Deadline(wire.clock, () => {
      connection.limit("writeTimeout");
      connection.close("slow-reader");
    });
    this.#heartbeat = new Heartbeat(wire.clock, wire.heartbeat, {
      ping: (payload) => {
        silent();
        writer()?.send(FRAME.ping, 0, payload);
      },
      dead: () => this.#dead(),
    });
  }

  /** The peer is proven: from now on it has to give signs of life. */
  start(): void {
    this.#heartbeat.start();
  }

  /** Ends it, and frees its timers. */
  stop(): void {
    this.#heartbeat.stop();
    this.#slow.stop();
  }

  /** Something was received. */
  alive(): void {
    this.#heartbeat.alive();
  }

  /** Something was received of a message that is not complete. */
  arriving(): void {
    this.#heartbeat.arriving();
  }

  /** A pong was received; gives the round trip in ms, if it is of our ping. */
  pong(payload: Uint8Array): number | undefined {
    return this.#heartbeat.pong(payload);
  }

  /**
   * Resolves once the peer has read what waits for it, or is gone; undefined
   * while there is room for more.
   */
  get room(): Promise<void> | undefined {
    return this.#room;
  }

  /**
   * Nothing is read until then, or until the connection is over. The peer is
   * not to be taken for dead meanwhile.
   */
  async pause(until: Promise<void>): Promise<void> {
    this.#paused = true;
    await this.#options.connection.unlessEnded(until);
    this.#paused = false;
    this.#heartbeat.alive();
  }

  /**
   * Something was written. Once too much waits for the peer, nothing more is
   * read from it until it has read all of that, for which it has so long.
   * Answers come at any time: that cannot be left to the next read, nor share
   * the connection's deadline.
   */
  press(): void {
    const { wire, connection, over } = this.#options;
    const writer = this.#options.writer()!;
    if (over() || this.#room) return;
    if (writer.waiting <= wire.writeBufferBytes) return;
    connection.limit("writeBufferBytes");
    this.#heartbeat.stop();
    this.#slow.set(wire.writeTimeout);
    this.#room = writer.flushed().then(() => {
      this.#room = undefined;
      this.#slow.clear();
      if (!over()) this.#heartbeat.start();
    });
  }

  /** The peer takes what is written, however slowly: it is there. */
  progress(): void {
    if (this.#options.over()) return;
    this.#heartbeat.alive();
    if (this.#room) this.#slow.set(this.#options.wire.writeTimeout);
  }

  #dead(): void {
    if (!this.#paused) return this.#options.connection.close("unresponsive");
    // Nobody reads its signs of life. It is to see ours, or it would give up.
    this.#heartbeat.alive();
    this.#heartbeat.show();
  }
}
