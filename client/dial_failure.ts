import type { ClientOfflineReason } from "./signals.ts";

/** The reasons to be offline that a dial can have. */
export type DialFailureReason = Extract<
  ClientOfflineReason,
  "refused" | "timeout" | "unreachable" | "unresolved-name"
>;

/** By the system's code, which is in Deno's errors. */
const BY_CODE: Readonly<Record<string, DialFailureReason>> = {
  EHOSTDOWN: "unreachable",
  EHOSTUNREACH: "unreachable",
  ENETDOWN: "unreachable",
  ENETUNREACH: "unreachable",
  ETIMEDOUT: "timeout",
};

/** What Deno 2.9.6 puts before the system's words, except on Windows. */
const LOOKUP = "failed to lookup address information: ";
/** The others that say it: Windows' (WSAHOST_NOT_FOUND and on), and Deno's. */
const UNRESOLVED = /\(os error 1100[1-4]\)|^No resolved address found/;

/** Why a dial brought no connection. */
export class DialFailure {
  readonly cause: Error;
  readonly reason: DialFailureReason;
  /** The same, for people. */
  readonly why: string;

  /** `timeout`: after so many ms it was given up. */
  constructor(cause: unknown, timeout?: number) {
    this.cause = cause instanceof Error ? cause : new Error(String(cause));
    const { message } = this.cause;
    if (timeout !== undefined) {
      this.reason = "timeout";
      this.why = `no answer within ${timeout} ms`;
    } else if (isUnresolved(this.cause)) {
      this.reason = "unresolved-name";
      this.why = `the hostname does not resolve: ${
        message.replace(LOOKUP, "")
      }`;
    } else {
      const { code } = this.cause as { code?: unknown };
      this.reason = BY_CODE[String(code)] ?? "refused";
      this.why = message;
    }
  }
}

/** Such errors have no class and no code: there is only the message. */
function isUnresolved(error: Error): boolean {
  // Thrown for what cannot be a hostname, such as "a..b".
  return error instanceof URIError || error.message.startsWith(LOOKUP) ||
    UNRESOLVED.test(error.message);
}
