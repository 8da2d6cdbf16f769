import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { Clock, Timer } from "../../protocol/clock.ts";
import { CypherError } from "../../protocol/errors.ts";
import { badHandler } from "./bad_handler.ts";
import type { FromThread, Init, ToThread } from "./messages.ts";

/**
 * How long to wait, in ms, for the error of a thread that ended at its start:
 * if this thread was busy meanwhile, that comes after the end itself, and after
 * a thread that ended itself none ever comes.
 */
const LAST_WORDS = 500;

/** How a {@linkcode Thread} is made. */
export interface ThreadOptions {
  init: Omit<Init, "port">;
  clock: Clock;
  /** Told everything that it tells, until its very end. */
  hear: (message: FromThread) => void;
  /**
   * It is dead, and everything that it told was heard; `stuck`: it was given
   * up, as it did not stop.
   */
  died: (stuck: boolean) => void;
}

/** What a thread has come to. */
type ThreadState =
  | {
    readonly kind: "starting";
    readonly up: PromiseWithResolvers<Deno.NetAddr>;
    /** Ends it if it is not up in time. */
    readonly timer: Timer | undefined;
  }
  | { readonly kind: "up" }
  | { readonly kind: "dead" };

/** One of the server's threads, as the main one sees it. */
export class Thread {
  /** When it was made, in ms on the clock of `performance`. */
  readonly since: number = performance.now();
  /** Where it listens; rejects if it cannot. */
  readonly up: Promise<Deno.NetAddr>;
  /** Resolves once it has stopped, or is dead. */
  readonly over: Promise<void>;
  #state: ThreadState;
  #worker: Worker;
  // Node's, as that tells when its other end is gone: a worker that closes
  // itself tells nobody.
  #port: MessagePort;
  #over = Promise.withResolvers<void>();
  #options: ThreadOptions;

  constructor(options: ThreadOptions) {
    this.#options = options;
    const up = Promise.withResolvers<Deno.NetAddr>();
    this.up = up.promise;
    this.over = this.#over.promise;
    this.#state = { kind: "starting", up, timer: this.#allow() };
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), {
      type: "module",
    });
    this.#worker.onerror = (event) => {
      // Not an error of this thread's: it lives on.
      event.preventDefault();
      this.#failed(new CypherError("BAD_OPTION", event.message));
    };
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on("message", (message: FromThread) => this.#hear(message));
    port1.on("close", () => this.#died());
    const port = port2 as unknown as Init["port"];
    this.#worker.postMessage({ ...options.init, port }, [port]);
  }

  /** Whether it can be told anything. */
  get alive(): boolean {
    return this.#state.kind !== "dead";
  }

  /** Whether it listens. */
  get listens(): boolean {
    return this.#state.kind === "up";
  }

  tell(message: ToThread): void {
    if (this.alive) this.#port.postMessage(message);
  }

  /** Ends it, if it has not; nothing is heard of it any more. */
  end(): void {
    if (this.#state.kind === "starting") {
      this.#state.up.reject(
        new CypherError("CLOSED", "The server was stopped"),
      );
      this.#clear(this.#state.timer);
    }
    this.#state = { kind: "dead" };
    this.#port.close();
    this.#worker.terminate();
    this.#over.resolve();
  }

  /** Ends it, as it does not end by itself. */
  giveUp(): void {
    this.end();
    this.#options.died(true);
  }

  #hear(message: FromThread): void {
    switch (message.kind) {
      case "up":
        if (this.#state.kind !== "starting") return;
        this.#state.up.resolve(message.address);
        this.#clear(this.#state.timer);
        this.#state = { kind: "up" };
        return;
      case "failed":
        return this.#failed(failureOf(message));
      case "stopped":
        return this.#over.resolve();
      default:
        this.#options.hear(message);
    }
  }

  /** A module that waits at its top level for ever neither loads nor fails. */
  #allow(): Timer | undefined {
    const { clock, init } = this.#options;
    const { loadTimeout } = init.options;
    if (loadTimeout === Infinity) return undefined;
    return clock.setTimeout(() => this.#late(), loadTimeout);
  }

  #clear(timer: Timer | undefined): void {
    if (timer !== undefined) this.#options.clock.clearTimeout(timer);
  }

  #late(): void {
    const { handler, options } = this.#options.init;
    this.#failed(badHandler(
      handler,
      `it has not finished loading within ${options.loadTimeout} ms. Perhaps ` +
        "it awaits something at its top level that never comes; if it only " +
        "takes long, raise loadTimeout",
    ));
  }

  #ended(): void {
    this.#failed(badHandler(
      this.#options.init.handler,
      "the thread ended while it was loading, without an error. Perhaps it " +
        "calls self.close() or Deno.exit()",
    ));
  }

  #failed(error: CypherError): void {
    if (this.#state.kind !== "starting") return;
    this.#state.up.reject(error);
    this.end();
  }

  #died(): void {
    if (!this.alive) return;
    if (this.#state.kind === "starting") {
      this.#clear(this.#state.timer);
      const { clock } = this.#options;
      const timer = clock.setTimeout(() => this.#ended(), LAST_WORDS);
      this.#state = { ...this.#state, timer };
      return;
    }
    this.end();
    this.#options.died(false);
  }
}

function failureOf(
  { code, message, cause }: FromThread & { kind: "failed" },
): CypherError {
  return new CypherError(code, message, cause && { cause });
}
