/**
 * One thread of a server: started by the main one, and told everything by it
 * through a port.
 *
 * @module
 */
import { systemClock } from "../../protocol/clock.ts";
import { CypherError } from "../../protocol/errors.ts";
import { checkTracing, type Tracing } from "../../protocol/tracing.ts";
import { CypherCore } from "../cypher_core.ts";
import type { Handler, HandlerErrorInfo } from "../handler.ts";
import { cautious } from "../idempotent.ts";
import { MOST_CAUSES, textOf } from "../log/fault_line.ts";
import { checkOnHandlerError } from "../log/handler_errors.ts";
import type { CypherServerOptions } from "../options.ts";
import { listenOn } from "../tls_listener.ts";
import { badHandler } from "./bad_handler.ts";
import type { FromThread, Init, ToThread } from "./messages.ts";
import { Notes } from "./notes.ts";
import { Others } from "./others.ts";
import { Reporter } from "./reporter.ts";
import { SharedIdentities } from "./shared_identities.ts";

globalThis.addEventListener(
  "message",
  (event) => serve((event as MessageEvent<Init>).data),
  { once: true },
);

async function serve(init: Init): Promise<void> {
  const { port } = init;
  const tell = (message: FromThread) => port.postMessage(message);
  try {
    await new Thread(init, tell, await importHandler(init.handler)).start();
  } catch (error) {
    tell({
      kind: "failed",
      code: error instanceof CypherError && error.code === "LISTEN_FAILED"
        ? error.code
        : "BAD_OPTION",
      message: error instanceof Error ? error.message : String(error),
      cause: error instanceof Error && error.cause !== undefined
        ? cloneable(error.cause)
        : undefined,
    });
  }
}

/** What a handler's module exports. */
interface HandlerModule {
  readonly handler: Handler;
  readonly idempotent: CypherServerOptions["idempotent"];
  readonly tracing: Tracing | undefined;
}

async function importHandler(url: string): Promise<HandlerModule> {
  let module: Record<string, unknown>;
  try {
    module = await import(url);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : textOf(cause);
    throw badHandler(url, problem, { cause });
  }
  const { default: handler = module["handler"], idempotent, tracing } = module;
  if (typeof handler !== "function") {
    throw badHandler(url, "neither default nor handler is a function in it");
  }
  if (idempotent !== undefined && typeof idempotent !== "function") {
    throw badHandler(url, "its idempotent is no function");
  }
  return {
    handler: handler as Handler,
    idempotent: idempotent as HandlerModule["idempotent"],
    tracing: checkTracing(tracing as Tracing | undefined),
  };
}

class Thread {
  #tell: (message: FromThread) => void;
  #core: CypherCore;
  #others: Others;
  #notes: Notes | undefined;
  #monitor: Reporter;
  #port: MessagePort;

  constructor(
    init: Init,
    tell: (message: FromThread) => void,
    { handler, idempotent, tracing }: HandlerModule,
  ) {
    const { options, memory, prefix } = init;
    this.#port = init.port;
    this.#tell = tell;
    const identities = new SharedIdentities(
      memory.identities,
      options.answers.tokens,
      init.thread,
    );
    this.#others = new Others(tell, memory, identities);
    this.#notes = options.journal ? new Notes(tell) : undefined;
    this.#monitor = new Reporter({ prefix, control: memory.control, tell });
    this.#core = new CypherCore({
      ...options,
      handler,
      idempotent: cautious(idempotent),
      tracing,
      listen: listenOn(options.tls, init.reusePort),
      clock: systemClock,
      monitor: this.#monitor,
      onHandlerError: checkOnHandlerError((error, info: HandlerErrorInfo) =>
        tell({ kind: "handlerError", error: cloneable(error), info })
      ),
      serverId: init.serverId,
      identities,
      journalling: this.#notes,
      elsewhere: this.#others,
      onBan: (origin, time) => tell({ kind: "ban", origin, time }),
    });
    for (const told of [...init.keyChanges, ...init.bans]) this.#hear(told);
  }

  start(): void {
    this.#port.onmessage = ({ data }) => this.#hear(data);
    this.#core.start();
    this.#tell({ kind: "up", address: this.#core.address! });
  }

  #hear(message: ToThread): void {
    const { clients } = this.#core;
    switch (message.kind) {
      case "taken":
        return this.#others.taken(message, clients);
      case "give": {
        const { client } = message;
        const handover = clients.give(client);
        // What it noted last comes before what its next thread will note.
        this.#notes?.flush();
        return this.#tell({ kind: "given", client, handover });
      }
      case "ended":
        return clients.endedElsewhere(
          message.client,
          message.id,
          message.ending,
        );
      case "cancel":
        return clients.cancelHere(message.client, message.id);
      case "safe":
        return this.#notes?.safe(message.batch);
      case "told":
        return this.#others.told(message);
      case "asked":
        return void this.#reply(message.question, message.serial);
      case "addKeys":
        return void this.#core.addKeys(message.keys);
      case "withdrawKeys":
        return this.#core.withdrawKeys(message.generation);
      case "ban":
        return this.#core.ban(message.origin, message.time);
      case "disconnect":
        return this.#monitor.close(message.connection, message.reason);
      case "stop":
        return void this.#stop(message.grace);
    }
  }

  async #reply(question: number, serial: number): Promise<void> {
    const outcome = await this.#core.answers.outcomeOf(serial);
    this.#tell({ kind: "reply", question, outcome });
  }

  async #stop(grace: number): Promise<void> {
    await this.#core.stop(grace);
    this.#monitor.stop();
    this.#tell({ kind: "stopped" });
  }
}

/**
 * What a handler or its module threw, in the form that every error can cross
 * threads in.
 */
function cloneable(error: unknown, causes = MOST_CAUSES): Error {
  if (!(error instanceof Error)) {
    const said = new Error(textOf(error));
    // It was not thrown here, as a stack would say.
    said.stack = said.message;
    return said;
  }
  const { name, message, stack, cause } = error;
  const copy = new Error(message);
  copy.name = name;
  if (stack !== undefined) copy.stack = stack;
  if (cause !== undefined && causes > 0) {
    copy.cause = cloneable(cause, causes - 1);
  }
  return copy;
}
