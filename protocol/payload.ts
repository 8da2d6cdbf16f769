import { CypherError, CypherStatus } from "./errors.ts";
import {
  type Answer,
  failureOf,
  readAnswer,
  readRequest,
  type Request,
  type RequestInit,
} from "./message.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A payload's request, or what is wrong with it. */
export function requestIn(
  payload: Uint8Array,
  depth: number,
): Request | CypherError {
  return orError(payload, (text) => readRequest(text, depth));
}

/** A payload's answer, or the failure that it says, or what is wrong with it. */
export function answerIn(
  payload: Uint8Array,
  request: RequestInit,
  depth: number,
): Answer | CypherError {
  return orError(payload, (text) => {
    const answer = readAnswer(request, text, depth);
    const failure = failureOf(answer);
    return failure
      ? new CypherStatus(failure.code, failure.message, answer.data)
      : answer;
  });
}

function orError<T>(
  payload: Uint8Array,
  read: (text: string) => T,
): T | CypherError {
  let text: string;
  try {
    text = utf8.decode(payload);
  } catch {
    return new CypherError("BAD_MESSAGE", "Cannot read the message: not UTF-8");
  }
  try {
    return read(text);
  } catch (error) {
    if (error instanceof CypherError) return error;
    throw error;
  }
}
