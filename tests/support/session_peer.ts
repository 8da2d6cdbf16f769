/** A client on the session wire, frame by frame, that need not behave. */

import { AnsweredSet } from "../../protocol/answered.ts";
import { FRAME, FrameBatch, type FrameType } from "../../protocol/frames.ts";
import { clientIdOf, writeClientHello } from "../../protocol/hello.ts";
import { RecordSealer } from "../../protocol/records.ts";
import { pskOf } from "../../protocol/session_keys.ts";
import { ClientHandshake } from "../../client/session/client_handshake.ts";
import { clientKeys } from "./cypher.ts";
import type { Address } from "./fault_proxy.ts";

export class SessionPeer implements Disposable {
  readonly socket: Deno.TcpConn;
  readonly #sealer: RecordSealer;

  private constructor(socket: Deno.TcpConn, sealer: RecordSealer) {
    this.socket = socket;
    this.#sealer = sealer;
  }

  /** Connects and says hello; nothing is read after the handshake. */
  static async dial({ hostname, port }: Address): Promise<SessionPeer> {
    const socket = await Deno.connect({ hostname, port });
    const secret = crypto.getRandomValues(new Uint8Array(32));
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
      const peer = new SessionPeer(
        socket,
        new RecordSealer(step.channel.send),
      );
      const answered = new AnsweredSet(1);
      await peer.send(FRAME.hello, [0], writeClientHello({ secret, answered }));
      return peer;
    }
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
    return this.#sealer.seal(plain);
  }

  /** Writes every byte. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.socket.write(bytes.subarray(at));
    }
  }

  [Symbol.dispose](): void {
    this.socket.close();
  }
}
