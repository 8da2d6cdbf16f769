import { NulSplitter } from "../../protocol/nul_splitter.ts";
import { systemClock } from "../../protocol/clock.ts";
import type { Connection } from "../../server/connection.ts";
import { Monitor } from "../../server/monitor.ts";
import { TcpCore } from "../../server/tcp_core.ts";

/**
 * A protocol that is added by adding a file, as CONTRIBUTING.md says: messages
 * end in NUL, and come back in upper case.
 */
export class ToyServer implements AsyncDisposable {
  readonly monitor: Monitor;
  #core: TcpCore;

  constructor({ monitor = new Monitor() }: { monitor?: Monitor } = {}) {
    this.monitor = monitor;
    this.#core = new TcpCore({
      hostname: "127.0.0.1",
      port: 0,
      wires: ["toy"],
      serve,
      monitor,
      clock: systemClock,
      timeout: 5_000,
      transmissionBuffer: 65_536,
      maxConnections: 10,
    });
  }

  get address(): Deno.NetAddr {
    return this.#core.address!;
  }

  start(): void {
    this.#core.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#core.stop(1_000);
  }
}

async function serve(connection: Connection): Promise<void> {
  connection.online("toy");
  const splitter = new NulSplitter(1_024);
  while (!connection.ended) {
    const chunk = await connection.read();
    if (chunk === null) return;
    const messages = splitter.push(chunk).map((bytes) => decoder.decode(bytes));
    for (const message of messages) await answer(connection, message);
    if (splitter.overflowed) connection.end("too-large");
  }
}

async function answer(connection: Connection, text: string): Promise<void> {
  const began = connection.requestBegins();
  const bytes = new TextEncoder().encode(text.toUpperCase() + "\0");
  connection.requestEnds(began, {
    path: "/",
    operation: "SHOUT",
    status: "OK",
    message: "",
    repeated: false,
    bytesIn: text.length + 1,
    bytesOut: bytes.length,
  });
  await connection.write(bytes);
  if (connection.draining) connection.end("stopped");
}

const decoder = new TextDecoder();
