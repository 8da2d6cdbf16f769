import { type Clock, systemClock } from "../../protocol/clock.ts";
import { faultLine } from "./fault_line.ts";
import { quoted } from "./format.ts";
import type { LogLine } from "./line.ts";
import { Log } from "./log.ts";

/** Which request it was whose handler failed, as far as its protocol tells. */
interface FailedRequest {
  readonly reference?: string;
  readonly path?: string;
  readonly operation?: string;
  readonly address?: string;
  readonly connection?: string;
}

/**
 * Prints what handlers throw on the standard error, for people. A peer may be
 * able to make a handler throw at will: over 100 a second they are counted.
 */
export function printHandlerErrors<I extends FailedRequest>(
  clock: Clock = systemClock,
): (error: unknown, info: I) => void {
  const log = new Log({
    format: "pretty",
    level: "error",
    write: print,
    clock,
  });
  return (error, info) => log.add("error", () => handlerLine(error, info));
}

/** What a handler threw, under the reference that its peer was given. */
export function handlerLine(error: unknown, info: FailedRequest): LogLine {
  const { reference, path, operation, address, connection } = info;
  const request = path === undefined
    ? undefined
    : quoted(`${operation} ${path}`);
  const text = [reference, request, address, connection]
    .filter((part) => part !== undefined).join(" ");
  return faultLine("handler", text, error, { ...info });
}

/** A line that a full disk takes no more is lost: the program goes on. */
function print(line: string): void {
  try {
    // deno-lint-ignore no-console
    console.error(line);
  } catch {
    // There is nowhere to say so.
  }
}
