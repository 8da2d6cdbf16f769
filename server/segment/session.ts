import { payloadLimit } from "../../protocol/segment/header.ts";
import type { Connection } from "../connection.ts";
import { exchange } from "./exchange.ts";
import { greet } from "./greeting.ts";
import { Inlet } from "./inlet.ts";
import type { SegmentServerSettings } from "./options.ts";
import type { TellStep } from "./steps.ts";

/** The wire's name, as the monitor shows it. */
export const WIRE = "segment";

/** How a session is served. */
export interface SessionOptions {
  readonly settings: SegmentServerSettings;
  readonly tell: TellStep;
  /** Aborts when the grace of a stop is over. */
  readonly stopped: AbortSignal;
}

/** Serves one connection: the handshake, then messages one by one. */
export async function serveSession(
  connection: Connection,
  { settings, tell, stopped }: SessionOptions,
): Promise<void> {
  const inlet = new Inlet(connection, {
    ...settings,
    limit: settings.bufferSize,
  });
  const agreed = await greet(connection, inlet, settings, tell);
  if (agreed === undefined) return;
  connection.online(WIRE);
  connection.active();
  const context = { connection, inlet, agreed, settings, tell, stopped };
  const limit = payloadLimit(agreed.version, agreed.bufferSize);
  while (!connection.ended) {
    const message = await inlet.message(limit);
    if (message === undefined || connection.ended) return;
    await exchange(context, message, limit);
  }
}
