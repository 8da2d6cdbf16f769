/** Modules that never finish loading, at the start and later. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { CypherServer, Monitor } from "../../mod.ts";
import { checkServerOptions } from "../../server/options.ts";
import { Threads } from "../../server/threads/threads.ts";
import {
  errorOf,
  HeldTimers,
  serverKeys,
  SignalLog,
  until,
  within,
} from "../support/cypher.ts";
import type { Address } from "../support/fault_proxy.ts";
import { killThread, newSecret, ThreadPeer } from "../support/threads.ts";

const NEVER = new URL("data:text/javascript,await new Promise(() => {})");
/** The length of no other timer. */
const LOAD_TIMEOUT = 54_321;

/** Two threads whose module loads as often as it is permitted to. */
class LateThreads implements AsyncDisposable {
  readonly monitor = new Monitor();
  readonly signals = new SignalLog(this.monitor);
  /** Those that end a thread as it has not loaded. */
  readonly timers = new HeldTimers(LOAD_TIMEOUT);
  readonly handler: string;
  readonly threads: Threads;
  #permits = Deno.makeTempDirSync();
  /** Locked by each thread whose module never finishes loading. */
  #lock = Deno.makeTempFileSync();

  constructor(permits: number) {
    for (let i = 0; i < permits; i++) this.permit();
    const handler = new URL("../support/thread_late.ts", import.meta.url);
    handler.searchParams.set("permits", this.#permits);
    handler.searchParams.set("lock", this.#lock);
    this.handler = handler.href;
    const options = checkServerOptions({
      ...serverKeys,
      port: 0,
      threads: 2,
      loadTimeout: LOAD_TIMEOUT,
      monitor: this.monitor,
      handler,
    });
    const { clock } = this.timers;
    const failed = () => {};
    this.threads = new Threads({ ...options, handler, clock, failed });
  }

  get address(): Deno.NetAddr {
    return this.threads.address!;
  }

  /** The notices so far. */
  get codes(): string[] {
    return this.signals.of("notice").map(({ code }) => code);
  }

  permit(): void {
    Deno.makeTempFileSync({ dir: this.#permits });
  }

  /** Waits until a thread is loading, and will be for ever. */
  async loading(): Promise<void> {
    await until("a thread is loading", () => this.timers.waiting === 1);
    await until("it waits", () => this.#locked);
  }

  /** Ends a thread; gives the number of the one that is left. */
  async kill(): Promise<string> {
    using dying = await ThreadPeer.dial(this.address, newSecret());
    const fits = (thread: string) => thread !== dying.thread;
    using left = await ThreadPeer.dial(this.address, newSecret(), fits);
    await killThread(this, dying.thread);
    return left.thread;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within("a stop", this.threads.stop(0));
    assertEquals(this.timers.waiting, 0);
    assertEquals(this.monitor.listeners(), []);
    await until("no thread is left", () => !this.#locked);
    this.signals[Symbol.dispose]();
    Deno.removeSync(this.#permits, { recursive: true });
    Deno.removeSync(this.#lock);
  }

  get #locked(): boolean {
    using file = Deno.openSync(this.#lock, { write: true });
    return !file.tryLockSync(true);
  }
}

/** Whether anybody listens there. */
async function listens({ hostname, port }: Address): Promise<boolean> {
  try {
    (await Deno.connect({ hostname, port })).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("a module that never finishes loading fails the start", async () => {
  for (const threads of [1, 2]) {
    const server = new CypherServer({
      port: 0,
      ...serverKeys,
      threads,
      handler: NEVER,
      loadTimeout: 1,
    });
    const { code, message } = await errorOf(server.start());
    assertEquals(code, "BAD_OPTION");
    for (const said of [NEVER.href, "within 1 ms", "top level"]) {
      assertStringIncludes(message, said);
    }
    assertEquals(server.monitor.listeners(), []);
    await server.stop();
  }
});

/** Why a server of two threads with this for a module does not start. */
async function complaint(
  module: string,
  meanwhile: () => void = () => {},
): Promise<string> {
  const server = new CypherServer({
    port: 0,
    ...serverKeys,
    threads: 2,
    handler: new URL(`data:text/javascript,${encodeURIComponent(module)}`),
  });
  const started = errorOf(server.start());
  meanwhile();
  const { code, message } = await within("a failure", started);
  assertEquals(code, "BAD_OPTION");
  await server.stop();
  return message;
}

Deno.test("why a module failed is said, even to a thread that was busy", async () => {
  const path = await Deno.makeTempFile();
  // The lock is held for as long as the thread lives.
  const module = `
    const file = Deno.openSync(${JSON.stringify(path)}, { write: true });
    file.lockSync(true);
    file.writeSync(new Uint8Array(1));
    queueMicrotask(() => { throw new Error("no such sensor"); });
    await new Promise(() => {});
  `;
  const message = await complaint(module, () => {
    using file = Deno.openSync(path, { write: true });
    while (file.statSync().size === 0 || !file.tryLockSync(true));
  });
  assertStringIncludes(message, "no such sensor");
  await Deno.remove(path);
});

Deno.test("what a module threw leads to where it did, and to who started it", async () => {
  const folder = await Deno.makeTempDir();
  const files = {
    "top.ts": 'throw new Error("at the top", { cause: new Error("below") });',
    "deep.ts": 'import "./top.ts"; export default () => ({});',
    "word.ts": 'throw "a word";',
    "symbol.ts": 'throw Symbol("a word");',
  };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  async function inMyProgram(name: string): Promise<void> {
    await using server = new CypherServer({
      port: 0,
      ...serverKeys,
      threads: 2,
      handler: new URL(`file://${folder}/${name}`),
    });
    await server.start();
  }
  for (const name of ["top.ts", "deep.ts"]) {
    const { cause, message, stack } = await errorOf(inMyProgram(name));
    assertStringIncludes(message, `/${name}: at the top`);
    assert(cause instanceof Error);
    assertStringIncludes(cause.stack!, "Error: at the top\n");
    assertStringIncludes(cause.stack!, `file://${folder}/top.ts:1:7`);
    assert(cause.cause instanceof Error);
    assertStringIncludes(cause.cause.stack!, `/top.ts:1:`);
    assertMatch(stack!, /^CypherError: Cannot use the handler/);
    assertStringIncludes(stack!, "inMyProgram");
  }
  for (const name of ["word.ts", "symbol.ts"]) {
    const { cause, message } = await errorOf(inMyProgram(name));
    assertStringIncludes(message, "a word");
    assert(cause instanceof Error);
    assertStringIncludes(cause.message, "a word");
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a module that ends its own thread is told of", async () => {
  const message = await complaint("self.close(); await new Promise(() => {})");
  for (const said of ["data:text/javascript,", "self.close() or Deno.exit()"]) {
    assertStringIncludes(message, said);
  }
});

Deno.test("if it loads on one thread alone, that one is ended too", async () => {
  await using late = new LateThreads(1);
  const { threads, timers, handler } = late;
  const started = errorOf(threads.start());
  await until("one thread listens", () => threads.address !== undefined);
  await late.loading();
  timers.fire();
  const { code, message } = await started;
  assertEquals(code, "BAD_OPTION");
  assertStringIncludes(message, handler);
  assertEquals(await listens(late.address), false);
});

Deno.test("what has loaded in time is not ended later", async () => {
  await using late = new LateThreads(2);
  await late.threads.start();
  assertEquals(late.timers.waiting, 0);
});

Deno.test("a replacement that never finishes loading is told of, and another tried", async () => {
  await using late = new LateThreads(2);
  const { threads, timers, signals } = late;
  await threads.start();
  const left = await late.kill();
  for (let i = 0; i < 2; i++) {
    await late.loading();
    timers.fire();
  }
  await late.loading();
  // Told once, however many fail in a row.
  assertEquals(late.codes, ["THREAD_DIED", "THREAD_FAILED"]);
  assertStringIncludes(signals.of("notice")[1]!.message, late.handler);
  // The one that is being ended may still take one.
  for (let i = 0; i < 2; i++) late.permit();
  timers.fire();
  const fits = (thread: string) => thread !== left;
  using peer = await ThreadPeer.dial(late.address, newSecret(), fits);
  assertEquals((await peer.ask(1, { echo: 7 })).content.DATA.echo, 7);
});

Deno.test("a stop does not wait for a replacement that never finishes loading", async () => {
  await using late = new LateThreads(2);
  await late.threads.start();
  await late.kill();
  await late.loading();
  await within("a stop", late.threads.stop(0));
  assertEquals(late.codes, ["THREAD_DIED"]);
});
