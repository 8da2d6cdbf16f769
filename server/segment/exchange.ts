import { dataBlock } from "../../protocol/segment/data.ts";
import { answer } from "./answer.ts";
import type { ExchangeContext, ExchangeEnd } from "./context.ts";
import { deliver } from "./deliver.ts";

/**
 * Sees one message through: it is answered, and the answer sent until it is
 * settled. The connection is over if that fails.
 */
export async function exchange(
  context: ExchangeContext,
  message: Uint8Array,
  limit: number,
): Promise<void> {
  const { connection, agreed, settings: { clock } } = context;
  const before = connection.info().bytesOut;
  const began = connection.requestBegins();
  let end: ExchangeEnd = tooLarge(limit);
  let latency = 0;
  if (message.length <= limit) {
    const payload = await answer(context, message, limit);
    // To the answer alone: the client's statuses take a round trip more.
    latency = clock.now() - began;
    end = payload instanceof Uint8Array
      ? await deliver(context, dataBlock(agreed, payload))
      : payload;
  }
  if (end.kind === "left") return connection.requestLeft();
  connection.requestEnds(clock.now() - latency, {
    path: "",
    operation: "DATA",
    status: end.kind === "failed" ? end.status : "OK",
    message: end.kind === "failed" ? end.message : "",
    repeated: false,
    bytesIn: message.length,
    bytesOut: connection.info().bytesOut - before,
  });
  if (end.kind === "failed") connection.end(end.reason);
  else if (connection.draining) connection.end("stopped");
}

function tooLarge(limit: number): ExchangeEnd {
  return {
    kind: "failed",
    status: "TOO_LARGE",
    message: `A message may have ${limit} bytes`,
    reason: "too-large",
  };
}
