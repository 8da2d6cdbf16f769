import { CypherError } from "../../protocol/errors.ts";
import {
  type ExchangeContext,
  type ExchangeEnd,
  type Failed,
  GARBLED,
} from "./context.ts";
import { runHandler, type SegmentHandler } from "./handler.ts";

/** What a message is answered with, or how its exchange ends without that. */
export async function answer(
  context: ExchangeContext,
  message: Uint8Array,
  limit: number,
): Promise<Uint8Array | ExchangeEnd> {
  const { connection, inlet, settings: { handler } } = context;
  if (handler === undefined) return message;
  const over = new AbortController();
  const handling = handle(context, handler, message, over);
  // If the client goes first, what the handler throws concerns nobody.
  handling.catch(() => {});
  try {
    const payload = await Promise.race([handling, inlet.broken()]);
    if (payload === false) {
      over.abort(new CypherError("CLOSED", "The client is gone"));
      return connection.ended ? { kind: "left" } : GARBLED;
    }
    if (payload instanceof Uint8Array && payload.length <= limit) {
      return payload;
    }
    throw new CypherError(
      "UNSENDABLE",
      `A handler must give a Uint8Array of at most ${limit} bytes`,
    );
  } catch (error) {
    return connection.ended ? { kind: "left" } : failed(context, error);
  }
}

async function handle(
  { connection, stopped, settings: { clock, deadline } }: ExchangeContext,
  handler: SegmentHandler,
  message: Uint8Array,
  over: AbortController,
): Promise<Uint8Array> {
  const timer = clock.setTimeout(() => {
    const late = `The handler took over ${deadline} ms`;
    over.abort(new CypherError("DEADLINE", late));
  }, deadline);
  try {
    return await runHandler(handler, message, {
      connection: connection.id,
      address: connection.address,
      signal: AbortSignal.any([over.signal, stopped]),
    });
  } finally {
    clock.clearTimeout(timer);
  }
}

function failed(
  { connection, settings }: ExchangeContext,
  error: unknown,
): Failed {
  const { id, address } = connection;
  settings.onHandlerError(error, { connection: id, address });
  const late = error instanceof CypherError && error.code === "DEADLINE";
  return {
    kind: "failed",
    status: late ? "DEADLINE" : "HANDLER_FAILED",
    message: "The handler gave no answer",
    reason: "internal",
  };
}
