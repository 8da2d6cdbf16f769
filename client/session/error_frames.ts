import {
  CypherError,
  type CypherErrorCode,
  CypherStatus,
} from "../../protocol/errors.ts";
import type { Frame } from "../../protocol/frames.ts";
import { readError } from "../../protocol/notices.ts";

/** The codes of error frames that are an error code of ours. */
const CODES: ReadonlySet<string> = new Set<CypherErrorCode>([
  "ANSWER_LOST",
  "ANSWER_TOO_LARGE",
  "OUTCOME_UNKNOWN",
]);

/** What a request ends in whose answer is an error frame. */
export function requestError(frame: Frame): CypherError {
  try {
    const { code, message } = readError(frame.payload);
    return CODES.has(code)
      ? new CypherError(code as CypherErrorCode, message)
      : new CypherStatus(code, message);
  } catch (error) {
    // It has ended all the same.
    if (error instanceof CypherError) return error;
    throw error;
  }
}

/** What a connection ends in that the server has an error frame for. */
export function connectionError(frame: Frame): CypherError {
  const { code, message } = readError(frame.payload);
  return new CypherError("BAD_MESSAGE", `The server said ${code}: ${message}`);
}
