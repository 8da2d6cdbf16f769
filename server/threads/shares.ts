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
