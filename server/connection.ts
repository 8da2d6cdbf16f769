import type { Clock } from "../protocol/clock.ts";
import { Deadline } from "../protocol/deadline.ts";
import { lossOf, type Transport } from "../protocol/transport.ts";
import {
  ConnectionSignals,
  type RequestOutcome,
} from "./connection_signals.ts";
import { MessageDeadline, type MessagePace } from "./message_deadline.ts";
import type { ConnectionInfo, ConnectionState, Monitor } from "./monitor.ts";
import { Tally } from "./tally.ts";
import type { Stranger, Unproven } from "./unproven.ts";
import type { OfflineReason } from "./signals.ts";

/** How long a closing connection waits for the peer to close as well, in ms. */
const LINGER = 1_000;
/** What an idle connection reads into: most requests fit, 10,000 make 10 MB. */
const IDLE_BUFFER = 1_024;

/** How a {@linkcode Connection} is made. */
export interface ConnectionOptions {
  transport: Transport;
  monitor: Monitor;
  clock: Clock;
  /** The peer's address and port. */
  address: string;
  /** The longest time without a request, in ms. */
  timeout: number;
  /** Where it counts until it is proven. */
  unproven: Unproven;
  /** How fast a message has to arrive; default at any pace. */
  pace?: MessagePace | undefined;
  /** Told when the peer has sent something that does not open. */
  onUnopened?: (() => void) | undefined;
}

/**
 * One peer: its socket, its state and its deadlines. Reads and writes never
 * throw; when the peer is gone, reads give null and {@linkcode Connection.ended}
 * is true.
 */
export class Connection implements Stranger {
  /** Unique within the monitor. */
  readonly id: string;
  /** The peer's address and port. */
  readonly address: string;
  /** Which of the server's pairs of keys the peer uses, once that is known. */
  generation: number | undefined;
  #transport: Transport;
  #monitor: Monitor;
  #signals: ConnectionSignals;
  #unproven: Unproven;
  #proven = false;
  #message: MessageDeadline;
  #onUnopened: () => void;
  #deadline: Deadline;
  #timeout: number;
  /** What the deadline that is running allows, and what it ends in. */
  #allowed: number;
  #overdue: OfflineReason = "timeout";
  #exceeded: string | undefined;
  #state: ConnectionState = { kind: "handshake" };
  /** Those who wait for something else, or for the end. */
  #waiting: Set<() => void> | undefined;
  #buffer: Uint8Array | undefined;
  /** The read begun last; null where none was. */
  #reading: Promise<Uint8Array | null> = Promise.resolve(null);
  #writing = false;
  /** Whether anything was written that a rude close could take back. */
  #answered = false;
  #clock: Clock;
  #tally: Tally;
  #roundTrip: number | undefined;

  /** Takes over a transport that was just accepted. */
  constructor(
    {
      transport,
      monitor,
      clock,
      address,
      timeout,
      unproven,
      pace = { timeout: Infinity, rate: 1 },
      onUnopened = () => {},
    }: ConnectionOptions,
  ) {
    this.id = monitor.nextId();
    this.address = address;
    this.#transport = transport;
    this.#monitor = monitor;
    this.#signals = new ConnectionSignals(monitor, this.id, address);
    this.#clock = clock;
    this.#tally = new Tally(clock);
    this.#timeout = this.#allowed = timeout;
    this.#deadline = new Deadline(clock, () => this.#expired());
    this.#deadline.set(timeout);
    monitor.add(this);
    this.#message = new MessageDeadline(clock, pace, () => this.#slow());
    this.#onUnopened = onUnopened;
    this.#unproven = unproven;
    unproven.add(this);
  }

  /** Whether it is over: nothing is to be answered any more. */
  get ended(): boolean {
    return this.#state.kind === "closed";
  }

  /**
   * What comes of something; undefined if this is over before that. A
   * `Promise.race` with the end would keep each outcome until then.
   */
  unlessEnded<T>(something: Promise<T>): Promise<T | undefined> {
    if (this.ended) return Promise.resolve(undefined);
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    const over = () => resolve(undefined);
    const waiting = this.#waiting ??= new Set();
    waiting.add(over);
    something.then(resolve, reject).then(() => waiting.delete(over));
    return promise;
  }

  /** Whether it is to end after the requests in progress. */
  get draining(): boolean {
    return this.#state.kind === "draining";
  }

  /** Its present state and counts. */
  info(): ConnectionInfo {
    return {
      id: this.id,
      address: this.address,
      name: this.#signals.name,
      wire: this.#signals.wire,
      state: this.#state,
      timeout: this.#timeout,
      ...this.#tally.counts(),
      roundTrip: this.#roundTrip,
      generation: this.generation,
    };
  }

  /**
   * Its wire is known: the peer is online. Unless `proven` is false it is not
   * closed any more to make room for others. Nothing happens if it is over:
   * nobody would tell that it is offline again.
   */
  online(wire: string, name?: string, proven = true): void {
    if (this.ended) return;
    if (proven) this.prove();
    if (this.#state.kind === "handshake") this.#state = { kind: "open" };
    this.#signals.online(wire, name);
  }

  /** The peer has shown that it holds the keys. */
  prove(): void {
    if (this.#proven) return;
    this.#proven = true;
    this.#unproven.remove(this);
  }

  /**
   * So many bytes are kept of a message that is not complete; `finished` if
   * what was read last has completed one before it. They count while the peer
   * is unproven, and the rest of the message has to come in time.
   */
  hold(bytes: number, finished = false): void {
    if (!this.#proven) this.#unproven.hold(this, bytes);
    if (this.ended) return;
    this.#message.left(bytes > 0, finished);
    // A large message on a slow line may take longer than the timeout.
    const idle = this.#overdue === "timeout" && this.#tally.inProgress === 0;
    if (bytes > 0 && idle) this.allow(this.#timeout);
  }

  /** A limit was hit, by what the peer does; none if there is none. */
  limit(limit: string | undefined): void {
    if (limit !== undefined) this.#signals.limit(limit);
  }

  /** Called before it is closed to make room for others: a last word. */
  onCrowdOut: () => void = () => {};

  /** Closes it for a fault of ours, which costs it, and never the server. */
  fault(error: unknown): void {
    this.failure("INTERNAL", String(error));
    this.close("internal");
  }

  /** Closes it to make room for others. */
  crowdOut(limit: string): void {
    this.limit(limit);
    this.onCrowdOut();
    this.close("crowded-out");
  }

  /** Who the peer says it is, where that is known later. */
  set name(name: string) {
    this.#signals.name = name;
  }

  /**
   * Called when it is to end after the requests in progress. A wire with a
   * goodbye of its own puts its own here, and calls {@linkcode end} after it.
   */
  onDrain: () => void = () => {
    if (this.#tally.inProgress === 0 && !this.#writing) this.end("stopped");
  };

  /** How long the peer took to answer a ping, in ms. */
  set roundTrip(time: number) {
    this.#roundTrip = time;
  }

  /** From now on, how long it may go without a request, in ms. */
  set timeout(timeout: number) {
    this.#timeout = timeout;
    if (this.#tally.inProgress === 0) this.allow(timeout);
  }

  /**
   * Gives the peer `delay` ms, from now, to do what is due. If it does not, it
   * is closed for `reason`, and over `limit` if one is named. Whatever is
   * allowed later replaces this.
   */
  allow(
    delay: number,
    reason: OfflineReason = "timeout",
    limit?: string,
  ): void {
    if (this.ended) return;
    this.#allowed = delay;
    this.#overdue = reason;
    this.#exceeded = limit;
    this.#deadline.set(delay);
  }

  /** The peer gave a sign of life that is no request. */
  active(): void {
    this.#tally.active();
    this.allow(this.#timeout);
  }

  /**
   * Reads what has come, at most `size` bytes; null once the peer is gone. The
   * bytes are good until the next read.
   */
  read(size: number = IDLE_BUFFER): Promise<Uint8Array | null> {
    return this.#reading = this.#read(size);
  }

  async #read(size: number): Promise<Uint8Array | null> {
    if (this.#buffer?.length !== size) this.#buffer = new Uint8Array(size);
    const buffer = this.#buffer;
    this.#message.wait();
    try {
      const count = await this.#transport.read(buffer);
      if (count !== null) {
        this.#tally.bytesIn += count;
        this.#message.came(count);
        return buffer.subarray(0, count);
      }
      this.#close("peer-closed");
    } catch (error) {
      this.#close(lossOf(error));
    }
    return null;
  }

  /**
   * Writes all of `bytes`, unless the peer goes before that; calls `progress`
   * whenever it has taken some and there is more.
   */
  async write(bytes: Uint8Array, progress?: () => void): Promise<void> {
    this.#writing = true;
    try {
      await this.#transport.write(bytes, progress);
      this.#tally.bytesOut += bytes.length;
      this.#answered = true;
    } catch (error) {
      this.close(lossOf(error));
    }
    this.#writing = false;
  }

  /**
   * A request is being worked on; there is no timeout meanwhile. Gives the
   * clock's time, for {@linkcode requestEnds}.
   */
  requestBegins(): number {
    this.#deadline.clear();
    return this.#tally.requestBegins();
  }

  /** A request's work is over; `began` is the clock's time when it began. */
  requestEnds(began: number, outcome: RequestOutcome): void {
    const latency = this.#tally.requestEnds(began);
    if (this.#tally.inProgress === 0) this.allow(this.#timeout);
    if (outcome.status !== "OK") {
      const { status, message, path, operation } = outcome;
      this.failure(status, message, { path, operation });
    }
    this.#signals.request(outcome, latency);
  }

  /** A request's work goes on without this connection. */
  requestLeft(): void {
    this.#tally.requestLeft();
  }

  /** Something went wrong with a request, or with what should have been one. */
  failure(
    code: string,
    message: string,
    request: { path?: string; operation?: string } = {},
  ): void {
    this.#tally.failures++;
    this.#signals.failure(code, message, request);
  }

  /** What the peer sent does not open: told, and held against its address. */
  unopened(code: string, message: string): void {
    this.failure(code, message);
    this.#onUnopened();
  }

  /**
   * Ends it after the requests in progress and what is being written; `until`
   * in ms since the epoch.
   */
  drain(until: number): void {
    if (this.ended) return;
    this.#state = { kind: "draining", until };
    this.onDrain();
  }

  /**
   * Ends it politely: what was written still arrives. Input that comes within
   * a second is read and dropped, as closing with unread input would reset the
   * connection and take an answer on its way with it.
   */
  end(reason: OfflineReason): void {
    if (this.ended || !this.#answered) return this.close(reason);
    this.#close(reason);
    this.#deadline.set(LINGER);
    this.#transport.closeWrite().catch(() => this.#transport.close());
  }

  /** Ends it at once. */
  close(reason: OfflineReason): void {
    this.#close(reason);
    this.#transport.close();
  }

  /** After the wire is done with it: sees the end through, frees everything. */
  async release(): Promise<void> {
    while (await this.#reading !== null) this.read();
    this.#deadline.stop();
    this.#transport.close();
    this.#monitor.remove(this);
    this.#unproven.remove(this);
  }

  #close(reason: OfflineReason): void {
    if (this.#state.kind === "closed") return;
    this.#state = { kind: "closed", reason, at: this.#clock.wall() };
    this.#deadline.clear();
    this.#message.stop();
    for (const over of this.#waiting ?? []) over();
    this.#signals.offline(reason, this.#tally);
  }

  #expired(): void {
    if (this.ended) return this.#transport.close();
    if (this.#writing) return this.close("slow-reader");
    this.#signals.timeout(this.#allowed);
    this.limit(this.#exceeded);
    this.close(this.#overdue);
  }

  #slow(): void {
    if (this.ended) return;
    this.limit("messageTimeout");
    this.close("slow-sender");
  }
}
