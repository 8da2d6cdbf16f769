/** A client on the session wire, frame by frame, that need not behave. */

import { AnsweredSet } from "../../protocol/answered.ts";
import {
  FRAME,
  type Frame,
  FrameBatch,
  FrameParser,
  type FrameType,
} from "../../protocol/frames.ts";
import { clientIdOf, writeClientHello } from "../../protocol/hello.ts";
import { RecordOpener, RecordSealer } from "../../protocol/records.ts";
import { pskOf } from "../../protocol/session_keys.ts";
import {
  ClientHandshake,
  type HandshakeStep,
} from "../../client/session/client_handshake.ts";
import { clientKeys, within } from "./cypher.ts";
import type { Address } from "./fault_proxy.ts";

type Accepted = HandshakeStep & { kind: "accepted" };

export class SessionPeer implements Disposable {
  readonly socket: Deno.TcpConn;
  readonly #secret: Uint8Array;
  readonly #sealer: RecordSealer;
  readonly #opener: RecordOpener;
  readonly #parser = new FrameParser(2 ** 30);
  /** Frames that have come and were not asked for. */
  #frames: Frame[] = [];

  private constructor(
    socket: Deno.TcpConn,
    secret: Uint8Array,
    { channel, rest }: Accepted,
  ) {
    this.socket = socket;
    this.#secret = secret;
    this.#sealer = new RecordSealer(channel.send);
    this.#opener = new RecordOpener(channel.receive);
    this.#take(rest);
  }

  /** Connects and says hello; nothing is read after that by itself. */
  static async dial(
    address: Address,
    secret = crypto.getRandomValues(new Uint8Array(32)),
  ): Promise<SessionPeer> {
    const peer = await SessionPeer.connect(address, secret);
    await peer.hello();
    return peer;
  }

  /** Connects, and does not say hello yet. */
  static async connect(
    { hostname, port }: Address,
    secret: Uint8Array,
  ): Promise<SessionPeer> {
    const socket = await Deno.connect({ hostname, port });
    const handshake = new ClientHandshake(pskOf("client", clientKeys), {
      client: clientIdOf(secret),
      software: "test",
      messageBytes: 2 ** 30,
    });
    await socket.write(handshake.first);
    const buffer = new Uint8Array(1_024);
    for (;;) {
      const size = await socket.read(buffer);
      if (size === null) throw new Error("The handshake was cut off");
      const step = handshake.push(buffer.subarray(0, size));
      if (step.kind === "refused") throw step.error;
      if (step.kind === "more") continue;
      return new SessionPeer(socket, secret, step);
    }
  }

  /** Proves that it is the client it says to be. */
  async hello(): Promise<void> {
    const answered = new AnsweredSet(1);
    const hello = writeClientHello({ secret: this.#secret, answered });
    await this.send(FRAME.hello, [0], hello);
  }

  /** Sends a frame of the same content for each id, in one piece. */
  async send(
    type: FrameType,
    ids: Iterable<number>,
    payload: string,
  ): Promise<void> {
    await this.write(this.seal(type, ids, payload));
  }

  /** The records of such frames, to be sent before any other. */
  seal(
    type: FrameType,
    ids: Iterable<number>,
    payload: string,
  ): Uint8Array<ArrayBuffer> {
    const batch = new FrameBatch();
    for (const id of ids) batch.add(type, id, payload);
    return this.sealPlain(batch.take());
  }

  /** Any plaintext as records. */
  sealPlain(plain: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#sealer.seal(plain).slice();
  }

  /** Writes every byte. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.socket.write(bytes.subarray(at));
    }
  }

  /** The next frame, of a type if one is given; null if the stream ends first. */
  async receive(type?: FrameType): Promise<Frame | null> {
    const buffer = new Uint8Array(65_536);
    for (;;) {
      while (this.#frames.length > 0) {
        const frame = this.#frames.shift()!;
        if (type === undefined || frame.type === type) return frame;
      }
      const size = await within("a frame", this.socket.read(buffer));
      if (size === null) return null;
      this.#take(buffer.subarray(0, size));
    }
  }

  #take(chunk: Uint8Array): void {
    for (const plain of this.#opener.push(chunk)) {
      for (const frame of this.#parser.push(plain)) {
        this.#frames.push({ ...frame, payload: frame.payload.slice() });
      }
    }
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}
