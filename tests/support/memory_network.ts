/**
 * A network in memory, on a fake clock and a seeded random, for
 * `CypherServer`'s `listen` and `CypherClient`'s `dial`: what TCP may do to its
 * users, and all of it again from the same seed.
 */

import type { Dial } from "../../client/dial.ts";
import type { Clock } from "../../protocol/clock.ts";
import type { Conn } from "../../protocol/transport.ts";
import type { AcceptedConn, Listen, Listener } from "../../server/listener.ts";

/** How a {@linkcode MemoryNetwork} is made. Times in ms, sizes in bytes. */
export interface MemoryNetworkOptions {
  clock: Clock;
  /** Gives numbers from 0 up to 1. */
  random: () => number;
  /** The most that a chunk takes on its way; each is a random part of it. */
  delay?: number;
  /** The most that one chunk in fifty takes besides: it was lost, say. */
  stall?: number;
  /** Whether reads and writes take random parts of what they could. */
  slice?: boolean;
  /** What one direction holds that was not read; then writes wait. */
  capacity?: number;
}

/** One end of a connection: the client's or the server's. */
export type Side = "client" | "server";

/** What travels: bytes, the end of the stream, or a reset. */
type Parcel = Uint8Array<ArrayBuffer> | "end" | "reset";

/** One address with at most one listener, and the connections made to it. */
export class MemoryNetwork {
  /** How many connections were made. */
  dialed = 0;
  /** While true, whoever dials hears nothing at all. */
  unreachable = false;
  readonly #options: Required<MemoryNetworkOptions>;
  readonly #links = new Set<MemoryLink>();
  #listener: MemoryListener | undefined;

  constructor(options: MemoryNetworkOptions) {
    this.#options = {
      delay: 0,
      stall: 0,
      slice: false,
      capacity: 65_536,
      ...options,
    };
  }

  /** The connections of which an end is still in use, oldest first. */
  get links(): MemoryLink[] {
    return [...this.#links];
  }

  /** For `CypherServer`. */
  readonly listen: Listen = ({ hostname }) => {
    if (this.#listener) throw new Deno.errors.AddrInUse("Address in use");
    const addr = { transport: "tcp", hostname, port: 1 } as const;
    return this.#listener = new MemoryListener(addr, () => {
      this.#listener = undefined;
    });
  };

  /** For `CypherClient`. */
  readonly dial: Dial = async (_target, signal) => {
    const { clock, random, delay } = this.#options;
    this.dialed++;
    await new Promise<void>((resolve, reject) => {
      const after = Math.floor(random() * (delay + 1));
      const timer = this.unreachable
        ? undefined
        : clock.setTimeout(resolve, after);
      signal.addEventListener("abort", () => {
        if (timer !== undefined) clock.clearTimeout(timer);
        reject(signal.reason);
      }, { once: true });
    });
    if (!this.#listener) throw new Deno.errors.ConnectionRefused("Refused");
    const link = new MemoryLink(
      this.#options,
      this.dialed,
      () => this.#links.delete(link),
    );
    this.#links.add(link);
    this.#listener.offer(link.server);
    return link.client;
  };
}

/** Where a server waits for connections. */
class MemoryListener implements Listener {
  readonly addr: Deno.NetAddr;
  readonly #closed: () => void;
  #offered: MemoryEnd[] = [];
  #accept: PromiseWithResolvers<AcceptedConn> | undefined;

  constructor(addr: Deno.NetAddr, closed: () => void) {
    this.addr = addr;
    this.#closed = closed;
  }

  offer(end: MemoryEnd): void {
    if (this.#accept) this.#accept.resolve(end);
    else this.#offered.push(end);
    this.#accept = undefined;
  }

  accept(): Promise<AcceptedConn> {
    const end = this.#offered.shift();
    if (end) return Promise.resolve(end);
    this.#accept = Promise.withResolvers();
    return this.#accept.promise;
  }

  close(): void {
    this.#closed();
    for (const end of this.#offered) end.close();
    this.#accept?.reject(new Deno.errors.BadResource("Listener closed"));
  }
}

/** One connection, and what can befall it. */
export class MemoryLink {
  /** Counts up with each that was dialled. */
  readonly number: number;
  readonly client: MemoryEnd;
  readonly server: MemoryEnd;
  readonly options: Required<MemoryNetworkOptions>;
  readonly #closed: () => void;
  /** Whose words are not carried any more. */
  readonly #swallowed = new Set<MemoryEnd>();
  /** When what was sent last arrives: a later parcel comes no sooner. */
  readonly #arrivals = new Map<MemoryEnd, number>();

  constructor(
    options: Required<MemoryNetworkOptions>,
    number: number,
    closed: () => void,
  ) {
    this.number = number;
    this.options = options;
    this.#closed = closed;
    this.client = new MemoryEnd(this, 2 * number);
    this.server = new MemoryEnd(this, 2 * number + 1);
  }

  /** Both ends learn that it is lost; what is on its way is lost with it. */
  cut(): void {
    this.lose("client");
    this.lose("server");
  }

  /**
   * One end learns that it is lost, the other nothing: to that one it is
   * half-open. What is on its way there still arrives.
   */
  lose(side: Side): void {
    this.swallow(side === "client" ? "server" : "client");
    this.swallow(side);
    this[side].arrive("reset");
  }

  /** What a side sends from now on never arrives, and nobody learns of it. */
  swallow(side: Side): void {
    this.#swallowed.add(this[side]);
  }

  /** For the ends: sends something to the other one. */
  carry(from: MemoryEnd, parcel: Parcel): void {
    if (this.#swallowed.has(from)) return;
    const { clock, random, delay, stall } = this.options;
    const to = this.other(from);
    let after = Math.floor(random() * (delay + 1));
    if (stall > 0 && random() < 0.02) after += Math.floor(random() * stall);
    const due = Math.max(this.#arrivals.get(to) ?? 0, clock.now() + after);
    this.#arrivals.set(to, due);
    clock.setTimeout(() => to.arrive(parcel), due - clock.now());
  }

  /** For the ends: one of them is closed. */
  closed(): void {
    if (this.client.closed && this.server.closed) this.#closed();
  }

  /** For the ends. */
  other(end: MemoryEnd): MemoryEnd {
    return end === this.client ? this.server : this.client;
  }
}

/** What a program holds of a connection; behaves as a `Deno.TcpConn` does. */
class MemoryEnd implements AcceptedConn, Conn {
  readonly remoteAddr: Deno.NetAddr;
  readonly #link: MemoryLink;
  #arrived: Uint8Array<ArrayBuffer>[] = [];
  #ended = false;
  #reset = false;
  #closed = false;
  #closedWrite = false;
  /** What was written and the other end has not read. */
  #unread = 0;
  /** Wakes the reads and writes that wait. */
  #changed = Promise.withResolvers<void>();

  constructor(link: MemoryLink, port: number) {
    this.#link = link;
    this.remoteAddr = { transport: "tcp", hostname: "127.0.0.1", port };
  }

  get closed(): boolean {
    return this.#closed;
  }

  async read(into: Uint8Array): Promise<number | null> {
    for (;;) {
      this.#check();
      const chunk = this.#arrived[0];
      if (chunk) return this.#take(chunk, into);
      if (this.#ended) return null;
      await this.#changed.promise;
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    for (;;) {
      this.#check();
      if (this.#closedWrite) throw new Deno.errors.BrokenPipe("Broken pipe");
      if (bytes.length === 0) return 0;
      const { capacity } = this.#link.options;
      const room = capacity - this.#unread;
      // Or it would soon be written byte by byte (RFC 1122, 4.2.3.4).
      if (room >= capacity / 2) {
        const size = this.#part(Math.min(room, bytes.length));
        this.#unread += size;
        this.#link.carry(this, bytes.slice(0, size));
        return size;
      }
      await this.#changed.promise;
    }
  }

  closeWrite(): Promise<void> {
    if (this.#closed || this.#reset) {
      return Promise.reject(new Deno.errors.NotConnected("Not connected"));
    }
    if (!this.#closedWrite) this.#link.carry(this, "end");
    this.#closedWrite = true;
    return Promise.resolve();
  }

  close(): void {
    if (this.#closed) throw new Deno.errors.BadResource("Bad resource");
    this.#closed = true;
    // Unread input turns a close into a reset (RFC 1122, 4.2.2.13).
    if (this.#arrived.length > 0) this.#link.carry(this, "reset");
    else if (!this.#closedWrite) this.#link.carry(this, "end");
    this.#arrived = [];
    this.#wake();
    this.#link.closed();
  }

  /** For the link: something has come. */
  arrive(parcel: Parcel): void {
    if (parcel === "reset") {
      this.#reset = true;
      this.#arrived = [];
    } else if (this.#closed || this.#reset) {
      if (parcel !== "end") this.#link.carry(this, "reset");
    } else if (parcel === "end") this.#ended = true;
    else this.#arrived.push(parcel);
    this.#wake();
  }

  #check(): void {
    if (this.#closed) throw new Deno.errors.Interrupted("Closed meanwhile");
    if (this.#reset) throw new Deno.errors.ConnectionReset("Reset by peer");
  }

  #take(chunk: Uint8Array<ArrayBuffer>, into: Uint8Array): number {
    const size = this.#part(Math.min(chunk.length, into.length));
    into.set(chunk.subarray(0, size));
    if (size === chunk.length) this.#arrived.shift();
    else this.#arrived[0] = chunk.subarray(size);
    this.#link.other(this).#wasRead(size);
    return size;
  }

  #wasRead(size: number): void {
    this.#unread -= size;
    this.#wake();
  }

  #part(size: number): number {
    const { random, slice } = this.#link.options;
    return slice ? 1 + Math.floor(random() * size) : size;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
