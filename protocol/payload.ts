import { CypherError, CypherStatus } from "./errors.ts";
import type { Answer, Request, RequestInit } from "./message.ts";
import { failureOf, readAnswer, readRequest } from "./read_message.ts";

const utf8 = new TextDecoder();
const strict = new TextDecoder("utf-8", { fatal: true });
/** What stands for bytes that are not UTF-8, unless it was there before. */
const REPLACED = "\ufffd";

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
    text = decode(payload);
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

/**
 * Decodes UTF-8; throws if it is not. The strict decoder of Deno 2.9.6 is slow,
 * and so is parsing what it gives: it is only asked where there is doubt.
 */
function decode(bytes: Uint8Array): string {
  const text = utf8.decode(bytes);
  return text.includes(REPLACED) ? strict.decode(bytes) : text;
}
