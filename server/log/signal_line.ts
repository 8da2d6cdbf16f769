import type { Signal } from "../signals.ts";
import { quoted } from "./format.ts";
import type { LogLevel, LogLine } from "./line.ts";

/** How much a signal matters. */
export function levelOf(signal: Signal): LogLevel {
  switch (signal.kind) {
    case "request":
      return "debug";
    case "online":
    case "offline":
    case "timeout":
      return "info";
    case "limit":
      return "warn";
    case "failure":
      // A fault of the server's own.
      return signal.code === "INTERNAL" ? "error" : "warn";
    case "notice":
      return signal.code.endsWith("_FAILED") ? "error" : "warn";
  }
}

/** A signal as a line of a log. */
export function lineOf(signal: Signal): LogLine {
  // Its number means something to the monitor's other listeners alone.
  const { id: _, at, kind, connection, address, wire, ...facts } = signal;
  return {
    at,
    level: levelOf(signal),
    event: kind,
    fields: {
      // What no connection in particular is about may be about an address.
      ...(connection ? { connection, address, wire } : address && { address }),
      ...facts,
    },
    text: `${peerOf(signal)} ${describe(signal)}`.trim(),
  };
}

function peerOf({ address, name }: Signal): string {
  return name === undefined ? address : `${address} ${quoted(name)}`;
}

/** What a peer chose is quoted, so that it cannot forge what is around it. */
function describe(signal: Signal): string {
  switch (signal.kind) {
    case "online":
      return `on the ${signal.wire} wire`;
    case "offline":
      return `${signal.reason}, ${signal.requests} requests`;
    case "timeout":
      return `silent for ${signal.after} ms`;
    case "request": {
      const { status, latency, bytesIn, bytesOut } = signal;
      return `${requestOf(signal)} ${quoted(status)} in ${
        latency.toFixed(2)
      } ms, ${bytesIn} bytes in, ${bytesOut} out`;
    }
    case "failure": {
      const { code, message } = signal;
      const request = requestOf(signal);
      const of = request && ` on ${request}`;
      return `${quoted(code)}${of}: ${quoted(message)}`;
    }
    case "limit":
      return `${signal.limit} reached${
        signal.count > 1 ? `, ${signal.count} times` : ""
      }`;
    case "notice":
      return signal.message;
  }
}

/** What was asked; empty if nothing was. */
function requestOf(
  { operation = "", path = "" }: {
    readonly operation?: string | undefined;
    readonly path?: string | undefined;
  },
): string {
  const request = `${operation} ${path}`.trim();
  return request && quoted(request);
}
