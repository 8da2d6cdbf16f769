/** What the tests of several threads share. */

import { ClientHandshake } from "../../client/session/client_handshake.ts";
import {
  CypherServer,
  type CypherServerOptions,
  type JsonValue,
  type Monitor,
} from "../../mod.ts";
import { AnsweredSet } from "../../protocol/answered.ts";
import {
  FRAME,
  type Frame,
  FrameBatch,
  FrameParser,
  type FrameType,
} from "../../protocol/frames.ts";
import {
  clientIdOf,
  readServerHello,
  writeClientHello,
} from "../../protocol/hello.ts";
import type { ServerOffer } from "../../protocol/offers.ts";
import { RecordOpener, RecordSealer } from "../../protocol/records.ts";
import { pskOf } from "../../protocol/session_keys.ts";
import { clientKeys, serverKeys, until, Wire, within } from "./cypher.ts";
import type { Address } from "./fault_proxy.ts";
import type { Asked, Line } from "./thread_handler.ts";

export const HANDLER = new URL("./thread_handler.ts", import.meta.url);

/** A server of two threads on a free port. */
export async function startThreads(
  options: Partial<CypherServerOptions> = {},
): Promise<CypherServer> {
  const server = new CypherServer({
    port: 0,
    ...serverKeys,
    threads: 2,
    handler: HANDLER,
    ...options,
  });
  await server.start();
  return server;
}

/** What a peer hears. */
export interface Heard {
  type: FrameType;
  id: number;
  // deno-lint-ignore no-explicit-any
  content: any;
}

/** A client on the session wire, frame by frame, that knows its thread. */
export class ThreadPeer implements Disposable {
  /** The thread that serves it. */
  readonly thread: string;
  /** Whether the server knew the client. */
  readonly known: boolean;
  #socket: Deno.TcpConn;
  #sealer: RecordSealer;
  #opener: RecordOpener;
  #parser: FrameParser;
  #frames: Frame[];

  private constructor(
    talk: Talk,
    known: boolean,
  ) {
    this.thread = threadIn(talk.offer.connection);
    this.known = known;
    this.#socket = talk.socket;
    this.#sealer = talk.sealer;
    this.#opener = talk.opener;
    this.#parser = talk.parser;
    this.#frames = talk.frames;
  }

  /** Connects until it is on a thread that `fits`, and says hello there. */
  static async dial(
    address: Address,
    secret: Uint8Array,
    fits: (thread: string) => boolean = () => true,
  ): Promise<ThreadPeer> {
    for (;;) {
      const talk = await handshake(address, secret);
      // It came to a thread that was about to die.
      if (!talk) continue;
      if (!fits(threadIn(talk.offer.connection))) {
        talk.socket.close();
        continue;
      }
      const answered = new AnsweredSet(1);
      await sendFrame(
        talk,
        FRAME.hello,
        0,
        writeClientHello({ secret, answered }),
      );
      const hello = await within("a hello", nextFrame(talk));
      if (hello?.type !== FRAME.hello) throw new Error("No hello came");
      const { known } = readServerHello(hello.payload);
      return new ThreadPeer(talk, known);
    }
  }

  /** Sends a request. */
  async request(id: number, data: Asked, path = "/"): Promise<void> {
    const payload = JSON.stringify({
      PATH: path,
      OPERATION: "NONE",
      DATA: data,
      METADATA: {},
    });
    await this.send(FRAME.request, id, payload);
  }

  async send(type: FrameType, id: number, payload = ""): Promise<void> {
    await sendFrame(
      { socket: this.#socket, sealer: this.#sealer },
      type,
      id,
      payload,
    );
  }

  /** The next frame; undefined at the end. */
  async hear(): Promise<Heard | undefined> {
    const frame = await within(
      "a frame",
      nextFrame({
        socket: this.#socket,
        opener: this.#opener,
        parser: this.#parser,
        frames: this.#frames,
      }),
    );
    if (!frame) return undefined;
    const text = new TextDecoder().decode(frame.payload);
    return { type: frame.type, id: frame.id, content: JSON.parse(text) };
  }

  /** Sends a request, and gives what it ends in. */
  async ask(id: number, data: Asked, path?: string): Promise<Heard> {
    await this.request(id, data, path);
    const heard = await this.hear();
    if (!heard) throw new Error("The connection is gone");
    return heard;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

interface Talk {
  socket: Deno.TcpConn;
  offer: ServerOffer;
  sealer: RecordSealer;
  opener: RecordOpener;
  parser: FrameParser;
  frames: Frame[];
}

async function handshake(
  { hostname, port }: Address,
  secret: Uint8Array,
): Promise<Talk | undefined> {
  const socket = await connect({ hostname, port });
  if (!socket) return undefined;
  const handshake = new ClientHandshake(pskOf("client", clientKeys), {
    client: clientIdOf(secret),
    software: "test",
    messageBytes: 2 ** 30,
  });
  await socket.write(handshake.first).catch(() => {});
  const buffer = new Uint8Array(1_024);
  for (;;) {
    const reading = socket.read(buffer).catch(() => null);
    const size = await within("a handshake", reading);
    if (size === null) {
      socket.close();
      return undefined;
    }
    const step = handshake.push(buffer.subarray(0, size));
    if (step.kind === "refused") throw step.error;
    if (step.kind === "more") continue;
    return {
      socket,
      offer: step.offer,
      sealer: new RecordSealer(step.channel.send),
      opener: new RecordOpener(step.channel.receive),
      parser: new FrameParser(2 ** 20),
      frames: [],
    };
  }
}

/** Undefined if the thread died that was about to accept it. */
async function connect(address: Address): Promise<Deno.TcpConn | undefined> {
  try {
    return await Deno.connect(address);
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return undefined;
    throw error;
  }
}

async function sendFrame(
  { socket, sealer }: Pick<Talk, "socket" | "sealer">,
  type: FrameType,
  id: number,
  payload: string,
): Promise<void> {
  const batch = new FrameBatch();
  batch.add(type, id, payload);
  const bytes = sealer.seal(batch.take());
  for (let at = 0; at < bytes.length;) {
    at += await socket.write(bytes.subarray(at));
  }
}

async function nextFrame(
  { socket, opener, parser, frames }: Omit<Talk, "offer" | "sealer">,
): Promise<Frame | undefined> {
  const buffer = new Uint8Array(65_536);
  while (frames.length === 0) {
    const size = await socket.read(buffer);
    if (size === null) return undefined;
    for (const plain of opener.push(buffer.subarray(0, size))) {
      for (const frame of parser.push(plain)) {
        frames.push({ ...frame, payload: frame.payload.slice() });
      }
    }
  }
  return frames.shift();
}

/** The thread in a connection's id. */
export function threadIn(connection: string): string {
  return connection.split("-")[0]!;
}

/** A classic peer's thread, as the monitor sees it. */
export async function threadOf(
  { monitor }: CypherServer,
  wire: Wire,
): Promise<string> {
  await until("the monitor sees it", () => !!seen(monitor, wire));
  return seen(monitor, wire)!;
}

function seen(monitor: Monitor, { socket }: Wire): string | undefined {
  const { hostname, port } = socket.localAddr;
  const info = monitor.connections().find(({ address }) =>
    address === `${hostname}:${port}`
  );
  return info && threadIn(info.id);
}

/** A classic peer on a thread that `fits`. */
export async function dialClassic(
  server: CypherServer,
  fits: (thread: string) => boolean,
): Promise<Wire> {
  for (;;) {
    const wire = await Wire.dial(server.address);
    // Else it came to a thread that was about to die.
    const served = await isServed(wire);
    if (served && fits(await threadOf(server, wire))) return wire;
    wire.close();
  }
}

/** Whether anybody answers. */
async function isServed(wire: Wire): Promise<boolean> {
  const request = { PATH: "/", OPERATION: "NONE", DATA: null, METADATA: {} };
  try {
    await wire.send(await wire.seal(request));
    return await wire.token() !== null;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return false;
    if (error instanceof Deno.errors.BrokenPipe) return false;
    throw error;
  }
}

/** Ends a thread by a request, and waits until it is replaced. */
export async function killThread(
  server: Pick<CypherServer, "monitor" | "address">,
  thread: string,
  die: NonNullable<Asked["die"]> = "close",
): Promise<void> {
  const { promise: died, resolve } = Promise.withResolvers<void>();
  const unlisten = server.monitor.listen((signal) => {
    if (signal.kind === "notice" && signal.code === "THREAD_DIED") resolve();
  });
  const secret = newSecret();
  const fits = (one: string) => one === thread;
  const peer = await ThreadPeer.dial(server.address, secret, fits);
  await peer.request(1, { die });
  await within("a thread's death", died);
  unlisten();
  peer[Symbol.dispose]();
}

export function newSecret(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(32));
}

/** A file for the handlers' lines. */
export class Effects implements Disposable {
  readonly file = Deno.makeTempFileSync();

  get lines(): Line[] {
    return Deno.readTextFileSync(this.file).split("\n").filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  /** How often handlers began. */
  get count(): number {
    return this.lines.filter(({ what }) => what === "begin").length;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.file);
  }
}

/** Requests that wait for a word: see `until` of the handler. */
export class Word implements Disposable {
  readonly name = `word ${crypto.randomUUID()}`;
  #channel = new BroadcastChannel(this.name);
  #report = new BroadcastChannel(`${this.name} of handlers`);
  #heard: JsonValue[] = [];

  constructor() {
    this.#report.onmessage = ({ data }) => void this.#heard.push(data);
  }

  /** Waits until so many handlers wait, or have been aborted. */
  async heard(what: "waits" | "aborted", times = 1): Promise<void> {
    await until(
      `${times} x ${what}`,
      () => this.#heard.filter((one) => one === what).length >= times,
    );
  }

  say(): void {
    this.#channel.postMessage("go on");
  }

  [Symbol.dispose](): void {
    this.#channel.close();
    this.#report.close();
  }
}
