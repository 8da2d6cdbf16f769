/**
 * What the tests over real sockets share: keys, servers, clients, a peer that
 * speaks the classic wire by hand from either end, and ways to wait. Run as a
 * program, this file is a peer in a process of its own, to be killed.
 */

import {
  type Clock,
  CypherClient,
  type CypherClientOptions,
  CypherError,
  CypherServer,
  type CypherServerOptions,
  type Handler,
  type JsonValue,
  type Monitor,
  type Signal,
  systemClock,
} from "../../mod.ts";
import { ClassicEnvelope } from "../../protocol/classic.ts";
import type { Address } from "./fault_proxy.ts";

/** The keys as one end uses them. */
export interface Keys {
  encryptionKey: string;
  decryptionKey: string;
}

const CLIENT_TO_SERVER = "client-to-server-key-of-32-chars";
const SERVER_TO_CLIENT = "server-to-client-key-of-32-chars";

export const clientKeys: Keys = {
  encryptionKey: CLIENT_TO_SERVER,
  decryptionKey: SERVER_TO_CLIENT,
};
export const serverKeys: Keys = {
  encryptionKey: SERVER_TO_CLIENT,
  decryptionKey: CLIENT_TO_SERVER,
};
export const equalKeys: Keys = {
  encryptionKey: CLIENT_TO_SERVER,
  decryptionKey: CLIENT_TO_SERVER,
};

/** A server that listens on a free port, on the classic wire alone. */
export async function startServer(
  handler: Handler,
  options: Partial<CypherServerOptions> = {},
): Promise<CypherServer> {
  const server = new CypherServer({
    port: 0,
    wires: ["classic"],
    ...serverKeys,
    handler,
    ...options,
  });
  await server.start();
  return server;
}

/** A classic client that dials again within a few milliseconds. */
export function makeClient(
  { hostname, port }: Address,
  options: Partial<CypherClientOptions> = {},
): CypherClient {
  return new CypherClient({
    hostname,
    port,
    wire: "classic",
    ...clientKeys,
    backoff: { first: 1, max: 5 },
    ...options,
  });
}

/** So long that only what never happens takes it. */
const NEVER = 30_000;

/** The promise's outcome; a failure instead of a hang if it has none. */
export async function within<T>(
  what: string,
  promise: PromiseLike<T>,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`This never happened: ${what}`)),
      NEVER,
    );
  });
  try {
    return await Promise.race([promise, never]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves once the condition holds. */
export async function until(
  what: string,
  condition: () => boolean,
): Promise<void> {
  const end = performance.now() + NEVER;
  while (!condition()) {
    if (performance.now() > end) {
      throw new Error(`This never happened: ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The `code` that a promise rejects with; fails if it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  return (await errorOf(promise)).code;
}

/** The error that a promise rejects with; fails if it does not. */
export async function errorOf(promise: Promise<unknown>): Promise<CypherError> {
  let answer: unknown;
  try {
    answer = await within("a rejection", promise);
  } catch (error) {
    if (error instanceof CypherError) return error;
    throw error;
  }
  throw new Error(`Expected a rejection, got ${JSON.stringify(answer)}`);
}

/** Keeps what a monitor tells, from now on. */
export class SignalLog implements Disposable {
  readonly all: Signal[] = [];
  readonly #end: () => void;

  constructor(monitor: Monitor) {
    this.#end = monitor.listen((signal) => this.all.push(signal));
  }

  of<K extends Signal["kind"]>(kind: K): Extract<Signal, { kind: K }>[] {
    return this.all.filter((one) => one.kind === kind) as Extract<
      Signal,
      { kind: K }
    >[];
  }

  /** Waits for so many signals of a kind, and returns those there are. */
  async wait<K extends Signal["kind"]>(
    kind: K,
    count = 1,
  ): Promise<Extract<Signal, { kind: K }>[]> {
    await until(`${count} x ${kind}`, () => this.of(kind).length >= count);
    return this.of(kind);
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}

/** The machine's clock, but timers of one length wait for the test. */
export class HeldTimers {
  readonly clock: Clock;
  readonly #held = new Map<object, () => void>();

  /** `delay` is the length, one that nothing else uses. */
  constructor(readonly delay: number) {
    this.clock = {
      ...systemClock,
      setTimeout: (callback, after) => {
        if (after !== delay) return systemClock.setTimeout(callback, after);
        const timer = {};
        this.#held.set(timer, callback);
        return timer;
      },
      clearTimeout: (timer) => {
        if (typeof timer === "object" && this.#held.delete(timer)) return;
        systemClock.clearTimeout(timer);
      },
    };
  }

  /** How many wait. */
  get waiting(): number {
    return this.#held.size;
  }

  /** Their time has come. */
  fire(): void {
    for (const [timer, callback] of this.#held) {
      this.#held.delete(timer);
      callback();
    }
  }
}

/** One end of the classic wire, byte by byte. */
export class Wire implements Disposable {
  readonly socket: Deno.TcpConn;
  readonly #envelope: ClassicEnvelope;
  #received = new Uint8Array(0);
  #closed = false;

  constructor(
    socket: Deno.TcpConn,
    role: "client" | "server",
    keys: Keys = role === "client" ? clientKeys : serverKeys,
  ) {
    socket.setNoDelay(true);
    this.socket = socket;
    this.#envelope = new ClassicEnvelope({
      role,
      ...keys,
      maxAge: Infinity,
      clock: systemClock,
    });
  }

  /** A peer that behaves as a client, on a connection of its own. */
  static async dial(
    { hostname, port }: Address,
    keys: Keys = clientKeys,
  ): Promise<Wire> {
    return new Wire(await Deno.connect({ hostname, port }), "client", keys);
  }

  /** A token with its NUL. Text and bytes are sealed as they are. */
  async seal(
    message: JsonValue | Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const plain = message instanceof Uint8Array
      ? message
      : new TextEncoder().encode(
        typeof message === "string" ? message : JSON.stringify(message),
      );
    return (await this.#envelope.seal(plain)).slice();
  }

  /** Writes every byte. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += await this.socket.write(bytes.subarray(at));
    }
  }

  /** The next token, without its NUL; null at the end of the stream. */
  async token(): Promise<Uint8Array<ArrayBuffer> | null> {
    const parts = [this.#received];
    for (let last = this.#received; !last.includes(0);) {
      const buffer = new Uint8Array(65_536);
      const size = await within("a token", this.socket.read(buffer));
      if (size === null) return null;
      parts.push(last = buffer.subarray(0, size));
    }
    const all = concat(parts);
    const end = all.indexOf(0);
    this.#received = all.slice(end + 1);
    return all.slice(0, end);
  }

  /** What the next token holds; fails at the end of the stream. */
  async receive(): Promise<JsonValue> {
    const token = await this.token();
    if (token === null) throw new Error("The peer closed the connection");
    return JSON.parse(await this.open(token));
  }

  /** What a token of the other end's making holds. */
  async open(token: Uint8Array): Promise<string> {
    const { plain } = await this.#envelope.open(token);
    return new TextDecoder().decode(plain);
  }

  /** Sends a message and returns the answer. */
  async ask(message: JsonValue): Promise<JsonValue> {
    await this.send(await this.seal(message));
    return await this.receive();
  }

  /** Reads on to the end; how many bytes came, and how it ended. */
  async end(): Promise<{ bytes: number; how: "closed" | "reset" }> {
    let bytes = this.#received.length;
    const buffer = new Uint8Array(65_536);
    for (;;) {
      try {
        const size = await within("the end", this.socket.read(buffer));
        if (size === null) return { bytes, how: "closed" };
        bytes += size;
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
        return { bytes, how: "reset" };
      }
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.socket.close();
    this.#envelope[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** A server played by hand: its connections are taken one by one. */
export class HandServer implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly address: Address = this.#listener.addr;
  readonly #keys: Keys;
  readonly #wires: Wire[] = [];

  constructor(keys: Keys = serverKeys) {
    this.#keys = keys;
  }

  /** The next connection that somebody opens. */
  async accept(): Promise<Wire> {
    const socket = await within("a connection", this.#listener.accept());
    const wire = new Wire(socket, "server", this.#keys);
    this.#wires.push(wire);
    return wire;
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const wire of this.#wires) wire.close();
    this.#listener.close();
    return Promise.resolve();
  }
}

export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Something that a test opens once. */
export class Gate {
  readonly #opened = Promise.withResolvers<void>();

  /** Resolves once it is open. */
  get passed(): Promise<void> {
    return within("a gate's opening", this.#opened.promise);
  }

  open(): void {
    this.#opened.resolve();
  }
}

/** How often each thing was done. */
export class Effects<K> {
  readonly counts = new Map<K, number>();

  add(key: K): void {
    this.counts.set(key, this.of(key) + 1);
  }

  of(key: K): number {
    return this.counts.get(key) ?? 0;
  }

  get total(): number {
    return this.counts.values().reduce((sum, count) => sum + count, 0);
  }
}

/**
 * Random numbers from 0 up to 1 that a seed decides: `CYPHER_SEED`, or a new
 * one, which a failing test is to print.
 */
export function seeded(): { seed: number; random: () => number } {
  const seed = Number(Deno.env.get("CYPHER_SEED") ?? Date.now() % 2 ** 31);
  return { seed, random: randomFrom(seed) };
}

/** Random numbers from 0 up to 1, the same ones for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  // mulberry32, by Tommy Ettinger; public domain.
  return () => {
    state = (state + 0x6D2B79F5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A peer in a process of its own, which `kill` ends at once, by SIGKILL. */
export interface Child extends AsyncDisposable {
  /** Where it listens, if it is a server. */
  readonly port: number;
  kill(): void;
}

/** A server that echoes DATA, in another process. */
export function startChildServer(): Promise<Child> {
  return startChild("server");
}

/** A client that has had one answer and stays connected, in another process. */
export function startChildClient({ port }: Address): Promise<Child> {
  return startChild("client", String(port));
}

async function startChild(...args: string[]): Promise<Child> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", "--quiet", import.meta.url, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = child.stdout.getReader();
  const end = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await child.status;
    await output.cancel();
    await child.stdin.abort().catch(() => {});
  };
  try {
    const { value } = await within("the child's start", output.read());
    return {
      port: Number(new TextDecoder().decode(value)),
      kill: () => child.kill("SIGKILL"),
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

if (import.meta.main) {
  const [role, port] = Deno.args;
  let ready = 0;
  if (role === "server") {
    ready = (await startServer(({ data }) => ({ data }))).address.port;
  } else {
    const address = { hostname: "127.0.0.1", port: Number(port) };
    await makeClient(address).request({ path: "/READY" });
  }
  await Deno.stdout.write(new TextEncoder().encode(`${ready}\n`));
  // Whoever started this ends it: by a signal, or by ending itself.
  await Deno.stdin.readable.pipeTo(new WritableStream());
  Deno.exit(0);
}
