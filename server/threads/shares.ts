import type { CheckedOptions } from "../options.ts";
import type { PlainOptions } from "./messages.ts";

/**
 * One thread's options: what is for the server as a whole is shared out, to
 * each the same part.
 */
export function shareOf(options: PlainOptions, threads: number): PlainOptions {
  const part = (whole: number) => Math.ceil(whole / threads);
  const { limits, answers } = options;
  return {
    ...options,
    limits: {
      ...limits,
      connections: part(limits.connections),
      unproven: part(limits.unproven),
      unprovenBytes: part(limits.unprovenBytes),
      handshakes: part(limits.handshakes),
      connectionsPerAddress: part(limits.connectionsPerAddress),
      requests: part(limits.requests),
    },
    answers: {
      ...answers,
      maxBytes: part(answers.maxBytes),
      clients: part(answers.clients),
    },
  };
}

/** The options without what cannot cross to another thread. */
export function plainOf(
  options: CheckedOptions & { readonly failed?: unknown },
): PlainOptions {
  const {
    handler: _handler,
    listen: _listen,
    idempotent: _idempotent,
    tracing: _tracing,
    monitor: _monitor,
    onHandlerError: _onHandlerError,
    clock: _clock,
    failed: _failed,
    ...plain
  } = options;
  return plain;
}
