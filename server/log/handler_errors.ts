import { type Clock, systemClock } from "../../protocol/clock.ts";
import { checkFunction } from "../../protocol/options.ts";
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

/**
 * Returns what is told of handlers' errors, or what prints them when it was left
 * out. What a broken logger throws, or its promise rejects with, is dropped: it
 * must not cost a peer its answer, nor everybody the server.
 *
 * @throws {CypherError} `BAD_OPTION` if it is no function.
 */
export function checkOnHandlerError<I extends FailedRequest>(
  given: ((error: unknown, info: I) => unknown) | undefined,
): (error: unknown, info: I) => void {
  const tell = checkFunction("onHandlerError", given) ?? printHandlerErrors();
  return (error, info) => {
    try {
      const told = tell(error, info);
      if (told instanceof Promise) told.catch(() => {});
    } catch {
      // There is nobody else to tell.
    }
  };
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
