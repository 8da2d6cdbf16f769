/**
 * A TCP proxy, in this process, that misbehaves as told: it stands between a
 * client and a real server and delays, throttles, slices, corrupts, swallows
 * and cuts what passes.
 */

import { setTimeout as sleep } from "node:timers/promises";

/** Where something listens. */
export interface Address {
  hostname: string;
  port: number;
}

/**
 * What goes wrong in one direction. Offsets count the bytes that arrived in
 * this direction of this connection, from 0.
 */
export interface DirectionFaults {
  /** Latency in milliseconds: chunks overlap, and keep their order. */
  delay?: number;
  /** Throughput. What exceeds it waits at the sender (backpressure). */
  bytesPerSecond?: number;
  /** The most bytes in one write. */
  slice?: number;
  /**
   * Forwards exactly this many bytes, then cuts the connection; 0 cuts when
   * the first byte arrives.
   */
  cutAt?: number;
  /** Offsets of the bytes that get their lowest bit flipped. */
  corruptAt?: number | readonly number[];
  /**
   * From this offset on everything is read and dropped, a close included: the
   * connection is half-open until it is cut or the proxy is disposed of.
   */
  swallowFrom?: number;
  /** Sees each write just before the receiver can. */
  record?: (chunk: Uint8Array) => void;
}

/** What goes wrong on one connection; with nothing set, nothing does. */
export interface ConnectionFaults {
  /** Client to server. */
  up?: DirectionFaults;
  /** Server to client. */
  down?: DirectionFaults;
  /** Closes the connection once accepted; the server never hears of it. */
  refuse?: boolean;
  /** Cuts the connection this many milliseconds after it was accepted. */
  cutAfter?: number;
}

/** Asked once for each accepted connection, which it knows by its index. */
export type FaultPlan = (index: number) => ConnectionFaults;

type Direction = "up" | "down";

/**
 * A cut closes both sockets at once. To a peer that is the end of the stream
 * when it reads, and a reset when it writes.
 */
export class FaultProxy implements AsyncDisposable {
  /** For the connections to come; may be replaced at any time. */
  plan: FaultPlan;
  /** Where clients connect to. */
  readonly address: Address;
  /** Bytes forwarded so far, over all connections. */
  readonly bytes: Record<Direction, number> = { up: 0, down: 0 };
  readonly #listener: Deno.TcpListener;
  readonly #links = new Set<Link>();
  readonly #accepting: Promise<void>;
  #target: Address;
  #connections = 0;

  private constructor(target: Address, plan: FaultPlan) {
    this.plan = plan;
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { hostname, port } = this.#listener.addr;
    this.address = { hostname, port };
    this.#accepting = this.#accept();
  }

  /** Listens on a free port of 127.0.0.1; without a plan, a plain proxy. */
  static start(target: Address, plan: FaultPlan = () => ({})): FaultProxy {
    return new FaultProxy(target, plan);
  }

  /** Connections accepted so far, the refused ones included. */
  get connections(): number {
    return this.#connections;
  }

  /** Connections that are open now. */
  get live(): number {
    return this.#live().length;
  }

  /** Sends later connections elsewhere; those that are open stay. */
  retarget(target: Address): void {
    this.#target = target;
  }

  /** Cuts every open connection, and returns how many there were. */
  cutAll(): number {
    const live = this.#live();
    for (const link of live) link.cut();
    return live.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    this.cutAll();
    await Promise.all([...this.#links].map((link) => link.ended));
  }

  #live(): Link[] {
    return [...this.#links].filter((link) => !link.signal.aborted);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      const faults = this.plan(this.#connections++);
      if (faults.refuse) {
        client.close();
        continue;
      }
      const link = new Link(client, this.#target, faults, this.bytes);
      this.#links.add(link);
      link.ended.finally(() => this.#links.delete(link));
    }
  }
}

/** One proxied connection: two sockets and the pipes between them. */
class Link {
  /** Everything of this connection is released. */
  readonly ended: Promise<void>;
  readonly #abort = new AbortController();
  readonly #sockets: Deno.TcpConn[];

  constructor(
    client: Deno.TcpConn,
    target: Address,
    faults: ConnectionFaults,
    bytes: Record<Direction, number>,
  ) {
    this.#sockets = [client];
    this.ended = this.#run(client, target, faults, bytes);
  }

  /** Aborted when the connection is cut. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  cut(): void {
    if (this.signal.aborted) return;
    this.#abort.abort();
    for (const socket of this.#sockets) socket.close();
  }

  async #run(
    client: Deno.TcpConn,
    target: Address,
    faults: ConnectionFaults,
    bytes: Record<Direction, number>,
  ): Promise<void> {
    const timer = faults.cutAfter === undefined
      ? undefined
      : setTimeout(() => this.cut(), faults.cutAfter);
    try {
      const server = await this.#dial(target);
      if (server === undefined) return;
      // Nagle's algorithm would glue slices together again.
      for (const socket of this.#sockets) socket.setNoDelay(true);
      const up = new Pipe(client, server, this, faults.up, (size) => {
        bytes.up += size;
      });
      const down = new Pipe(server, client, this, faults.down, (size) => {
        bytes.down += size;
      });
      // Who cannot be written to is gone, but what it sent before that is
      // still on its way to the other side.
      up.deaf.promise.then(() => down.ended).then(() => this.cut());
      down.deaf.promise.then(() => up.ended).then(() => this.cut());
      await Promise.all([up.ended, down.ended]);
    } finally {
      clearTimeout(timer);
      this.cut();
    }
  }

  async #dial(target: Address): Promise<Deno.TcpConn | undefined> {
    // Deno throws a connection away unclosed when its signal aborts between the
    // connection's coming up and the promise settling: this one does not throw.
    const attempt = new AbortController();
    attempt.signal.throwIfAborted = () => {};
    const abort = () => attempt.abort();
    this.signal.addEventListener("abort", abort);
    if (this.signal.aborted) abort();
    const server = await Deno.connect({ ...target, signal: attempt.signal })
      .catch(() => undefined);
    this.signal.removeEventListener("abort", abort);
    if (server === undefined) return undefined;
    if (this.signal.aborted) {
      server.close();
      return undefined;
    }
    this.#sockets.push(server);
    return server;
  }
}

const READ_BYTES = 64 * 1024;

/** A throttled direction writes what this many milliseconds allow at once. */
const THROTTLE_STEP = 50;

/** What a socket yields: bytes, the end of its stream, or an error. */
type Arrival = Uint8Array<ArrayBuffer> | "end" | "lost";

/** One direction of a connection, from one socket to the other. */
class Pipe {
  /** The end of the stream was passed on, or the connection is cut. */
  readonly ended: Promise<void>;
  /** Resolves when the receiver refuses bytes; from then on they are dropped. */
  readonly deaf = Promise.withResolvers<void>();
  readonly #from: Deno.TcpConn;
  readonly #to: Deno.TcpConn;
  readonly #link: Link;
  readonly #faults: DirectionFaults;
  readonly #count: (size: number) => void;
  #position = 0;
  #isDeaf = false;
  /** When the throttle lets the next write through. */
  #nextWrite = 0;

  constructor(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    link: Link,
    faults: DirectionFaults = {},
    count: (size: number) => void,
  ) {
    this.#from = from;
    this.#to = to;
    this.#link = link;
    this.#faults = faults;
    this.#count = count;
    this.ended = this.#run();
  }

  async #run(): Promise<void> {
    const { delay = 0 } = this.#faults;
    const buffer = new Uint8Array(READ_BYTES);
    const waiting: { due: number; delivered: Promise<void> }[] = [];
    let delivered = Promise.resolve();
    let arrival: Arrival;
    do {
      const arrived = arrival = await this.#read(buffer);
      const due = performance.now() + delay;
      delivered = delivered
        .then(() => this.#sleepUntil(due))
        .then(() => this.#deliver(arrived));
      waiting.push({ due, delivered });
      // Only what is not due yet may pile up, so that a slow receiver is felt
      // by the sender.
      while ((waiting[0]?.due ?? Infinity) <= performance.now()) {
        await waiting.shift()?.delivered;
      }
    } while (typeof arrival !== "string");
    await delivered;
  }

  async #read(buffer: Uint8Array<ArrayBuffer>): Promise<Arrival> {
    try {
      const size = await this.#from.read(buffer);
      return size === null ? "end" : buffer.slice(0, size);
    } catch {
      return "lost";
    }
  }

  async #deliver(arrival: Arrival): Promise<void> {
    if (typeof arrival !== "string") {
      await this.#forward(arrival);
    } else if (this.#swallows) {
      await aborted(this.#link.signal);
    } else if (arrival === "lost") {
      this.#link.cut();
    } else {
      // The receiver may be gone: then there is nobody to tell.
      await this.#to.closeWrite().catch(() => {});
    }
  }

  get #swallows(): boolean {
    return this.#position >= (this.#faults.swallowFrom ?? Infinity);
  }

  async #forward(chunk: Uint8Array<ArrayBuffer>): Promise<void> {
    const {
      slice = Infinity,
      bytesPerSecond = Infinity,
      cutAt = Infinity,
      swallowFrom = Infinity,
    } = this.#faults;
    const throttled = Math.floor(bytesPerSecond * THROTTLE_STEP / 1000);
    const step = Math.max(1, Math.min(slice, throttled));
    this.#corrupt(chunk);
    for (let at = 0; at < chunk.length && !this.#link.signal.aborted;) {
      const size = Math.min(
        this.#swallows
          ? Infinity
          : Math.min(step, swallowFrom - this.#position),
        cutAt - this.#position,
      );
      const piece = chunk.subarray(at, at + size);
      if (piece.length > 0 && !this.#swallows) await this.#write(piece);
      at += piece.length;
      this.#position += piece.length;
      if (this.#position >= cutAt) this.#link.cut();
    }
  }

  #corrupt(chunk: Uint8Array): void {
    for (const offset of [this.#faults.corruptAt ?? []].flat()) {
      const index = offset - this.#position;
      const byte = chunk[index];
      if (byte !== undefined) chunk[index] = byte ^ 0x01;
    }
  }

  async #write(piece: Uint8Array): Promise<void> {
    const { bytesPerSecond = Infinity, record } = this.#faults;
    await this.#sleepUntil(this.#nextWrite);
    if (this.#isDeaf || this.#link.signal.aborted) return;
    this.#nextWrite = performance.now() + piece.length / bytesPerSecond * 1000;
    this.#count(piece.length);
    record?.(piece);
    try {
      for (let at = 0; at < piece.length;) {
        at += await this.#to.write(piece.subarray(at));
      }
    } catch {
      this.#isDeaf = true;
      this.deaf.resolve();
    }
  }

  /** Returns early when the connection is cut. */
  async #sleepUntil(time: number): Promise<void> {
    const left = Math.ceil(time - performance.now());
    if (left <= 0) return;
    await sleep(left, undefined, { signal: this.#link.signal })
      .catch(() => {});
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  if (signal.aborted) resolve();
  return promise;
}
