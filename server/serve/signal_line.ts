import type { Signal } from "../signals.ts";

/**
 * A signal as a line of a log; undefined for those that would flood it. What a
 * peer chose is quoted, so that it cannot forge a line.
 */
export function signalLine(signal: Signal): string | undefined {
  const said = describe(signal);
  if (said === undefined) return undefined;
  const time = new Date(signal.at).toISOString();
  return `${time} ${signal.kind.padEnd(8)} ${said}`;
}

function describe(signal: Signal): string | undefined {
  const { address, name, wire } = signal;
  const peer = name === undefined
    ? address
    : `${address} ${JSON.stringify(name)}`;
  switch (signal.kind) {
    case "online":
      return `${peer} on the ${wire} wire`;
    case "offline":
      return `${peer} ${signal.reason}, ${signal.requests} requests`;
    case "timeout":
      return `${peer} silent for ${signal.after} ms`;
    case "failure": {
      const { operation = "", path = "", code, message } = signal;
      const request = `${operation} ${path}`.trim();
      const of = request && ` on ${JSON.stringify(request)}`;
      return `${peer} ${JSON.stringify(code)}${of}: ${JSON.stringify(message)}`;
    }
    case "limit":
      return `${peer} ${signal.limit} reached${
        signal.count > 1 ? `, ${signal.count} times` : ""
      }`.trim();
    case "notice":
      return signal.message;
    case "request":
      return undefined;
  }
}
