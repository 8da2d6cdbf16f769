import { failureText } from "../../protocol/chat/failures.ts";
import { isMessage } from "../../protocol/chat/text.ts";
import { CypherError, CypherStatus } from "../../protocol/errors.ts";

/**
 * Refuses what cannot be sent as one line of text.
 *
 * @throws {CypherError} `UNSENDABLE`.
 */
export function requireMessage(text: string): void {
  if (typeof text === "string" && isMessage(text)) return;
  throw new CypherError(
    "UNSENDABLE",
    "Cannot send the message: it must be one line of text that is not blank, " +
      "without control characters",
  );
}

/** Whether an error is that failure of the server's. */
export function isStatus(error: unknown, code: string): boolean {
  return error instanceof CypherStatus && error.status === code;
}

/** A failure that needs no server to be found. */
export function status(code: string): CypherStatus {
  return new CypherStatus(code, failureText(code));
}

/** The error for a recipient that has announced no key. */
export function noKey(name: string): CypherError {
  return new CypherError(
    "UNSENDABLE",
    `Cannot write to ${name}: no public key is known, and nothing is sent in ` +
      `the clear`,
  );
}

/** The error of a client that is closed. */
export function closedError(): CypherError {
  return new CypherError("CLOSED", "The client is closed");
}
