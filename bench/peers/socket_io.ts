import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "npm:socket.io@4.8.4";
import { io } from "npm:socket.io-client@4.8.4";
import { filler, type PeerKind } from "../support.ts";

type Acknowledge = (answer: string) => void;

/** Socket.IO events with acknowledgements, over WebSocket, in plain text. */
export const peer: PeerKind = {
  version: () => "Socket.IO 4.8.4, WebSocket",
  serve() {
    const http = createServer();
    const server = new Server(http, { maxHttpBufferSize: 2 ** 24 });
    server.on("connection", (socket) => {
      socket.on("echo", (text: string, answer: Acknowledge) => answer(text));
      socket.on(
        "want",
        (size: number, answer: Acknowledge) => answer(filler(size)),
      );
    });
    return new Promise((resolve) =>
      http.listen(
        0,
        "127.0.0.1",
        () => resolve((http.address() as AddressInfo).port),
      )
    );
  },
  async connect(port) {
    const socket = io(`http://127.0.0.1:${port}`, {
      transports: ["websocket"],
    });
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    return {
      echo: (text) => socket.emitWithAck("echo", text),
      want: (size) => socket.emitWithAck("want", size),
      close: () => socket.disconnect(),
    };
  },
};
